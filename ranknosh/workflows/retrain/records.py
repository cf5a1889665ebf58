"""The lines of a retraining's journal and their fold."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ranknosh.core.records import EpochPoint, Folded, Session
from ranknosh.errors import RankNoshError


class RetrainFailed(RankNoshError):
    """The network could not be trained: it diverged or one example at a time does not fit the memory."""

    exit_code = 5


@dataclass(frozen=True, slots=True)
class Retrained:
    """The end of a retraining, after the last epoch; no epoch is ever chosen by its metrics.

    ``architecture`` is the text that others read. ``metrics`` (of validation) are empty where ``trained_on_validation``;
    ``test`` is empty where there is no test split, else it was read once, at the end. ``costs`` leave out the auxiliary head.
    ``device_seconds`` hold all epochs, those done again after an interruption too, and the test; ``examples``: how many were
    trained on, validated on and tested.
    """

    architecture: str
    space: str
    seed: int
    epochs: int
    train_loss: float
    train_metrics: Mapping[str, float]
    metrics: Mapping[str, float]
    test: Mapping[str, float]
    trained_on_validation: bool
    costs: Mapping[str, float]
    device: str
    device_seconds: float
    examples: Mapping[str, int]

    def __post_init__(self) -> None:
        if not {"train", "validation", "test"} <= self.examples.keys():
            raise ValueError("examples counts train, validation and test")


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
