"""The final recipe: what a search found, trained from scratch, judged on validation and read on test once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ranknosh.core.records import Observed
from ranknosh.errors import StoreError
from ranknosh.spaces.base import Architecture
from ranknosh.streams import torch_seed
from ranknosh.training import CheckpointStore, Task, test_candidate
from ranknosh.training.whole import train_whole, whole_job
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
    task = Task(problem.data, problem.size, problem.train.model_copy(update={"total_epochs": epochs}))
    store = CheckpointStore(folder.resolve())
    job = whole_job(architecture, task, torch_seed(seed, "final"))
    outcome = train_whole(job, task, store, stop=stop, on_epoch=lambda _, point: on_epoch(point.epoch))
    if isinstance(outcome, Observed):
        tested = test_candidate(job, task, store)
        seconds = outcome.seconds + tested.seconds
        return Final(outcome.validation_accuracy, tested.test_accuracy, epochs, seconds)
    return Final(None, None, epochs, outcome.seconds, f"{outcome.kind.replace('_', ' ')}: {outcome.message}")
