"""The state of a supernet search on disk: one sealed file, replaced whole, read without running any code of it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ranknosh.runs.files import read_sealed, write_sealed

NAME = "checkpoint.pt"
REMEDY = "bring it back from a copy, or delete it: the search begins again at its first epoch"


def save(folder: Path, run_id: str, plan: int, state: Mapping[str, Any]) -> None:
    """Write the state of a search.

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
    write_sealed(folder / NAME, run_id, buffer.getvalue())


def load(folder: Path, run_id: str) -> tuple[int, dict[str, Any]] | None:
    """The plan's number and the state, on the CPU; None where there is no file.

    Raises:
        StoreError: for one that is damaged or of another run.
    """
    payload = read_sealed(folder / NAME, run_id, REMEDY)
    if payload is None:
        return None
    found = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    return int(found["plan"]), found["search"]
