"""What a search on a table has spent and what it would answer: the same rules for every method.

A query costs what reaching its level costs from where the architecture stands; asking again is free. The incumbent is the
best own observation at the highest level observed so far, and of equal ones the earlier.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ranknosh.data.table import Accounting, Reading, Table


@dataclass(frozen=True)
class Trajectory:
    """How a search went, one entry for every observation it paid for.

    epochs: (k,) int64, spent in all, rising. rows: (k,) int64, the incumbent's row in the table. truth: (k,) the incumbent's
    mean accuracy over seeds (fraction). regret: (k,) percentage points below the best mean of the table.
    """

    epochs: NDArray[np.int64]
    rows: NDArray[np.int64]
    truth: NDArray[np.float64]
    regret: NDArray[np.float64]

    def regret_at(self, budget: int) -> float:
        """Regret once ``budget`` epochs are spent; NaN where they do not pay for the first observation."""
        place = int(np.searchsorted(self.epochs, budget, side="right")) - 1
        return float(self.regret[place]) if place >= 0 else float("nan")


@dataclass
class BestSoFar:
    """Makes a trajectory of trainings, entered in order by :meth:`note`."""

    table: Table
    spent: int = 0
    _level: int = 0
    _best: float = -np.inf
    _row: int = -1
    _log: list[tuple[int, int]] = field(default_factory=list)

    def note(self, row: int, level: int, metric: float, epochs: int) -> None:
        """Enter a training.

        Args:
            row: of the table.
            level: reached, from 1.
            metric: there, higher is better.
            epochs: charged.
        """
        self.spent += epochs
        if level > self._level or (level == self._level and metric > self._best):
            self._level, self._best, self._row = level, metric, row
        self._log.append((self.spent, self._row))

    def trajectory(self) -> Trajectory:
        log = np.array(self._log, dtype=np.int64).reshape(-1, 2)
        truth = self.table.truth[log[:, 1]]
        return Trajectory(log[:, 0], log[:, 1], truth, 100 * (self.table.best - truth))


class Account:
    """The queries of one search.

    Args:
        table: that is asked.
        seed: which training of the table each architecture shows.
        budget: epochs.
        accounting: see :meth:`ranknosh.data.table.Table.schedule`.
    """

    def __init__(self, table: Table, seed: int, budget: int, accounting: Accounting = "resume") -> None:
        self.table = table
        self.budget = budget
        self.tracker = BestSoFar(table)
        self._resumes = table.schedule(accounting) == table.epochs
        self._reading = Reading(table, seed)
        self._known: dict[int, set[int]] = {}

    @property
    def spent(self) -> int:
        return self.tracker.spent

    def known(self, level: int) -> list[int]:
        """Rows asked at ``level``, in the order they were first asked for."""
        return [row for row, levels in self._known.items() if level in levels]

    def price(self, row: int, level: int) -> int:
        """Epochs of training ``row`` to ``level``: from the highest lower level it was trained to, or from scratch."""
        levels = self._known.get(row, set())
        if level in levels:
            return 0
        below = max((known for known in levels if known < level), default=0) if self._resumes else 0
        return self.table.epochs[level - 1] - (self.table.epochs[below - 1] if below else 0)

    def ask(self, row: int, level: int) -> float | None:
        """Accuracy (fraction) of ``row`` at ``level``; None, and nothing charged, where what is left does not pay for it."""
        price = self.price(row, level)
        if self.spent + price > self.budget:
            return None
        metric = self._reading.metric(row, level)
        if metric is not None and price:
            self._known.setdefault(row, set()).add(level)
            self.tracker.note(row, level, metric, price)
        return metric
