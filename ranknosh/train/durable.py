"""Files that are there whole or not at all, whenever the machine stops."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from ranknosh.errors import StoreError, StoreFull

_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}


def write_durably(path: Path, data: bytes) -> None:
    """Write to a temporary name, flush to the disk, rename; folders above are made.

    Raises StoreFull on a full disk or quota, StoreError on anything else; a file of that name is then untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull(
                f"no space left for {path} ({len(data):,} bytes); what was written before is intact: "
                "free some space and resume the search"
            ) from error
        raise StoreError(f"cannot write {path}: {error.strerror or error}; check the folder's permissions") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames inside a folder survive a power cut, on systems where folders can be flushed."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
