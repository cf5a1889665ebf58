"""What the runs of a method on a table add up to, in numbers and as text."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranknosh.bench.account import Trajectory
from ranknosh.config.screen import table
from ranknosh.config.units import plural
from ranknosh.streams import stream

TARGETS = (1.0, 0.5, 0.3, 0.2, 0.1)
_SAMPLES = 1000
_INSIDE = 0.9
_ROUNDING = 1e-9


@dataclass(frozen=True)
class At:
    """Regret (percentage points) over the repeats once ``epochs`` were spent. p_optimum: share that held the best cell.

    The numbers are None where a repeat had not paid for its first observation yet.
    """

    epochs: int
    mean: float | None = None
    standard_error: float | None = None
    median: float | None = None
    p_optimum: float | None = None


@dataclass(frozen=True)
class To:
    """``epochs``: the first at which the mean regret over the repeats is ``target`` or less. low, high: the middle 90 % of that
    over 1,000 bootstrap samples of the repeats. None for never within the budget."""

    target: float
    epochs: int | None
    low: int | None
    high: int | None


@dataclass(frozen=True)
class MethodRow:
    """One method. ``seconds`` are those of a run, the mean over repeats, and so is ``outside``, see :class:`Trajectory`."""

    method: str
    repeats: int
    seconds: float
    at: tuple[At, ...]
    to: tuple[To, ...]
    outside: float = 0.0


def method_row(method: str, points: Sequence[int], runs: Sequence[Trajectory], seconds: float) -> MethodRow:
    """The row of a method.

    Args:
        method: its name.
        points: epochs at which its regret is given.
        runs: of the method, one a seed.
        seconds: that a run took.
    """
    at = tuple(regret_at(epochs, runs) for epochs in points)
    to = tuple(epochs_to(target, runs) for target in TARGETS)
    return MethodRow(method, len(runs), seconds, at, to, fmean(run.outside for run in runs))


def regret_at(epochs: int, runs: Sequence[Trajectory]) -> At:
    """The regret of the runs once ``epochs`` are spent."""
    values = np.array([run.regret_at(epochs) for run in runs], dtype=float)  # None is NaN
    if np.isnan(values).any():
        return At(epochs)
    error = float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None
    return At(epochs, float(values.mean()), error, float(np.median(values)), float((values <= _ROUNDING).mean()))


def epochs_to(target: float, runs: Sequence[Trajectory]) -> To:
    """When the runs reach a regret (percentage points)."""
    at, regrets = on_one_grid(runs)
    n = len(runs)
    drawn = stream(0, "bench bootstrap", n).multinomial(n, np.full(n, 1 / n), size=_SAMPLES)
    means = np.vstack([np.ones(n), drawn]) @ regrets / n  # the first one is of all runs
    reached = np.pad(means <= target + _ROUNDING, ((0, 0), (0, 1)), constant_values=True)
    first = np.append(at, np.inf)[reached.argmax(axis=1)]
    outside = int(_SAMPLES * (1 - _INSIDE) / 2)
    ends = [first[0], *np.sort(first[1:])[[outside, -1 - outside]]]
    return To(target, *(int(end) if math.isfinite(end) else None for end in ends))


def on_one_grid(runs: Sequence[Trajectory]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(k,) epochs at which any run changes, from where all of them have an incumbent, and (runs, k) their regrets there."""
    changes = [run.epochs[np.diff(run.regret, prepend=np.nan) != 0] for run in runs]
    at = np.unique(np.concatenate(changes))
    at = at[at >= max(run.epochs[0] for run in runs)]
    return at, np.array([run.regret[np.searchsorted(run.epochs, at, side="right") - 1] for run in runs])


def format_rows(rows: Sequence[MethodRow]) -> str:
    """The rows as text: mean +- standard error (median; share of runs at the optimum) of the regret at each budget, and the
    epochs at which the mean reaches each target."""
    targets = [f"to {to.target:g}" for to in rows[0].to]
    head = ["method", "repeats", *(plural(at.epochs, "epoch") for at in rows[0].at), *targets, "s/run"]
    cells = []
    for row in rows:
        reached = ["never" if to.epochs is None else str(to.epochs) for to in row.to]
        cells.append([row.method, str(row.repeats), *map(_cell, row.at), *reached, f"{row.seconds:.2f}"])
    notes = "".join(
        f"\n{row.method}: the table lacks {100 * row.outside:.3g} % of what it asked for; the nearest that is listed answered"
        for row in rows
        if row.outside
    )
    return (
        "regret in percentage points: mean ± standard error (median; share of runs that hold the best cell); epochs to a mean "
        f"regret of so much\n{table(head, cells)}{notes}"
    )


def as_json(rows: Sequence[MethodRow], table: str) -> dict[str, Any]:
    """The rows as plain data: ``rows``, one a method and budget, and ``methods`` with the epochs to each target.

    Args:
        rows: of the methods.
        table: what the accuracies of the table are of.
    """
    flat = [
        {
            "table": table,
            "method": row.method,
            "repeats": row.repeats,
            "budget": at.epochs,
            "regret_mean": at.mean,
            "regret_stderr": at.standard_error,
            "regret_median": at.median,
            "p_optimum": at.p_optimum,
        }
        for row in rows
        for at in row.at
    ]
    methods = [
        {"method": row.method, "seconds": row.seconds, "outside": row.outside, "to": [asdict(to) for to in row.to]}
        for row in rows
    ]
    return {"rows": flat, "methods": methods}


def _cell(at: At) -> str:
    if at.mean is None or at.median is None or at.p_optimum is None:
        return "n/a"
    error = "n/a" if at.standard_error is None else f"{at.standard_error:.3f}"
    return f"{at.mean:.3f} ± {error} ({at.median:.2f}; {100 * at.p_optimum:.0f}%)"
