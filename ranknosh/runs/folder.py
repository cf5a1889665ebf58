"""Run folders: their names, the lock that one process holds, and what is found in them."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

from filelock import FileLock, Timeout

from ranknosh.errors import ConfigError, StoreError
from ranknosh.runs.files import write_error

LOCK, OWNER = ".lock", ".owner"
_NUMBERED = re.compile(r"-(\d+)$")


class RunLock:
    """The lock of a run folder; the system lets it go when the process dies.

    Raises:
        ConfigError: where another process holds it.
        StoreError: where the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = FileLock(folder / LOCK, thread_local=False)
        try:
            self._lock.acquire(timeout=0)
            (folder / OWNER).write_text(f"process {os.getpid()} on {socket.gethostname()}")
        except Timeout:
            raise ConfigError(
                f"{folder} is in use by {owner_of(folder)}; wait for it, stop it, or choose another folder with --name"
            ) from None
        except OSError as error:
            self._lock.release()
            raise write_error(folder, error) from error

    def release(self) -> None:
        self._lock.release()


def owner_of(folder: Path) -> str:
    """Who wrote the lock last: ``process 123 on host``."""
    try:
        return (folder / OWNER).read_text().strip() or "another process"
    except OSError:
        return "another process"


def is_locked(folder: Path) -> bool:
    """Whether a process works on the run now; a folder that cannot be written counts as not locked."""
    if not (folder / LOCK).exists():
        return False
    lock = FileLock(folder / LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


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
        if name is not None:
            (out / name).mkdir(parents=True, exist_ok=True)
            return out / name
        out.mkdir(parents=True, exist_ok=True)
        pattern = re.compile(re.escape(stem) + _NUMBERED.pattern)
        taken = [int(found[1]) for path in out.iterdir() if (found := pattern.fullmatch(path.name))]
        number = max(taken, default=0)
        while True:
            number += 1
            folder = out / f"{stem}-{number:03d}"
            try:
                folder.mkdir()
                return folder
            except FileExistsError:
                continue
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            raise write_error(out, error) from error
        raise StoreError(f"{out} cannot be a folder name: {error}; give another --out") from error
