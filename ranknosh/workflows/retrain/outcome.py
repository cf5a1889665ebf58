"""What a retraining tells: a line for every epoch, and the result at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ranknosh.errors import RankNoshError


class RetrainFailed(RankNoshError):
    """The network could not be trained: it diverged or one image at a time does not fit the memory."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class EpochLine:
    """One epoch; ``epoch`` counts finished ones from 1.

    ``lr`` and ``drop_path`` are those of its first step. ``train_loss`` is the mean cross-entropy (nats, without the auxiliary
    head's part) and ``train_accuracy`` the share right, over the augmented images while they were learned. Validation is None
    where its images are trained on. ``seconds``: device time of training and validation.
    """

    epoch: int
    lr: float
    drop_path: float
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Retrained:
    """The end of a retraining, after the last epoch; no epoch is ever chosen by its accuracy.

    ``architecture`` is the text that others read. Accuracies are fractions. ``validation_accuracy`` is None where
    ``trained_on_validation``; ``test_accuracy`` is None where there is no test image, else it was read once, at the end.
    ``params`` and ``macs`` (an image) leave out the auxiliary head. ``device_seconds`` hold all epochs, those done again after
    an interruption too, and the test; ``images``: how many were trained on, validated on and tested.
    """

    architecture: str
    space: str
    seed: int
    epochs: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    test_loss: float | None
    test_accuracy: float | None
    trained_on_validation: bool
    params: int
    macs: int
    device: str
    device_seconds: float
    images: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data; ``Retrained(**d)`` gives it back."""
        return {**asdict(self), "images": dict(self.images)}


def summary(result: Retrained, folder: Path | None, preset: str) -> dict[str, Any]:
    """The result for programs, with the recipe's name and the folder."""
    return {**result.as_dict(), "preset": preset, "folder": None if folder is None else str(folder)}
