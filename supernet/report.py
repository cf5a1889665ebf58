"""The record of one epoch of a supernet search."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class EpochReport:
    """The record of one epoch, in plain numbers, texts and lists.

    Attributes:
        epoch: Number of the epoch, from 0.
        stage: Name of the stage.
        lr: Learning rate of the weights.
        steps: Weight steps.
        weights_loss: Mean loss of the weight steps.
        train_metric: The judge's metric over the training examples while they were learned; None where it has no value.
        alphas_loss: Mean loss of the architecture steps; None where there were none.
        theta: Mean weights per kind, edges by operations.
        cells: The operation that would be kept on each edge now, per kind.
        text: The same architecture in the text form of the space.
        skips: Skip connections in it.
        seconds: Wall time of the epoch.
        strength: Scores per kind of a selection with scores of its own, edges by operations.
        measured: What monitors add, by name.
    """

    epoch: int
    stage: str
    lr: float
    steps: int
    weights_loss: float
    train_metric: float | None
    alphas_loss: float | None
    theta: dict[str, list[list[float]]]
    cells: dict[str, list[int | None]]
    text: str
    skips: int
    seconds: float = 0.0
    strength: dict[str, list[list[float]]] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain dictionaries and lists."""
        return asdict(self)
