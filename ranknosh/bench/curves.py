"""Regret as a function of what was spent, over the repeats of a method: when their mean reaches a target."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ranknosh.bench.account import Trajectory
from ranknosh.streams import stream

_SAMPLES = 1000
_ROUNDING = 1e-9
Curve = tuple[NDArray[np.int64], NDArray[np.float64]]
"""(k,) epochs at which the regret changes, rising, and (k,) the regret from there on, percentage points."""


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
