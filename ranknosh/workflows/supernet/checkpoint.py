"""The state of a supernet search on disk: one file, replaced whole, read without running any code of it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ranknosh.errors import StoreError
from ranknosh.runs.files import write_atomic

FORMAT = 1
NAME = "checkpoint.pt"


def save(folder: Path, run_id: str, plan: int, state: Mapping[str, Any]) -> None:
    """Write the state of a search under plan number ``plan`` of its journal.

    Raises StoreFull or StoreError; the old file stays then.
    """
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, "run": run_id, "plan": plan, "search": dict(state)}, buffer)
    write_atomic(folder / NAME, buffer.getvalue())


def load(folder: Path, run_id: str) -> tuple[int, dict[str, Any]] | None:
    """The plan's number and the state, on the CPU; None where there is no file.

    Raises StoreError for one that is of another run or cannot be read.
    """
    path = folder / NAME
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        if found["format"] != FORMAT or found["run"] != run_id:
            raise StoreError(
                f"{path} belongs to another run; delete it, and the search begins again at its first epoch"
            )
        return int(found["plan"]), found["search"]
    except FileNotFoundError:
        return None
    except StoreError:
        raise
    except Exception as error:  # torch.load raises whatever its readers raise
        reason = " ".join(str(error).split())[:120]
        raise StoreError(
            f"{path} cannot be read ({reason}); delete it, and the search begins again at its first epoch"
        ) from error
