"""What is logged of a search: curves and numbers as points, a function of its journal alone.

Equal journals give equal points in equal order, so a log that was cut off is completed by making the points again and
leaving out those it has. Accuracies are fractions, losses as they are (lower is better), ``metric`` is higher-is-better.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from ranknosh.core.pool import Pool
from ranknosh.core.records import Failed, Fitted, Observed, Record, Tested, Workers

Token = tuple[int, int]
"""(candidate, replica)"""


class Point(NamedTuple):
    """``owner``: the candidate and replica it belongs to, None for the search. ``step``: finished epochs of the candidate, or
    epochs the search has spent."""

    owner: Token | None
    tag: str
    step: int
    value: float


class Series:
    """Folds records into points."""

    def __init__(self) -> None:
        self.pool = Pool()
        self._drawn: dict[Token, int] = {}
        self._best: tuple[int, int, float] | None = None
        self._failures: Counter[str] = Counter()
        self._levels: Counter[int] = Counter()

    def points(self, record: Record) -> list[Point]:
        """The points ``record`` adds. Raises StoreError where it contradicts those before it."""
        spent, wasted = self.pool.epochs_spent, self.pool.epochs_wasted
        self.pool.apply(record)
        found = list(self._search(record))
        if isinstance(record, Observed):
            found += self._curve(record)
        if self.pool.epochs_spent != spent:
            found.append(self._now("budget/epochs_spent", self.pool.epochs_spent))
        if self.pool.epochs_wasted != wasted:
            found.append(self._now("budget/epochs_wasted", self.pool.epochs_wasted))
        return found

    def _now(self, tag: str, value: float) -> Point:
        return Point(None, tag, self.pool.epochs_spent, float(value))

    def _search(self, record: Record) -> Iterator[Point]:
        match record:
            case Observed():
                yield from self._result(record)
            case Failed():
                self._failures[record.kind] += 1
                yield self._now(f"failures/{record.kind}", self._failures[record.kind])
            case Fitted():
                yield self._now("predictor/members", record.members)
                if record.prequential is not None:
                    yield self._now("predictor/prequential_tau", record.prequential)
            case Workers():
                yield self._now("workers/slots", record.slots)
                if record.slot_seconds > 0:
                    yield self._now("workers/utilisation", record.busy_seconds / record.slot_seconds)
            case Tested():
                if record.test_accuracy is not None:
                    yield self._now("test/accuracy", record.test_accuracy)
                if record.test_loss is not None:
                    yield self._now("test/loss", record.test_loss)

    def _result(self, record: Observed) -> Iterator[Point]:
        if record.replica == 0:
            self._levels[record.level] += 1
            yield self._now(f"candidates/level_{record.level}", self._levels[record.level])
            yield self._now(f"result_metric/level_{record.level}", record.metric)
            if record.validation_accuracy is not None:
                yield self._now(f"result_accuracy/level_{record.level}", record.validation_accuracy)
        # Most results cannot take the lead, and asking the pool who leads costs a sort.
        if self._best is None or record.replica or (record.level, record.metric) >= self._best[1:]:
            leader = self.pool.best()
            if leader is not None and leader.metric is not None:
                self._best = leader.id, leader.level, leader.metric
        if self._best is not None:
            leader = self.pool.candidates[self._best[0]]
            yield self._now("best/metric", self._best[2])
            yield self._now("best/level", self._best[1])
            yield self._now("best/candidate", self._best[0])
            if leader.validation is not None:
                yield self._now("best/validation_accuracy", leader.validation)

    def _curve(self, record: Observed) -> Iterator[Point]:
        """A curve goes on where it stood: epochs done again after a damaged checkpoint are not drawn twice."""
        owner = record.candidate_id, record.replica
        drawn = self._drawn.get(owner, 0)
        for point in record.curve:
            if point.epoch > drawn:
                values = {"validation/accuracy": point.validation_accuracy, "validation/loss": point.validation_loss}
                for name, value in {**values, "train/loss": point.train_loss}.items():
                    if value is not None:
                        yield Point(owner, name, point.epoch, value)
        charged = record.epochs if record.replica else self.pool.candidates[record.candidate_id].epochs
        last = record.curve[-1].epoch if record.curve else charged
        if not record.curve:
            if record.validation_accuracy is not None:
                yield Point(owner, "validation/accuracy", last, record.validation_accuracy)
            if record.validation_loss is not None:
                yield Point(owner, "validation/loss", last, record.validation_loss)
        self._drawn[owner] = max(drawn, last)
        yield Point(owner, "metric", last, record.metric)
        yield Point(owner, "level", last, float(record.level))
        if record.params is not None:
            yield Point(owner, "size/params", last, float(record.params))
        if record.macs is not None:
            yield Point(owner, "size/macs", last, float(record.macs))
