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
        pool = self.pool
        spent, wasted = pool.epochs_spent, pool.epochs_wasted
        pool.apply(record)
        now = pool.epochs_spent
        found = [Point(None, tag, now, float(value)) for tag, value in self._of_search(record) if value is not None]
        if isinstance(record, Observed):
            owner = record.candidate_id, record.replica
            curve = self._of_candidate(record, owner)
            found += [Point(owner, tag, step, float(value)) for tag, step, value in curve if value is not None]
        if now != spent:
            found.append(Point(None, "budget/epochs_spent", now, float(now)))
        if pool.epochs_wasted != wasted:
            found.append(Point(None, "budget/epochs_wasted", now, float(pool.epochs_wasted)))
        return found

    def _of_search(self, record: Record) -> Iterator[tuple[str, float | None]]:
        """Tags and values of the search, None where one is unknown."""
        match record:
            case Observed():
                yield from self._result(record)
            case Failed():
                self._failures[record.kind] += 1
                yield f"failures/{record.kind}", self._failures[record.kind]
            case Fitted():
                yield "predictor/members", record.members
                yield "predictor/prequential_tau", record.prequential
            case Workers():
                yield "workers/slots", record.slots
                if record.slot_seconds > 0:
                    yield "workers/utilisation", record.busy_seconds / record.slot_seconds
            case Tested():
                yield "test/accuracy", record.test_accuracy
                yield "test/loss", record.test_loss

    def _result(self, record: Observed) -> Iterator[tuple[str, float | None]]:
        if record.replica == 0:
            self._levels[record.level] += 1
            yield f"candidates/level_{record.level}", self._levels[record.level]
            yield f"result_metric/level_{record.level}", record.metric
            yield f"result_accuracy/level_{record.level}", record.validation_accuracy
        # Most results cannot take the lead, and asking the pool who leads costs a sort.
        if self._best is None or record.replica or (record.level, record.metric) >= self._best[1:]:
            leader = self.pool.best()
            if leader is not None and leader.metric is not None:
                self._best = leader.id, leader.level, leader.metric
        if self._best is not None:
            candidate, level, metric = self._best
            yield "best/metric", metric
            yield "best/level", level
            yield "best/candidate", candidate
            yield "best/validation_accuracy", self.pool.candidates[candidate].validation

    def _of_candidate(self, record: Observed, owner: Token) -> Iterator[tuple[str, int, float | None]]:
        """Tags, epochs and values; those of epochs done again after a damaged checkpoint are not drawn twice."""
        drawn = self._drawn.get(owner, 0)
        for point in record.curve:
            if point.epoch > drawn:
                yield "validation/accuracy", point.epoch, point.validation_accuracy
                yield "validation/loss", point.epoch, point.validation_loss
                yield "train/loss", point.epoch, point.train_loss
        charged = record.epochs if record.replica else self.pool.candidates[record.candidate_id].epochs
        last = record.curve[-1].epoch if record.curve else charged
        if not record.curve:
            yield "validation/accuracy", last, record.validation_accuracy
            yield "validation/loss", last, record.validation_loss
        self._drawn[owner] = max(drawn, last)
        yield "metric", last, record.metric
        yield "level", last, record.level
        yield "size/params", last, record.params
        yield "size/macs", last, record.macs
