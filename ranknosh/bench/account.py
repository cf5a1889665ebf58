"""What a search on a table has spent and what it would answer: the same rules for every method.

A query costs what reaching its level costs from where the architecture is; asking again is free. The incumbent is the best own
observation at the highest level observed so far, and of equal ones the earlier.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranknosh.data.table import Accounting, Reading, Table
from ranknosh.streams import stream

Curve = tuple[NDArray[np.int64], NDArray[np.float64]]
"""(k,) epochs at which the regret changes, rising, and (k,) the regret from there on, percentage points."""
_SAMPLES = 1000
_ROUNDING = 1e-9


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


class BestSoFar:
    """Makes a trajectory of trainings, entered in order by :meth:`note`."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.spent = 0
        self._best = (0, -np.inf)
        self._row = -1
        self._log: list[tuple[int, int]] = []

    def note(self, row: int, level: int, metric: float, epochs: int) -> None:
        """Enter a training.

        Args:
            row: of the table.
            level: reached, from 1.
            metric: there, higher is better.
            epochs: charged.
        """
        self.spent += epochs
        if (level, metric) > self._best:
            self._best, self._row = (level, metric), row
        self._log.append((self.spent, self._row))

    def trajectory(self) -> Trajectory:
        log = np.array(self._log, dtype=np.int64).reshape(-1, 2)
        truth = self.table.truth[log[:, 1]]
        return Trajectory(log[:, 0], log[:, 1], truth, 100 * (self.table.best - truth))


class Account(BestSoFar):
    """The queries of one search.

    Args:
        table: that is asked.
        seed: which training of the table each architecture shows.
        budget: epochs.
        accounting: see :meth:`ranknosh.data.table.Table.schedule`.
    """

    def __init__(self, table: Table, seed: int, budget: int, accounting: Accounting = "resume") -> None:
        super().__init__(table)
        self.budget = budget
        self._resumes = table.schedule(accounting) == table.epochs
        self._reading = Reading(table, seed)
        self._known: dict[int, set[int]] = {}

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
            self.note(row, level, metric, price)
        return metric


def curve_of(trajectory: Trajectory) -> Curve:
    """The steps of one run."""
    changes = np.flatnonzero(np.diff(trajectory.regret, prepend=np.nan) != 0)
    return trajectory.epochs[changes], trajectory.regret[changes]


def on_one_grid(curves: Sequence[Curve]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(k,) epochs at which any run changes, from where all of them have an incumbent, and (runs, k) their regrets there; k is 0
    where one run never has an incumbent."""
    if any(not len(epochs) for epochs, _ in curves):
        return np.zeros(0, np.int64), np.zeros((len(curves), 0))
    first = max(int(epochs[0]) for epochs, _ in curves)
    at = np.unique(np.concatenate([epochs for epochs, _ in curves]))
    at = at[at >= first]
    return at, np.array([regret[np.searchsorted(epochs, at, side="right") - 1] for epochs, regret in curves])


def epochs_to(target: float, curves: Sequence[Curve]) -> int | None:
    """The first epochs spent at which the mean regret over the runs is ``target`` or less; None where it never is."""
    at, regrets = on_one_grid(curves)
    first = float(_first(target, at, regrets.mean(axis=0)[None])[0])
    return int(first) if math.isfinite(first) else None


def interval_to(target: float, curves: Sequence[Curve], share: float = 0.9) -> tuple[int | None, int | None]:
    """An interval of :func:`epochs_to` over 1,000 bootstrap samples of the runs; None for never.

    Args:
        target: regret, percentage points.
        curves: one a run.
        share: of the samples inside.
    """
    at, regrets = on_one_grid(curves)
    runs = len(curves)
    drawn = stream(0, "bench bootstrap", runs).multinomial(runs, np.full(runs, 1 / runs), size=_SAMPLES)
    first = np.sort(_first(target, at, drawn @ regrets / runs))
    low, high = first[int(_SAMPLES * (1 - share) / 2)], first[-1 - int(_SAMPLES * (1 - share) / 2)]
    return int(low) if math.isfinite(low) else None, int(high) if math.isfinite(high) else None


def _first(target: float, at: NDArray[np.int64], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m,) where each of (m, k) mean curves is at or below ``target`` first; infinity for never."""
    padded = np.append(at, np.inf)
    reached = np.pad(means <= target + _ROUNDING, ((0, 0), (0, 1)), constant_values=True)
    return padded[reached.argmax(axis=1)]
