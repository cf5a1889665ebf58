"""What is logged of a search: curves and numbers as points, a function of its journal alone.

Equal journals give equal points in equal order, so a log that was cut off is completed by making the points again and
leaving out those it has. Metrics are as the task measures them, ``metric`` is higher-is-better.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from ranknosh.core.pool import Pool
from ranknosh.core.records import Failed, Fitted, Observed, Record, Tested, Token, Workers, token_of

Row: TypeAlias = tuple[Token | None, str, int, float | None]
"""Owner, tag, step and value of a point, the value None where it is unknown."""


class Point(NamedTuple):
    """``owner``: the training it belongs to, None for the search. ``step``: finished epochs of the candidate, or epochs the
    search has spent. ``stamp``: as of :class:`Entry`."""

    owner: Token | None
    tag: str
    step: int
    value: float
    stamp: int


class Entry(NamedTuple):
    """Record ``number`` (from 0, sessions left out) and its points. ``stamp``: when the run began plus the time it had worked, in
    milliseconds of the epoch; pauses between sessions are left out, so one record always has one time."""

    number: int
    record: Record
    stamp: int
    points: Sequence[Point]


def by_owner(entries: Iterable[Entry]) -> dict[Token | None, list[Point]]:
    """The points of each training, and of the search under None."""
    found: dict[Token | None, list[Point]] = {}
    for entry in entries:
        for point in entry.points:
            found.setdefault(point.owner, []).append(point)
    return found


class Series:
    """Folds records into points."""

    def __init__(self) -> None:
        self.pool = Pool()
        self._records = 0
        self._drawn: Counter[Token] = Counter()
        self._counts: Counter[str] = Counter()

    def add(self, record: Record, stamp: int) -> Entry:
        """The next record with the points it adds. Raises StoreError where it contradicts those before it."""
        pool = self.pool
        spent, wasted = pool.epochs_spent, pool.epochs_wasted
        pool.apply(record)
        now = pool.epochs_spent
        rows: list[Row] = [(None, tag, now, value) for tag, value in self._of_search(record)]
        if isinstance(record, Observed):
            rows += self._of_candidate(record)
        if now != spent:
            rows.append((None, "budget/epochs_spent", now, now))
        if pool.epochs_wasted != wasted:
            rows.append((None, "budget/epochs_wasted", now, pool.epochs_wasted))
        known = [(owner, tag, step, float(value)) for owner, tag, step, value in rows if value is not None]
        self._records += 1
        return Entry(self._records - 1, record, stamp, [Point(*row, stamp) for row in known])

    def _of_search(self, record: Record) -> Iterator[tuple[str, float | None]]:
        """Tags and values of the search, None where one is unknown."""
        match record:
            case Observed():
                yield from self._result(record)
            case Failed():
                yield self._counted(f"failures/{record.kind}")
            case Fitted():
                yield "predictor/members", record.members
                yield "predictor/tau", record.prequential
            case Workers():
                yield "workers/slots", record.slots
                if record.slot_seconds > 0:
                    yield "workers/utilisation", record.busy_seconds / record.slot_seconds
            case Tested():
                yield from ((f"test/{name}", value) for name, value in record.metrics.items())

    def _counted(self, tag: str) -> tuple[str, int]:
        self._counts[tag] += 1
        return tag, self._counts[tag]

    def _result(self, record: Observed) -> Iterator[tuple[str, float | None]]:
        if record.replica == 0:
            yield self._counted(f"candidates/level_{record.level}")
            yield f"result_metric/level_{record.level}", record.metric
            yield from ((f"result_{name}/level_{record.level}", value) for name, value in record.metrics.items())
        best = self.pool.best()
        if best is not None:
            yield "best/metric", best.metric
            yield "best/level", best.level
            yield "best/candidate", best.id
            yield from ((f"best/validation_{name}", value) for name, value in best.metrics.items())

    def _of_candidate(self, record: Observed) -> Iterator[Row]:
        """Points by epoch; those of epochs done again after a damaged checkpoint are not drawn twice."""
        owner = token_of(record)
        for point in record.curve:
            if point.epoch > self._drawn[owner]:
                yield from ((owner, f"validation/{name}", point.epoch, value) for name, value in point.metrics.items())
                yield owner, "train/loss", point.epoch, point.train_loss
        charged = record.epochs if record.replica else self.pool.candidates[record.candidate_id].epochs
        last = record.curve[-1].epoch if record.curve else charged
        if not record.curve:
            yield from ((owner, f"validation/{name}", last, value) for name, value in record.metrics.items())
        self._drawn[owner] = max(self._drawn[owner], last)
        yield owner, "metric", last, record.metric
        yield owner, "level", last, record.level
        yield from ((owner, f"costs/{name}", last, value) for name, value in record.costs.items())
