"""Run folders: their names, the lock that one process holds, what is found in them, and what may be removed."""

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ranknosh.errors import ConfigError, StoreError
from ranknosh.runs.files import writing

LOCK, OWNER = ".lock", ".owner"


@dataclass(frozen=True)
class Waste:
    """Something that may be removed: where it is, its bytes, why it may go, and how it is removed."""

    where: str
    size: int
    reason: str
    remove: Callable[[], None]


@contextmanager
def locked(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """Holds the lock of a run folder; the system lets it go when the process dies.

    Args:
        folder: of the run.
        patience: seconds to wait for another process.

    Raises:
        ConfigError: where another process holds it.
        StoreError: where the folder cannot be written.
    """
    with ExitStack() as stack:
        with writing(folder):
            try:
                stack.enter_context(_lock(folder, patience))
            except Timeout:
                owner = "another process"
                with suppress(OSError):
                    owner = (folder / OWNER).read_text().strip() or owner
                raise ConfigError(
                    f"{folder} is in use by {owner}; wait for it, stop it, or choose another folder with --name"
                ) from None
            (folder / OWNER).write_text(f"process {os.getpid()} on {socket.gethostname()}")
        yield


def discard(folder: Path) -> None:
    """Remove the folder of a run that was never written, where nothing else is in it and no other process begins one."""
    with suppress(OSError), _lock(folder):  # Timeout is an OSError
        for name in (LOCK, OWNER):
            (folder / name).unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def is_locked(folder: Path) -> bool:
    """Whether a process works on the run now; a folder that cannot be written counts as not locked."""
    try:
        if (folder / LOCK).exists():
            with _lock(folder):
                return False
    except Timeout:
        return True
    except OSError:
        pass
    return False


def _lock(folder: Path, patience: float = 0.0) -> FileLock:
    return FileLock(folder / LOCK, timeout=patience, thread_local=False)


def new_folder(out: Path, stem: str, name: str | None = None) -> Path:
    """Make the folder of a new run: ``out/name``, or ``out/stem-001`` and so on with the first number above every one taken.

    Two processes that ask at the same time get different numbers.

    Args:
        out: the folder of runs, made where it is missing.
        stem: of an automatic name.
        name: the name asked for; the folder may be there, as long as it holds no run.

    Raises:
        StoreError: where it cannot be made.
    """
    try:
        with writing(out):
            if name is not None:
                (out / name).mkdir(parents=True, exist_ok=True)
                return out / name
            out.mkdir(parents=True, exist_ok=True)
            pattern = re.compile(re.escape(stem) + r"-(\d+)")
            number = max(
                (int(found[1]) for path in out.iterdir() if (found := pattern.fullmatch(path.name))), default=0
            )
            while True:
                number += 1
                folder = out / f"{stem}-{number:03d}"
                with suppress(FileExistsError):
                    folder.mkdir()
                    return folder
    except ValueError as error:
        raise StoreError(f"{out} cannot be a folder name: {error}; give another --out") from error
