"""The lines of a retraining's journal and their fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ranknosh.core.records import Folded, Session
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


@dataclass(frozen=True, slots=True)
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
        """Plain JSON data."""
        return {**asdict(self), "images": dict(self.images)}


RECORDS: tuple[type, ...] = (Session, EpochLine, Retrained)


@dataclass
class RetrainState(Folded):
    """What the records say. ``seconds``: device time of all epochs, those done again too."""

    lines: dict[int, EpochLine] = field(default_factory=dict)
    result: Retrained | None = None
    seconds: float = 0.0
    sessions: list[Session] = field(default_factory=list)

    def apply(self, record: Session | EpochLine | Retrained) -> None:
        """Take a record in; of an epoch that is done again the last line counts, and later epochs are done again too."""
        if isinstance(record, EpochLine):
            self.lines = {epoch: known for epoch, known in self.lines.items() if epoch < record.epoch}
            self.lines[record.epoch] = record
            self.seconds += record.seconds
        elif isinstance(record, Retrained):
            self.result = record
        else:
            self.sessions.append(record)

    @property
    def curve(self) -> list[EpochLine]:
        """The epochs that count, in order."""
        return [self.lines[epoch] for epoch in sorted(self.lines)]
