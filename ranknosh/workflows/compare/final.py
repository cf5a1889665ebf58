"""The final recipe: what a search found, trained from scratch, judged on validation and read on test once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from ranknosh.core.records import EpochPoint, Failed, Interrupted, Job, Observed
from ranknosh.errors import StoreError
from ranknosh.spaces.base import Architecture
from ranknosh.streams import torch_seed
from ranknosh.training import CheckpointStore, Task, test_candidate, train_rung
from ranknosh.workflows.compare.problem import Problem

MOST_TRIES = 3
"""A checkpoint that is damaged is set aside and the training goes on from an older one so often."""


@dataclass(frozen=True)
class Final:
    """Accuracies are fractions, None where unknown; ``seconds`` those of training and both readings. ``failed``: why there
    is no result, None where there is one."""

    validation: float | None
    test: float | None
    epochs: int
    seconds: float
    failed: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Final:
        """Raises StoreError where a field is missing."""
        try:
            return cls(**{part.name: row[part.name] for part in fields(cls)})
        except KeyError as error:
            raise StoreError(f"a final training in the journal lacks {error}") from error


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
    """Train ``architecture`` for ``epochs`` with the problem's settings, going on from a checkpoint in ``folder``.

    The seed alone fixes weights and data order, so every method's find is trained alike. Raises KeyboardInterrupt where
    ``stop()``, asked after every epoch, is true; what is done is saved.
    """
    task = Task(problem.data, problem.size, replace(problem.train, total_epochs=epochs))
    store = CheckpointStore(folder.resolve())
    job = Job(0, architecture, 1, 0, epochs, torch_seed(seed, "final"))

    def heard(_: Job, point: EpochPoint) -> None:
        on_epoch(point.epoch)

    for _ in range(MOST_TRIES):
        outcome = train_rung(job, task, store, stop=stop, on_epoch=heard).outcome
        if isinstance(outcome, Interrupted):
            raise KeyboardInterrupt
        if isinstance(outcome, Observed):
            tested = test_candidate(0, architecture, task, store)
            seconds = outcome.seconds + tested.seconds
            return Final(outcome.validation_accuracy, tested.test_accuracy, epochs, seconds)
        if outcome.kind != "checkpoint_damaged":
            break
    assert isinstance(outcome, Failed)
    return Final(None, None, epochs, outcome.seconds, f"{outcome.kind.replace('_', ' ')}: {outcome.message}")
