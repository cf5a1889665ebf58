"""What a run can be: a search, a supernet's search, a retraining, finals, a table of scores, a comparison, a bank."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.errors import StoreError

if TYPE_CHECKING:
    from ranknosh.runs.journal import Header
    from ranknosh.runs.run import Run

HOMES = {
    "search": "SearchRun",
    "supernet": "SupernetRun",
    "retrain": "RetrainRun",
    "finals": "FinalsRun",
    "score": "ScoreRun",
    "compare": "CompareRun",
    "bank": "BankRun",
}
"""The class of each workflow's runs, in the module ``run`` of its package."""


def run_class(workflow: str) -> type[Run[Any]]:
    """Raises StoreError for a workflow that this version does not know."""
    if workflow not in HOMES:
        raise StoreError(
            f"the run is of the workflow {workflow!r}; this version knows {', '.join(HOMES)}: upgrade ranknosh"
        )
    found: type[Run[Any]] = getattr(import_module(f"{__name__}.{workflow}.run"), HOMES[workflow])
    return found


def record_classes(header: Header) -> Sequence[type]:
    """The record classes of a journal, by its header."""
    return run_class(header.workflow).RECORDS


def open_run(folder: Path | str) -> Run[Any]:
    """Read a run folder of any workflow without changing it.

    Raises:
        StoreError: where it holds no run, or its journal is damaged.
    """
    from ranknosh.runs.journal import read_history

    history = read_history(folder, record_classes)
    return run_class(history.header.workflow)(Path(folder), history)
