"""Writing files so that a reader finds the old content or the new, never a part; and what a failed write should say."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from ranknosh.errors import StoreError, StoreFull


def write_error(folder: Path, error: OSError) -> StoreError:
    """The error a user should see for a failed write under ``folder``."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(
            f"the disk holding {folder} is full; what was written before is intact. Free some space (`ranknosh clean` removes "
            "checkpoints that no longer serve), then continue with `ranknosh resume`"
        )
    return StoreError(f"{folder} cannot be written: {error.strerror or error}; give a folder you may write with --out")


def write_atomic(path: Path, data: bytes) -> None:
    """Write a whole file or nothing: to a temporary name beside it, fsynced, renamed. Raises StoreFull or StoreError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):  # a folder that cannot be written cannot be tidied either
            temporary.unlink(missing_ok=True)
        raise write_error(path.parent, error) from error


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
