"""What a search on a table has spent and what it would answer: the same rules for every method.

A query costs what reaching its level costs from where the architecture is; asking again is free. The incumbent is the best own
observation at the highest level observed so far, and of equal ones the earlier; a search of the engine answers with whom it
calls promising (:mod:`ranknosh.core.incumbent`).
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranknosh.core.incumbent import Expectations
from ranknosh.core.records import EpochPoint, Failed, Job, Observed
from ranknosh.streams import stream
from ranknosh.tasks.data.table import Accounting, Reading, Table

Scores = Mapping[str, NDArray[np.float64]]
"""Train-free scores: the name of a proxy to its value for every row of a table, NaN where it gave none."""


@dataclass(frozen=True)
class Trajectory:
    """How a search went, one entry for every training it paid for.

    epochs: (k,) int64, spent in all, rising. rows: (k,) int64, the incumbent's row in the table. regret: (k,) of the
    incumbent's mean accuracy over seeds, percentage points below the best mean of the table. outside: the share of what was asked
    for by its options that the table lacks, so that the nearest of its architectures answered.
    """

    epochs: NDArray[np.int64]
    rows: NDArray[np.int64]
    regret: NDArray[np.float64]
    outside: float = 0.0

    def regret_at(self, budget: int) -> float | None:
        """Regret once ``budget`` epochs are spent; None where they do not pay for the first observation."""
        place = int(np.searchsorted(self.epochs, budget, side="right")) - 1
        return float(self.regret[place]) if place >= 0 else None


class Paid(NamedTuple):
    """One that was paid for: up to ``level`` (from 1), with ``metric`` there (higher is better), for so many ``epochs``."""

    row: int
    level: int
    metric: float
    epochs: int


class Account:
    """What one search on a table is told, and what it pays.

    Args:
        table: of finished trainings.
        seed: of the search's own choices, and of which training of the table each architecture shows.
        budget: epochs.
        accounting: see :meth:`ranknosh.tasks.data.table.Table.schedule`; None for the table's own.
        scores: train-free ones of the table's architectures, for methods that start from them.
    """

    def __init__(
        self,
        table: Table,
        seed: int,
        budget: int = sys.maxsize,
        accounting: Accounting | None = None,
        scores: Scores | None = None,
    ) -> None:
        accounting = accounting or table.accounting
        self.table, self.seed, self.budget, self.scores = table, seed, budget, scores
        self.epochs = table.schedule(accounting)
        self.spent = 0
        self.trainings: list[Paid] = []
        self.expects = False
        """Whether the incumbent is the one of whom most is expected, not the best one observed."""
        self._resumes = accounting == "resume"
        self._reading = Reading(table, seed)
        self._told: dict[tuple[int, int], float] = {}
        self._asked = self._outside = 0

    def row_of(self, options: Sequence[int]) -> int:
        """The row that answers for options of the space: that of their architecture or, where the table lacks it, one of the
        nearest, drawn by seed and options alone."""
        self._asked += 1
        row = self.table.find(self.table.space.of(options))
        if row is None:
            self._outside += 1
            rows = self.table.nearest(options)
            row = int(rows[stream(self.seed, "nearest", *options).integers(len(rows))])
        return row

    def price(self, row: int, level: int) -> int:
        """Epochs of training ``row`` to ``level``: from the highest lower level it was trained to, or from scratch."""
        if (row, level) in self._told:
            return 0
        trained = [self.table.epochs[below - 1] for below in range(1, level) if (row, below) in self._told]
        return self.table.epochs[level - 1] - max(trained if self._resumes else (), default=0)

    def ask(self, row: int, level: int) -> float | None:
        """Accuracy (fraction) of ``row`` at ``level``; None, and nothing charged, where what is left does not pay for it."""
        price = self.price(row, level)
        if self.spent + price > self.budget:
            return None
        if price:
            end = self.table.epochs[level - 1]
            job = Job(row, self.table.architectures[row], level, end - price, end, self.seed)
            self._told[row, level] = self.train(job, level).metric  # type: ignore[union-attr]  # every row has one training
        return self._told[row, level]

    def train(self, job: Job, level: int | None = None) -> Observed | Failed:
        """How a job of the engine ends, charged with its epochs.

        Args:
            job: of a search.
            level: of the table; that of the job where the levels of the search are the table's.

        Raises:
            DataError: where the table lacks the architecture.
        """
        level = job.level if level is None else level
        outcome = from_table(self._reading, job, level)
        if isinstance(outcome, Observed):
            self.spent += job.epochs
            self.trainings.append(Paid(self.table.row(job.architecture), level, outcome.metric, job.epochs))
        return outcome

    def trajectory(self) -> Trajectory:
        epochs = np.cumsum([each.epochs for each in self.trainings], dtype=np.int64)
        rows = np.array(self._promising() if self.expects else self._observed(), dtype=np.int64)
        outside = self._outside / max(self._asked, 1)
        return Trajectory(epochs, rows, self.table.regret(rows), outside)

    def _observed(self) -> list[int]:
        best = accumulate(self.trainings, lambda *two: max(two, key=lambda each: (each.level, each.metric)))
        return [each.row for each in best]

    def _promising(self) -> list[int]:
        measured, rows = Expectations(), []
        for each in self.trainings:
            measured.put(each.row, each.level, each.metric)
            rows.append(measured.best()[0])
        return rows


def from_table(reading: Reading, job: Job, level: int) -> Observed | Failed:
    """What a table shows of a job, its curve as far as that is known, and its seconds in proportion to the job's epochs.

    Args:
        reading: the table and the seed that chooses among its trainings.
        job: of which replicas are other trainings of the architecture; one too many is a failure.
        level: of the table, from 1.

    Raises:
        DataError: for an architecture that the table lacks.
    """
    table, row = reading.table, reading.table.row(job.architecture)
    metric = reading.metric(row, level, job.replica)
    if metric is None:
        message = f"the table has no training number {job.replica + 1} of this architecture"
        return Failed(job.candidate_id, job.level, "invalid", message, 0, 0.0, replica=job.replica)
    seconds = float(table.seconds[row]) * job.epochs / table.epochs[-1]
    costs = {name: float(column[row]) for name, column in table.costs.items()}
    pace = seconds / max(job.epochs, 1)
    curve = tuple(
        EpochPoint(epoch, loss, accuracy, pace, {"accuracy": accuracy})
        for epoch, accuracy, loss in reading.curve(row, level, job.replica)
    )
    known = {"accuracy": metric}
    return Observed(job.candidate_id, job.level, metric, known, job.epochs, seconds, costs, curve, replica=job.replica)
