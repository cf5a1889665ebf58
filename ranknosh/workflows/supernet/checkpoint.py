"""The state of a supernet search on disk.

It is sealed: one line of JSON, ``{"of": ..., "digest": ...}``, names the run that it belongs to, and the digest covers that and
what follows, so that whatever is changed is noticed before anything of it is used.
"""

import io
import json
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch

from ranknosh.errors import StoreError
from ranknosh.runs.files import write_atomic
from ranknosh.workflows.supernet.records import CHECKPOINT

REMEDY = "bring it back from a copy, or delete it: the search begins again at its first epoch"


def save_checkpoint(folder: Path, run_id: str, plan: int, state: Mapping[str, Any]) -> None:
    """Write the state of a search, whole or not at all.

    Args:
        folder: of the run.
        run_id: of the run's header.
        plan: number of the plan in the journal, from 0, that the search follows.
        state: of the search.

    Raises:
        StoreError: where it cannot be written; the old file stays then.
    """
    buffer = io.BytesIO()
    torch.save({"plan": plan, "search": dict(state)}, buffer)
    write_atomic(folder / CHECKPOINT, _sealed(run_id, buffer.getvalue()))


def load_checkpoint(folder: Path, run_id: str) -> tuple[int, dict[str, Any]] | None:
    """The plan's number and the state, on the CPU, read without running any code of it; None where there is no file.

    Raises StoreError for one that cannot be read, is damaged, or is of another run.
    """
    path = folder / CHECKPOINT
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}; {REMEDY}") from error
    head, _, payload = data.partition(b"\n")
    try:
        owner = str(json.loads(head)["of"])
        whole = _sealed(owner, payload) == data
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise StoreError(f"{path} is damaged: its digest does not fit what it holds; {REMEDY}")
    if owner != run_id:
        raise StoreError(f"{path} belongs to {owner}, and {run_id} was expected here; {REMEDY}")
    found = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    return int(found["plan"]), found["search"]


def _sealed(of: str, payload: bytes) -> bytes:
    digest = blake2b(of.encode() + b"\n" + payload, digest_size=16).hexdigest()
    return json.dumps({"of": of, "digest": digest}).encode() + b"\n" + payload
