"""What a run can be: a search, a supernet's search, a retraining, a table of scores, a comparison."""

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
    "search": "ranknosh.workflows.search.run:SearchRun",
    "supernet": "ranknosh.workflows.supernet.run:SupernetRun",
    "retrain": "ranknosh.workflows.retrain.run:RetrainRun",
    "score": "ranknosh.workflows.score.run:ScoreRun",
    "compare": "ranknosh.workflows.compare.run:CompareRun",
}


def run_class(workflow: str) -> type[Run[Any]]:
    """The class of a workflow's runs. Raises StoreError for a name that this version does not know."""
    if workflow not in HOMES:
        raise StoreError(
            f"the run is of the workflow {workflow!r}; this version knows {', '.join(HOMES)}: upgrade ranknosh"
        )
    module, name = HOMES[workflow].split(":")
    found: type[Run[Any]] = getattr(import_module(module), name)
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
