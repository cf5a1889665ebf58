"""Train-free scores as evidence: columns of numbers that every architecture has, and how much they are worth.

A proxy is a linear term of the kernel: its weight is normal with mean 0 and a variance of its own, which is chosen at every fit
by the marginal likelihood of the results (Rasmussen & Williams, "Gaussian processes for machine learning", 2006, section
5.4.1). So a proxy that says nothing about the results gets variance 0, which leaves it out, and one that is the wrong way round
is learned to be. Level-0 scores are noise-free, and so many that they are no observations of the process.
"""

from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from ranknosh.core.seeding import LevelZero
from ranknosh.predictors.base import Encodings, Floats, normal_scores
from ranknosh.spaces.base import Space

_RIDGE = 0.02
_VARIANCES = (0.0, 0.03, 0.1, 0.3, 1.0)
_SWEEPS = 2
_TINY = 1e-9


class ProxyColumns:
    """One column a proxy: the normal scores of its values among the architectures scored, higher is better.

    An architecture that was not scored has what ridge regression on the feature rows of those scored says of it.

    Args:
        space: of the architectures.
        level_zero: what was scored, and the proxies' directions.
    """

    def __init__(self, space: Space, level_zero: LevelZero) -> None:
        values = level_zero.columns()
        self._scored = Encodings(space, [item.architecture for item in level_zero.scored])
        self._keys = np.array([item.key for item in level_zero.scored], dtype=np.str_)  # in their order
        own = [normal_scores(column) for column in values.values()]
        self._own = np.array(own).reshape(len(own), len(self._keys)).T

    def __len__(self) -> int:
        return self._own.shape[1]

    def of(self, encodings: Encodings) -> Floats:
        """(n, p) the columns of n architectures."""
        if not len(self):
            return np.zeros((len(encodings), 0))
        center, slope = self._learned
        columns = (encodings.rows - center) @ slope
        place = np.minimum(np.searchsorted(self._keys, encodings.keys), len(self._keys) - 1)
        known = self._keys[place] == encodings.keys
        columns[known] = self._own[place[known]]
        return columns

    @cached_property
    def _learned(self) -> tuple[Floats, Floats]:
        """(d,) mean of the feature rows scored, and (d, p) what a column rises by with each feature."""
        center = self._scored.rows.mean(axis=0)
        rows = self._scored.rows - center
        penalty = _RIDGE * max(float(np.mean(np.sum(rows**2, axis=1))), _TINY)
        n, width = rows.shape
        if n < width:
            return center, rows.T @ np.linalg.solve(rows @ rows.T + penalty * np.eye(n), self._own)
        return center, np.linalg.solve(rows.T @ rows + penalty * np.eye(width), rows.T @ self._own)


def likeliest(columns: Floats, level: NDArray[np.int64], drift: float, factor: Floats, target: Floats) -> Floats:
    """(p,) the variances of the columns' weights, out of a few, whose marginal likelihood is highest, one after the other.

    Args:
        columns: (n, p) of the member of each observation, centred.
        level: (n,) of each observation, from 0; a level adds a step to the weights, of variance ``drift`` times theirs.
        drift: see ``level``.
        factor: (n, n) lower Cholesky factor of the observations' covariance without proxies.
        target: (n,) what was observed.
    """
    levels = range(int(level.max(initial=0)) + 1)
    terms = [columns * np.where(level < step, 0.0, drift**0.5 if step else 1.0)[:, None] for step in levels]
    whitened = solve_triangular(factor, np.column_stack([*terms, target]), lower=True)
    inner, slope = whitened[:, :-1].T @ whitened[:, :-1], whitened[:, :-1].T @ whitened[:, -1]

    def gain(variance: Floats) -> float:
        """By how much the log likelihood is above that without proxies (matrix determinant lemma)."""
        deviation = np.tile(np.sqrt(variance), len(levels))
        within = np.eye(len(deviation)) + deviation[:, None] * inner * deviation
        pull = deviation * slope
        return 0.5 * float(pull @ np.linalg.solve(within, pull) - np.linalg.slogdet(within)[1])

    chosen, best = np.zeros(columns.shape[1]), 0.0
    for _, column, variance in product(range(_SWEEPS), range(len(chosen)), _VARIANCES):
        tried = chosen.copy()
        tried[column] = variance
        value = gain(tried)
        if value > best + _TINY:
            chosen, best = tried, value
    return chosen
