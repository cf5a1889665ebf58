"""The lines of a journal. A search is the fold of these records and of nothing else.

Conventions: ``metric`` is the ranking value, higher is better whatever it was made from (a loss is negated once, where it is
measured). ``metrics`` are what the task measures on validation, by name, each in its own direction and unit, ``loss`` among
them, the one that people read first at the front; none where validation is trained on. ``costs`` are known before training:
``params`` (weights), ``macs`` (multiply-accumulates of one input), ``latency`` (seconds), ``memory`` (bytes), lower is better.
``epochs`` are the epochs charged by this record. Levels count from 1. Records hold finite numbers only: a training that
diverged is a :class:`Failed`, never an :class:`Observed` with NaN.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar, Literal, NamedTuple, Self, TypeAlias, get_args

from ranknosh.errors import StoreError
from ranknosh.spaces.base import Architecture
from ranknosh.streams import torch_seed

Signal = Literal["validation", "mean", "ema", "train_loss", "combined"]
"""See :mod:`ranknosh.core.signals`."""
PLAIN: Signal = "validation"
Origin = Literal["seed", "random", "predictor", "explore", "evolution", "user"]
FailureKind = Literal["diverged", "out_of_memory", "raised", "invalid", "crashed", "hung", "lost", "checkpoint_damaged"]
SURROUNDINGS: tuple[FailureKind, ...] = ("raised", "crashed", "hung", "lost", "checkpoint_damaged")
"""Failures that say nothing about the architecture, so that no predictor learns from them."""
UNCOUNTED: tuple[FailureKind, ...] = ("lost", "checkpoint_damaged")
"""Failures that neither the architecture nor its training caused: the job is done again without counting as a try of it."""


class Token(NamedTuple):
    """What a training is known by while it is out. ``replica``: 0 for the first one, else a retraining with another seed."""

    candidate_id: int
    replica: int = 0


@dataclass(frozen=True, slots=True)
class EpochPoint:
    """One epoch of a learning curve; ``epoch`` counts finished epochs from 1.

    ``train_loss`` and ``train_metrics`` are taken over the augmented inputs while they are learned; the loss is NaN where a table
    that is played does not know it. Where validation is trained on, ``metric`` is made from them.
    """

    epoch: int
    train_loss: float
    metric: float
    seconds: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    train_metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scored:
    """Level 0: train-free proxies of one architecture. ``values`` holds None where a proxy gave a reason, not a value."""

    architecture: Architecture
    key: str
    text: str
    values: Mapping[str, float | None]
    seconds: float


@dataclass(frozen=True, slots=True)
class Costed:
    """What an architecture costs as far as that was measured, in ``seconds``; ``text`` is its exchange string."""

    text: str
    costs: Mapping[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """A refit of the predictor before batch ``batch`` was proposed.

    ``prequential`` is Kendall's tau between predictions made before a result was known and the results, over ``compared``
    candidates; None while there are too few. ``fallback`` says why the batch was explored instead, None where it was not.
    ``level0`` is the weight of each proxy by which explored candidates may follow level 0 in this batch, None where none may.
    """

    batch: int
    predictor: str
    members: int
    pairs: int
    prequential: float | None
    compared: int
    fallback: str | None
    seconds: float
    level0: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Proposed:
    """A new candidate. ``score`` is the prediction made for it before training, in standard deviations above a random
    architecture; ``spread`` its uncertainty in the same unit. ``text`` is the exchange string, ``key`` the canonical id,
    ``costs`` what it was known to cost."""

    candidate_id: int
    architecture: Architecture
    key: str
    text: str
    batch: int
    origin: Origin
    score: float | None = None
    spread: float | None = None
    costs: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Promotion:
    """A candidate is to be trained on to ``to_level``. ``reason``: the pyramid's quota, closing the search, or time:
    out of turn, because a budget of time holds no more than what the best needs to reach the top. ``signal``: what its level was
    ranked by, as far as no prediction ranked it."""

    candidate_id: int
    to_level: int
    reason: Literal["quota", "closing", "time"] = "quota"
    signal: Signal = PLAIN


@dataclass(frozen=True, slots=True)
class Rerun:
    """A finalist is to be trained again from scratch to the top level with another seed (``replica`` >= 1)."""

    candidate_id: int
    replica: int


@dataclass(frozen=True, slots=True)
class Observed:
    """A candidate finished a level."""

    candidate_id: int
    level: int
    metric: float
    metrics: Mapping[str, float]
    epochs: int
    seconds: float
    costs: Mapping[str, float] = field(default_factory=dict, hash=False)
    curve: tuple[EpochPoint, ...] = ()
    checkpoint_bytes: int = 0
    replica: int = 0

    def __post_init__(self) -> None:
        named = {"metric": self.metric, "seconds": self.seconds}
        named |= {f"metrics.{name}": value for name, value in self.metrics.items()}
        named |= {f"costs.{name}": value for name, value in self.costs.items()}
        for name, value in named.items():
            if not math.isfinite(value):
                raise ValueError(
                    f"Observed.{name} must be finite, got {value}; report a Failed(kind='diverged') instead"
                )


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A job stopped between two levels with its progress kept, at ``epoch`` finished epochs."""

    candidate_id: int
    level: int
    epoch: int
    epochs: int
    seconds: float
    checkpoint_bytes: int = 0
    replica: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """A job did not end well. ``final`` is False where the engine will try again (``attempt`` counts from 1).

    Kinds: ``diverged`` (loss not finite or exploded), ``out_of_memory``, ``raised`` (the training raised; ``traceback`` holds
    where), ``invalid`` (the network cannot be built); and from the surroundings ``crashed`` (the worker process died),
    ``hung`` (cancelled at its deadline), ``lost`` (its node went away), ``checkpoint_damaged`` (set aside; the candidate is
    trained again from an older one or from its first epoch). ``epochs``: charged where final, else those whose work was lost.
    """

    candidate_id: int
    level: int
    kind: FailureKind
    message: str
    epochs: int
    seconds: float
    attempt: int = 1
    final: bool = True
    replica: int = 0
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Speculated:
    """A second attempt was started for a job that took too long, and one of the two has won: the other's ``epochs`` and
    ``seconds`` were work for nothing. Its end changes nothing else."""

    candidate_id: int
    level: int
    epochs: int
    seconds: float
    replica: int = 0


@dataclass(frozen=True, slots=True)
class Workers:
    """How many jobs the executor could run at once from now on, and how busy it was since the session began.

    Written when ``slots`` changes (a node joined or left) and when a session ends. ``busy_seconds``: time slots spent in jobs,
    ``slot_seconds``: time there were slots, each slot counted; their ratio is the utilisation. Start-up of workers is in neither.
    """

    slots: int
    busy_seconds: float
    slot_seconds: float


@dataclass(frozen=True, slots=True)
class Tested:
    """A reading of the test split after ``epochs`` of training: the one of a search, by the architecture it ended with, or that
    of a training of a bank; ``metrics`` are empty where there is no test split."""

    __test__: ClassVar[bool] = False  # not a test class, whatever its name suggests to a test runner

    candidate_id: int
    metrics: Mapping[str, float]
    seconds: float
    epochs: int = 0
    replica: int = 0


@dataclass(frozen=True, slots=True)
class StockTrained:
    """A stock network trained by the recipe of the candidates, beside the one that the search ended with.

    ``candidate_id``, ``candidate_epochs`` and ``candidate_seconds``: beside which training of which candidate, and its device
    time. ``epochs`` are those of the stock network; ``metrics`` of validation after the last one, ``test`` was read once then,
    ``seconds`` of device time hold both. ``wall_seconds``: of the session that ended it, its choice included. Nothing of it is
    charged to the search. ``failed``: why there is no result, None where there is one.
    """

    net: str
    candidate_id: int
    candidate_epochs: int
    candidate_seconds: float
    epochs: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    test: Mapping[str, float] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    wall_seconds: float = 0.0
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A process began to work on the run: the first one, or one that resumed it. Runs of every workflow have these.

    ``repaired_bytes`` were a torn last line, ``unfinished_jobs`` were lost in flight and are done again; ``changes`` are the
    settings allowed to change between sessions (dotted name to new value), the budget above all. ``versions`` of packages and
    ``details`` are what else a workflow keeps of a session.
    """

    number: int
    host_cores: int
    device: str
    command: str
    repaired_bytes: int = 0
    unfinished_jobs: int = 0
    changes: Mapping[str, Any] = field(default_factory=dict)
    created: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        epoch, modules, table = (self.details.get(name) for name in ("from_epoch", "modules", "table"))
        if not (
            (epoch is None or type(epoch) is int)
            and (
                modules is None or (isinstance(modules, Mapping) and all(type(one) is str for one in modules.values()))
            )
            and (table is None or (isinstance(table, Mapping) and "data" in table))
        ):
            raise ValueError(
                "details: from_epoch is a whole number, modules are folders by name, a table names its data"
            )


@dataclass(frozen=True, slots=True)
class Stopped:
    """The search ended; ``reason`` is one of the words in ``ranknosh.core.search.StopReason``."""

    reason: str
    detail: str = ""


Decision: TypeAlias = Proposed | Promotion | Rerun
Result: TypeAlias = Observed | Interrupted | Failed
Finish: TypeAlias = Tested | StockTrained | Stopped
Record: TypeAlias = Decision | Result | Scored | Costed | Fitted | Speculated | Workers | Session | Finish
RECORDS: tuple[type[Any], ...] = get_args(Record)
"""Every kind of line that the journal of a search has."""


class Contradiction(ValueError):
    """A record does not follow from those before it; ``place`` counts them from 0."""

    def __init__(self, place: int, why: str) -> None:
        super().__init__(why)
        self.place = place


class Folded:
    """A state that is made by applying records one after the other."""

    @classmethod
    def of(cls, records: Iterable[Any]) -> Self:
        """The fold of ``records``. Raises Contradiction for the first that contradicts those before it."""
        state = cls()
        for place, record in enumerate(records):
            try:
                state.apply(record)
            except (ValueError, StoreError) as error:
                raise Contradiction(place, str(error)) from error
        return state

    def apply(self, record: Any) -> None:
        """Take a record in. Raises ValueError or StoreError where it contradicts those before it."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Job:
    """Train one candidate from ``start_epoch`` up to ``stop_epoch`` finished epochs. ``seed`` fixes init and data order.

    ``alone``: memory ran out before, so it runs alone and begins with half the examples per forward pass. ``level_start``: the
    finished epochs with which the level began, whose curve is told from there; None for ``start_epoch``, which is more where the
    level was interrupted.
    """

    candidate_id: int
    architecture: Architecture
    level: int
    start_epoch: int
    stop_epoch: int
    seed: int
    replica: int = 0
    attempt: int = 1
    alone: bool = False
    level_start: int | None = None

    @property
    def token(self) -> Token:
        return Token(self.candidate_id, self.replica)

    @property
    def curve_from(self) -> int:
        """Finished epochs after which the curve of its result begins."""
        return self.start_epoch if self.level_start is None else self.level_start

    @property
    def epochs(self) -> int:
        return self.stop_epoch - self.start_epoch


@lru_cache(maxsize=4096)  # every level asks for it, and to draw it costs more than all else of handing out a job
def job_seed(seed: int, candidate_id: int, replica: int = 0) -> int:
    """The seed of a candidate's jobs.

    Args:
        seed: of the search.
        candidate_id: its number.
        replica: 0, or the number of a training under another seed.
    """
    return torch_seed(seed, "train", candidate_id, replica)


@dataclass(frozen=True, slots=True)
class JobResult:
    """How a job ended, and the other attempts of it that lost to this one."""

    job: Job
    outcome: Result
    beside: tuple[Speculated, ...] = ()


def first_metric(metrics: Mapping[str, float]) -> float | None:
    """The value that people read first; None where nothing was measured."""
    return next(iter(metrics.values()), None)


def token_of(record: Decision | Result | Speculated) -> Token:
    """The training that a decision asks for, or that a result ends."""
    return Token(record.candidate_id, getattr(record, "replica", 0))
