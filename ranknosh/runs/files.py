"""Writing files so that a reader finds the old content or the new, never a part; and what a failed write should say.

A *sealed* file, such as a checkpoint, carries a digest and the run that it belongs to: one line of JSON,
``{"of": ..., "digest": ...}``, and the payload. The digest covers both, so that whatever is changed is noticed before anything
of the payload is used.
"""

import contextlib
import errno
import json
import os
import re
import socket
import uuid
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from pydantic_core import from_json

from ranknosh.errors import StoreError, StoreFull


def write_error(folder: Path, error: OSError) -> StoreError:
    """The error a user should see for a failed write under ``folder``."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(
            f"the disk holding {folder} is full; what was written before is intact. Free some space (`ranknosh clean` removes "
            "checkpoints that no longer serve), then continue with `ranknosh resume`"
        )
    remedy = "change its permissions, or begin in a folder you may write (--out)"
    return StoreError(f"{folder} cannot be written: {error.strerror or error}; {remedy}")


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns an OSError of what is done under ``folder`` into the error a user should see."""
    try:
        yield
    except OSError as error:
        raise write_error(folder, error) from error


def temporary_path(path: Path) -> Path:
    """A hidden name in the folder of ``path`` that no other write takes, whatever the thread, process or machine."""
    host = re.sub(r"[^A-Za-z0-9]", "", socket.gethostname())[:24]
    return path.with_name(f".{path.name}.{host}-{os.getpid()}-{uuid.uuid4().hex[:16]}.tmp")


def write_atomic(path: Path, data: bytes) -> None:
    """Write a whole file or nothing: to a temporary name in its folder, fsynced, renamed. Raises StoreFull or StoreError."""
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)


def replace_file(path: Path, data: bytes) -> None:
    """:func:`write_atomic` in a folder that is there, with the plain OSError."""
    temporary = temporary_path(path)
    try:
        write_synced(temporary, data)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except BaseException:  # a second Ctrl-C too
        with contextlib.suppress(OSError):  # a folder that cannot be written cannot be tidied either
            temporary.unlink(missing_ok=True)
        raise


def write_synced(path: Path, data: bytes) -> None:
    """Write in place and fsync; a part of the file may be left where it fails. Raises OSError."""
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def append_synced(descriptor: int, data: bytes) -> None:
    """Write at the end of a file open for appending, and fsync. Nothing is half-written where it raises OSError."""
    size = os.fstat(descriptor).st_size
    left = memoryview(data)
    try:
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_sealed(path: Path, of: str, payload: bytes) -> None:
    """Write a sealed file, whole or not at all.

    Args:
        path: of the file.
        of: what it belongs to, such as the id of its run.
        payload: any bytes.

    Raises:
        StoreError: where it cannot be written; the old file stays then.
    """
    write_atomic(path, _sealed(of, payload))


def read_sealed(path: Path, of: str, remedy: str) -> bytes | None:
    """The payload of a sealed file; None where there is no file.

    Args:
        path: of the file.
        of: what it has to belong to.
        remedy: what a user can do about a file that cannot be used, for the message.

    Raises:
        StoreError: where it cannot be read, is damaged, or belongs to something else.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}; {remedy}") from error
    head, _, payload = data.partition(b"\n")
    try:
        found = str(from_json(head)["of"])
        whole = _sealed(found, payload) == data
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise StoreError(f"{path} is damaged: its digest does not fit what it holds; {remedy}")
    if found != of:
        raise StoreError(f"{path} belongs to {found}, and {of} was expected here; {remedy}")
    return payload


def _sealed(of: str, payload: bytes) -> bytes:
    digest = blake2b(of.encode() + b"\n" + payload, digest_size=16).hexdigest()
    return json.dumps({"of": of, "digest": digest}).encode() + b"\n" + payload
