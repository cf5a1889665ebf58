"""The final recipe: what a search found, trained from scratch, judged on validation and read on test once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ranknosh.core.records import Observed
from ranknosh.spaces.base import Architecture
from ranknosh.streams import torch_seed
from ranknosh.training import CheckpointStore, Task, test_candidate, train_rung
from ranknosh.training.rung import train_whole, whole_job
from ranknosh.workflows.compare.problem import Problem


@dataclass(frozen=True)
class Final:
    """Accuracies are fractions, None where unknown; ``seconds`` those of training and both readings. ``failed``: why there
    is no result, None where there is one."""

    validation: float | None
    test: float | None
    epochs: int
    seconds: float
    failed: str | None = None


def final_folder(root: Path, text: str, seed: int) -> Path:
    """Where the final training of the architecture with exchange string ``text`` under ``seed`` keeps its checkpoint."""
    return root / "final" / f"seed-{seed}-{hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:12]}"


def train_final(
    architecture: Architecture,
    problem: Problem,
    epochs: int,
    seed: int,
    folder: Path,
    *,
    stop: Callable[[], bool] = lambda: False,
    on_epoch: Callable[[int], None] = lambda epoch: None,
) -> Final:
    """Train what a search found, resuming from a checkpoint in ``folder``, and read validation and test.

    The seed alone fixes weights and data order, so every method's find is trained alike.

    Args:
        architecture: that was found.
        problem: with the images, the network size and how a network is trained.
        epochs: of the training and of its learning rate schedule.
        seed: of the search that found it.
        folder: of the checkpoint.
        stop: asked after every epoch; true ends it with KeyboardInterrupt, what is done being saved.
        on_epoch: takes the number of finished epochs.
    """
    task = Task(problem.data, problem.size, problem.train.model_copy(update={"total_epochs": epochs}))
    store = CheckpointStore(folder.resolve())
    job = whole_job(architecture, task, torch_seed(seed, "final"))
    train = partial(train_rung, job, task, store, stop=stop, on_epoch=lambda _, point: on_epoch(point.epoch))
    outcome = train_whole(train)
    if isinstance(outcome, Observed):
        tested = test_candidate(job, task, store)
        seconds = outcome.seconds + tested.seconds
        return Final(outcome.validation_accuracy, tested.test_accuracy, epochs, seconds)
    return Final(None, None, epochs, outcome.seconds, f"{outcome.kind.replace('_', ' ')}: {outcome.message}")
