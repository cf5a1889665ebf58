"""Files that a run reads back, such as checkpoints: each carries a digest and the run and purpose that it belongs to.

A file is one line of JSON, ``{"of": ..., "digest": ...}``, and the payload. The digest covers both, so that whatever is
changed is noticed before anything of the payload is used.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from pathlib import Path

from ranknosh.errors import StoreError
from ranknosh.runs.files import write_atomic


def write_sealed(path: Path, of: str, payload: bytes) -> None:
    """Write a whole file or nothing.

    Args:
        path: of the file.
        of: what it belongs to, such as the id of its run.
        payload: any bytes.

    Raises:
        StoreError: where it cannot be written; the old file stays then.
    """
    write_atomic(path, _sealed(of, payload))


def read_sealed(path: Path, of: str, remedy: str) -> bytes | None:
    """The payload; None where there is no file.

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
        found = str(json.loads(head)["of"])
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
