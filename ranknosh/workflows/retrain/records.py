"""The lines of a retraining's journal and their fold."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ranknosh.core.records import EpochPoint, Folded, Session
from ranknosh.errors import RankNoshError


class RetrainFailed(RankNoshError):
    """The network could not be trained: it diverged or one image at a time does not fit the memory."""

    exit_code = 1


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
    train_accuracy: float | None
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


RECORDS: tuple[type, ...] = (Session, EpochPoint, Retrained)


@dataclass
class RetrainState(Folded):
    """What the records say. ``curve``: the epochs that count, in order; ``seconds``: device time of all, those done again too."""

    curve: list[EpochPoint] = field(default_factory=list)
    result: Retrained | None = None
    seconds: float = 0.0

    def apply(self, record: Session | EpochPoint | Retrained) -> None:
        """Take a record in; of an epoch that is done again the last line counts, and later epochs are done again too."""
        if isinstance(record, EpochPoint):
            self.curve = [*(known for known in self.curve if known.epoch < record.epoch), record]
            self.seconds += record.seconds
        elif isinstance(record, Retrained):
            self.result = record
