"""Who a search would answer with: the candidate whose metric at the highest level is expected to be best.

One training by one seed flatters whoever it made first, and the first candidate to reach a level is not better than all that
rest below it. So the levels are one model: what is expected at a level is a line over what was expected at the level below,
and who completed the level is moved from the line towards what was measured.

Source: recursive co-kriging (Le Gratiet & Garnier, International Journal for Uncertainty Quantification 2014, section 3) of the
auto-regressive model of Kennedy & O'Hagan (Biometrika 2000). Deviation: the discrepancies of different architectures are
independent, so that no kernel is needed; smoothing by neighbours chose no better among candidates that were trained themselves.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SLOPE, WEIGHT = 0.3, 1.0
"""The slope of a line before there is evidence, and that evidence's weight: as of so many candidates, spread as all are."""
NOISE = 0.18
"""Variance of one training by its seed, as a share of the variance of candidates around the line."""


def expected(metrics: Floats) -> Floats:
    """(n,) the metric that each of ``n`` candidates is expected to have at the highest level anybody completed; more is better.

    Args:
        metrics: (n, N) measured at every level, NaN above what a candidate completed; level 1 is complete.
    """
    known = ~np.isnan(metrics)
    value = metrics[:, 0].copy()
    for level in range(1, metrics.shape[1]):
        here = known[:, level]
        if not here.any():
            break
        below, found = value[here], metrics[here, level]
        apart = below - below.mean()
        prior = WEIGHT * value.var()
        agreement = apart @ (found - found.mean()) + prior * SLOPE
        slope = max(agreement / (apart @ apart + prior), 0.0) if prior > 0 else 0.0
        value = found.mean() + slope * (value - below.mean())
        value[here] += (found - value[here]) / (1.0 + NOISE)
    return value


class Expectations:
    """What :func:`expected` needs of the candidates that completed a level, a row each, kept up to date result by result."""

    def __init__(self) -> None:
        self.candidates: list[int] = []
        """Number of each row's candidate."""
        self._rows: dict[int, int] = {}
        self._metrics = np.full((64, 1), np.nan)
        self._open = np.ones(64, dtype=np.bool_)

    def put(self, candidate_id: int, level: int, metric: float) -> None:
        """Note what a candidate reached at a level; more is better."""
        row = self._rows.setdefault(candidate_id, len(self._rows))
        if row == len(self.candidates):
            self.candidates.append(candidate_id)
        if row == len(self._open):
            self._metrics = np.concatenate([self._metrics, np.full_like(self._metrics, np.nan)])
            self._open = np.concatenate([self._open, np.ones_like(self._open)])
        if level > self._metrics.shape[1]:
            wider = ((0, 0), (0, level - self._metrics.shape[1]))
            self._metrics = np.pad(self._metrics, wider, constant_values=np.nan)
        self._metrics[row, level - 1] = metric

    def close(self, candidate_id: int) -> None:
        """Note that a candidate will go no further: it failed."""
        if candidate_id in self._rows:
            self._open[self._rows[candidate_id]] = False

    def best(self) -> list[int]:
        """The numbers of the candidates of whom most is expected, more than one where they are equal, none before the first
        result. One that will go no further and is not at the highest level is among them only where all are such."""
        count = len(self._rows)
        if not count:
            return []
        metrics = self._metrics[:count]
        value = expected(metrics)
        able = self._open[:count] | ~np.isnan(metrics[:, -1])
        value = np.where(able, value, -np.inf) if able.any() else value
        return [self.candidates[row] for row in np.flatnonzero(value == value.max())]
