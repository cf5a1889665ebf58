"""The best network of a comparison, to be taken home."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ranknosh.errors import ConfigError
from ranknosh.export.finished import Finished, task_of
from ranknosh.workflows.compare.records import final_folder
from ranknosh.workflows.retrain.run import RetrainRun

if TYPE_CHECKING:
    from ranknosh.config.units import Quantity
    from ranknosh.runs.run import Run
    from ranknosh.tasks.base import Task
    from ranknosh.tasks.data import Data
    from ranknosh.workflows.compare.rows import Row


def finished(
    run: Run[Any], rows: Sequence[Row], metric: Quantity, method: int | str | None, data: Data | Task | None
) -> Finished:
    """The best final training of a method, by validation.

    Args:
        run: the comparison.
        rows: of its methods, the best one first.
        metric: that methods are judged by.
        method: by its name; the best one by default.
        data: of the run, where they were given from Python.

    Raises:
        ConfigError: nothing is trained to the end, or not of that method.
        DataError: the data are not there, or not those of the run.
        StoreError: the checkpoint is missing or damaged.
    """
    folder = run.folder
    settings: Any = run.settings
    chosen = [row for row in rows if method is None or row.method == method]
    trained = [
        each for row in chosen[:1] for each in row.runs if each.final is not None and each.final.validation is not None
    ]
    if not trained:
        known = ", ".join(row.method for row in rows)
        asked = (
            "nothing is trained to the end yet in"
            if method is None
            else f"--candidate {method} has no trained network in"
        )
        raise ConfigError(f"{asked} {folder}; its methods are {known}")
    sign = 1 if metric.higher else -1
    best = max(trained, key=lambda each: sign * (each.numbers["validation"] or 0.0))
    assert best.text is not None
    inner = RetrainRun.read(final_folder(folder, best.search.seed, best.text))
    return inner.finished(data=task_of(run, settings.data, settings.task, settings.seed, data))
