"""A Gaussian process over architecture and level at once: what a higher level found corrects the lower one, where it applies.

f_1 and g_2, g_3, ... are independent processes with the kernel of ``kernel.py``; f_l = f_{l-1} + sqrt(drift) * g_l, hence
cov(f_l(a), f_m(b)) = k(a, b) * (1 + drift * (min(l, m) - 1)). A member is observed once at every level it completed, by its
place after that level (``pairs.places``), with noise that falls geometrically from ``noise`` at level 1 to ``top_noise`` at
the highest level seen. Scores are of that highest level.

Source: the auto-regressive model of Kennedy & O'Hagan, "Predicting the output from a complex computer code when fast
approximations are available", Biometrika 2000, eq. 2, with rho = 1. Deviation: the observations are ranks, because
accuracies at different epochs share no scale.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_solve, solve_triangular

from ranknosh.core.pairs import Evidence
from ranknosh.errors import ConfigError
from ranknosh.predictors.base import Floats
from ranknosh.predictors.encodings import Encodings
from ranknosh.predictors.kernel import KernelPredictor, KernelView, blockwise
from ranknosh.streams import stream


def uniform_scores(place: Floats, members: int) -> Floats:
    """Places in [0, 1] of ``members`` on a scale where equally spread places have mean 0 and variance 1."""
    return (place - 0.5 / members - 0.5) * np.sqrt(12.0)


class StagedPredictor(KernelPredictor):
    """The model of this file's head.

    Args:
        degree: see :class:`KernelPredictor`.
        noise: variance of the noise at level 1; the target has variance 1.
        top_noise: the same at the highest level.
        drift: variance that each level adds to the process.
        features: see :class:`KernelPredictor`.
        scale: see :class:`KernelPredictor`.
    """

    name = "staged"

    def __init__(
        self,
        *,
        degree: int = 3,
        noise: float = 0.1,
        top_noise: float = 0.03,
        drift: float = 0.1,
        features: float = 0.3,
        scale: float = 0.5,
    ) -> None:
        super().__init__(degree=degree, noise=noise, features=features, scale=scale)
        if not (top_noise > 0 and drift >= 0):
            raise ConfigError(
                f"predictor.top_noise is {top_noise} and predictor.drift {drift}; they are variances, the first above 0 and "
                "the second 0 or more"
            )
        self.top_noise, self.drift = top_noise, drift

    def fit(self, encodings: Encodings, evidence: Evidence, *, seed: int) -> None:
        kernel, tables = self._of(encodings.space)
        self._levels = max(int(evidence.levels.max(initial=1)), 1)
        known = evidence.places_by_level[:, : self._levels]
        level, row = np.nonzero(~np.isnan(known.T))
        self._level = level + 1
        self._target = uniform_scores(known[row, level], len(known))
        self._members = kernel.view(encodings.take(row))
        ratio = (self.top_noise / self.noise) ** (level / max(self._levels - 1, 1))
        self._noises = self.noise * ratio
        self._shared = 1.0 + self.drift * level
        covariance = kernel.between(self._members, self._members)
        covariance *= np.minimum(self._shared[:, None], self._shared[None, :])
        covariance[np.diag_indices_from(covariance)] += self._noises
        self._factor = np.linalg.cholesky(covariance)
        self._solved = cho_solve((self._factor, True), self._target) * self._shared
        nothing = np.zeros((self._levels, tables.total + self._members.rows.shape[1]))
        self._mean = self._conditioned(nothing, np.zeros(len(self._target)))

    def spread(self, encodings: Encodings) -> Floats:
        kernel, view = self._view(encodings)

        def deviation(part: KernelView) -> Floats:
            cross = kernel.between(self._members, part) * self._shared[:, None]
            explained = np.sum(solve_triangular(self._factor, cross, lower=True) ** 2, axis=0)
            prior = kernel.variances(part) * (1.0 + self.drift * (self._levels - 1))
            return np.sqrt(np.maximum(prior - explained, 0.0))

        return blockwise(view, deviation)

    def _conditioned(self, prior: Floats, noise: Floats) -> Floats:
        """The highest level of a prior sample (levels, entries), moved to agree with the members at their levels."""
        assert self._tables is not None
        split, members = self._tables.total, self._members
        seen = np.empty(len(self._target))
        for level in range(1, self._levels + 1):
            here = np.flatnonzero(self._level == level)
            seen[here] = self._read(prior[level - 1], members)[here]
        push = cho_solve((self._factor, True), self._target - seen - noise) * self._shared
        moved: Floats = prior[-1].copy()
        gathered = self._tables.gather(push, self._places(members))
        moved[:split] += (1.0 - self.features) * self._tables.variance * gathered
        moved[split:] += self.features * (push @ members.rows)
        return moved

    def _sample(self, seed: int) -> Floats:
        assert self._tables is not None
        rng = stream(seed, "staged draw")
        size = self._members.rows.shape[1]
        deviation = np.concatenate(
            [np.sqrt((1.0 - self.features) * self._tables.variance), np.full(size, np.sqrt(self.features))]
        )
        steps = rng.standard_normal((self._levels, len(deviation))) * deviation
        steps[1:] *= np.sqrt(self.drift)
        noise = np.sqrt(self._noises) * rng.standard_normal(len(self._target))
        return self._conditioned(np.cumsum(steps, axis=0), noise)
