"""The network that finals picked, to be taken home."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ranknosh.export.finished import Finished, task_of
from ranknosh.tasks.data import Data

if TYPE_CHECKING:
    from ranknosh.config.retrain import FinalsSettings
    from ranknosh.runs.run import Run
    from ranknosh.tasks.base import Task
    from ranknosh.workflows.retrain.run import RetrainRun


def without_test(data: Data) -> Data:
    """What each training is given, so that the test part is read by the one alone that is picked."""
    return replace(data, test=data.test.first(0))


def finished(
    run: Run[Any], settings: FinalsSettings, inner: RetrainRun, test: Mapping[str, float], data: Data | Task | None
) -> Finished:
    """The network of one training.

    Args:
        run: the finals.
        settings: of the finals.
        inner: the training.
        test: what it read of the test part, empty where another one was picked.
        data: of the finals, where they were given from Python.

    Raises:
        DataError: the data are not there, or not those of the run.
        StoreError: the checkpoint is missing or damaged.
    """
    task = task_of(run, settings.data, settings.task, settings.split_seed, data)
    found = inner.finished(data=task)
    return replace(found, run=run, what=f"the training in {inner.folder.name} of the finals", test=test)
