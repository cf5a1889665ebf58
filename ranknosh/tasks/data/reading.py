"""What is read of a disk: regular files only, and no more of one than is known before it is read."""

import lzma
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path

from ranknosh.errors import DataError

MOST_BYTES = 2**28
"""Of one picture's file. The largest that is decoded has fewer where it is packed at all."""
READ_ERRORS = (
    *(OSError, EOFError, RuntimeError, KeyError, ValueError, NotImplementedError),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError),
)
"""What reading a damaged, locked or missing file or archive raises."""


def require_path(path: Path, key: str) -> None:
    """See that a path can be read.

    Args:
        path: a file or folder.
        key: what it is given as, for messages.

    Raises:
        DataError: where it does not exist (with the nearest folder that does), cannot be looked at, or is neither a regular file
            nor a folder, so that reading it might never end.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise _missing(path, key) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise DataError(f"{key} {path} cannot be read: {reason(error)}; check the path and its permissions") from error
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise DataError(f"{key} {path} is a device or a pipe; give a file or a folder")


def _missing(path: Path, key: str) -> DataError:
    nearest = next(folder for folder in path.absolute().parents if folder.is_dir())
    try:
        names = sorted(entry.name for entry in nearest.iterdir() if not entry.name.startswith("."))
    except OSError:
        names = []
    shown = ", ".join(names[:6]) + (" ..." if len(names) > 6 else "") if names else "nothing"
    remedy = f"; say where it is with --set {key}=PATH" if key.startswith("data.") else ""
    return DataError(
        f"{key} {path} does not exist; the nearest folder that does is {nearest}, which holds {shown}{remedy}"
    )


def read_picture(path: Path) -> bytes:
    """The content of a file. Raises ValueError where it is no picture by its kind or size, OSError where it cannot be read."""
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise ValueError("it is a device or a pipe, no file; remove it")
    check_size(state.st_size)
    return path.read_bytes()


def check_size(size: int) -> None:
    """Raises ValueError where a file of ``size`` bytes is no picture."""
    if size > MOST_BYTES:
        raise ValueError(f"it has {size:,} bytes, and a picture at most {MOST_BYTES:,}; remove it or store it smaller")


def unreadable(where: str, name: str, error: BaseException, dead: bool = False) -> DataError:
    """The error a user should see for a file that could not be read.

    Args:
        where: the file was looked for.
        name: its name there.
        error: what reading it raised.
        dead: whether it is a link to nothing.
    """
    if dead:
        return DataError(f"{where}: {name} is a link whose target is gone; remove the link, or bring its target back")
    remedy = "; check its permissions" if isinstance(error, PermissionError) else ""
    return DataError(f"{where}: {name} cannot be read: {reason(error)}{remedy}")


def reason(error: BaseException) -> str:
    """An error in few words."""
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
