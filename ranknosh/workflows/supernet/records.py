"""The records of a supernet search, what they add up to, and both in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ranknosh.config.units import Quantity, human_duration, percent, plural
from ranknosh.core.records import Folded, Session
from supernet.report import EpochReport

CHECKPOINT = "checkpoint.pt"
"""The name of the file with a search's state."""
LONGEST = 120
"""Characters of a derived architecture that is shown every epoch; DARTS genotypes are shown at the end."""
RECENT = 5
"""Epochs whose mean duration is taken for that of those to come."""


@dataclass(frozen=True)
class SupernetPlan:
    """How the number of epochs was chosen: ``asked`` of the method, which makes it ``epochs`` (a method may have its own rule).

    ``composition``: the method's line with them. ``source``: ``given``, ``trial`` (steps timed before the search), or ``first
    epochs`` (corrected by what those took). ``epoch_seconds``: the mean that was expected, ``selection_seconds``: of the end,
    ``stage_epochs``: seconds of an epoch by [stage, whether it trains weights only]. ``trial_seconds``: what the timing took; it
    is taken off the budget.
    """

    asked: int | None
    epochs: int
    composition: str
    source: str
    budget_seconds: float | None = None
    epoch_seconds: float | None = None
    selection_seconds: float = 0.0
    trial_seconds: float = 0.0
    stage_epochs: tuple[tuple[int, bool, float], ...] = ()

    def words(self) -> str:
        """How many epochs there will be, and why."""
        if self.source == "given" or self.budget_seconds is None or self.epoch_seconds is None:
            return f"{plural(self.epochs, 'epoch')}: {self.composition}"
        how = "a few steps timed" if self.source == "trial" else "the first epochs"
        budget, epoch = human_duration(self.budget_seconds), human_duration(self.epoch_seconds)
        return f"{plural(self.epochs, 'epoch')} fit {budget}: {epoch} each by {how}"


@dataclass
class SupernetEpoch(EpochReport):
    """The report of an epoch that ended, with None in place of numbers that JSON has not.

    ``truth``: what a table knows of the cell derived after it, a fraction; None where none knows it.
    """

    weights_loss: float | None  # type: ignore[assignment]
    theta: dict[str, list[list[float | None]]]  # type: ignore[assignment]
    strength: dict[str, list[list[float | None]]] = field(default_factory=dict)  # type: ignore[assignment]
    measured: dict[str, float | None] = field(default_factory=dict)  # type: ignore[assignment]
    truth: float | None = None

    @classmethod
    def of(cls, report: EpochReport, truth: float | None) -> SupernetEpoch:
        """The record of a report."""
        return cls(**finite(report.to_dict()), truth=truth)

    def words(self, planned: int, left: float | None, metric: Quantity, known: str = "") -> str:
        """The epoch in a line.

        Args:
            planned: epochs of the search.
            left: seconds that the rest of them is expected to take.
            metric: that the supernet is judged by.
            known: the data set of the table, where there is one.
        """
        loss = "n/a" if self.weights_loss is None else f"{self.weights_loss:.3f}"
        alphas = "weights only" if self.alphas_loss is None else f"alphas loss {self.alphas_loss:.3f}"
        losses = f"loss {loss}, {alphas}, train {metric.name} {metric.text(self.train_metric)}"
        ahead = f"   {human_duration(left)} left" if left else ""
        return f"epoch {self.epoch + 1} of {planned}: {losses}   {self.cell_words(known)}{ahead}"

    def cell_words(self, known: str = "") -> str:
        """The cell derived after the epoch; ``known``: the data set of the table, where there is one."""
        truth = "" if self.truth is None else f", {percent(self.truth)} by the table of {known}"
        return f"skips {self.skips}{truth}" + (f"   {self.text}" if len(self.text) <= LONGEST else "")


@dataclass(frozen=True)
class SupernetResult:
    """The last record of a search.

    ``cells[kind]``: the kept operation's place on every edge, None for none; ``text`` in the field's format. ``skips``: skip
    connections. ``capped``: time ended it before the epochs that were asked for. ``device_seconds``: of epochs and selection;
    ``lost_seconds``: of epochs done again after an interruption, not in it. ``wall_seconds``: all sessions, the timing before
    the first included. ``peak_memory``: bytes of the ``process``, and of the ``device`` where that is CUDA.
    ``truth``: a fraction, None where no table knows it. ``diagnostics``: ``landscape`` (see
    ``supernet.diagnostics.Landscape``) where it was asked for; its time is not device time.
    """

    cells: dict[str, list[int | None]]
    text: str
    skips: int
    epochs: int
    ended: str
    capped: bool
    device_seconds: float
    selection_seconds: float
    lost_seconds: float
    wall_seconds: float
    peak_memory: dict[str, int]
    truth: float | None = None
    diagnostics: dict[str, Any] = field(default_factory=dict)


RECORDS = (Session, SupernetPlan, SupernetEpoch, SupernetResult)


@dataclass
class SupernetState(Folded):
    """What is known of a search. ``epochs`` are those that count, in order.

    ``lost_seconds``: of epochs that were done again after an interruption. ``retraced_seconds``: of epochs that the method
    itself went back over, which it pays for.
    """

    sessions: list[Session] = field(default_factory=list)
    plans: list[SupernetPlan] = field(default_factory=list)
    epochs: list[SupernetEpoch] = field(default_factory=list)
    result: SupernetResult | None = None
    lost_seconds: float = 0.0
    retraced_seconds: float = 0.0

    def apply(self, record: Any) -> None:
        """Fold one record in. Raises ValueError for an epoch whose predecessors are not known."""
        if isinstance(record, Session):
            self.sessions.append(record)
            self.lost_seconds += self._forget(int(record.details.get("from_epoch", 0)))
        elif isinstance(record, SupernetPlan):
            self.plans.append(record)
        elif isinstance(record, SupernetEpoch):
            if record.epoch > len(self.epochs):
                raise ValueError(f"epoch {record.epoch} follows {len(self.epochs)} epochs")
            self.retraced_seconds += self._forget(record.epoch)
            self.epochs.append(record)
        elif isinstance(record, SupernetResult):
            self.result = record

    def _forget(self, kept: int) -> float:
        """Drop the epochs after the first ``kept``; their seconds."""
        seconds = sum(each.seconds for each in self.epochs[kept:])
        del self.epochs[kept:]
        return seconds

    @property
    def device_seconds(self) -> float:
        """Of the epochs that count, and of those that the method went back over."""
        return sum(each.seconds for each in self.epochs) + self.retraced_seconds

    @property
    def trial_seconds(self) -> float:
        """What the timing of steps took before the first session."""
        return self.plans[0].trial_seconds if self.plans else 0.0

    @property
    def latest(self) -> SupernetResult | SupernetEpoch | None:
        """What holds the cell found, or the one derived last while the search has not ended."""
        return self.result or (self.epochs[-1] if self.epochs else None)

    @property
    def cells(self) -> dict[str, tuple[int | None, ...]]:
        """The kept operation's place on every edge, by kind of cell: found, or derived last. Empty before the first epoch."""
        return {kind: tuple(places) for kind, places in self.latest.cells.items()} if self.latest else {}

    def seconds_left(self, epochs: float) -> float | None:
        """Seconds of so many epochs at the pace of the latest ones; None before the first has ended."""
        recent = [each.seconds for each in self.epochs[-RECENT:]]
        return max(epochs, 0.0) * sum(recent) / len(recent) if recent else None


def finite(value: Any) -> Any:
    """Plain data with None in place of numbers that JSON has not."""
    if isinstance(value, Mapping):
        return {str(key): finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
