"""What a run reports while it works. Views, trackers and enclosing runs read these and nothing else; no sentence is parsed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

NEARLY = 1e-6
"""What a sum of parts of a unit may lack of a whole one by rounding."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The run folder is there and work begins. ``seconds`` are those of earlier sessions."""

    folder: Path
    workflow: str
    resumed: bool
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` units of ``task`` (such as ``epochs`` or ``proxy scoring``); None where the total is not known.

    ``text`` says in a few words what is being done, ``left`` the seconds the whole run is expected to take still.
    """

    task: str
    done: float
    total: float | None = None
    text: str = ""
    left: float | None = None

    @property
    def count(self) -> str:
        """Whole units that are done and, where it is known, how many there are: ``2/4``, ``2``."""
        whole = int(self.done + NEARLY)
        return f"{whole}" if self.total is None else f"{whole}/{int(self.total)}"


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch of a training ended. ``of`` is the training (a candidate's ``#7``, a method), ``last`` the epoch it goes up to.

    ``metrics`` by name, ``units`` of those that have one (``%`` of shares, which are fractions). ``job``
    and ``point`` are the workflow's own objects, where it has any.
    """

    of: str
    epoch: int
    last: int
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    job: Any = None
    point: Any = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """Records are on disk. ``state``: the workflow's fold with them, ``seconds``: the run's time, ``lines``: in words."""

    records: Sequence[Any]
    state: Any
    seconds: float
    lines: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Standings:
    """A small table of where the run is, drawn anew by live views. Cells are finished texts."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    facts: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence for the user."""

    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The run ended; ``reason`` in a few words, ``exit_code`` as the command line gives it."""

    folder: Path
    reason: str
    exit_code: int


Event: TypeAlias = Opened | Progress | Epoch | Recorded | Standings | Message | Ended
Events: TypeAlias = Callable[[Event], None]
"""Takes every event in order. Nothing it does changes a decision."""


def silent(event: Event) -> None:
    """Drops every event."""


def several(*takers: Events) -> Events:
    """Every event to each of ``takers`` in order."""

    def pass_on(event: Event) -> None:
        for taker in takers:
            taker(event)

    return pass_on
