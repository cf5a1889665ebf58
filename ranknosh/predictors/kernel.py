"""Gaussian processes over architectures, of one level and of several at once.

The process f has the covariance of ``covariance.py``. Its target is the order of the members on a normal scale, so that it needs
no unit and no level. Draws are exact samples of the joint posterior by pathwise conditioning (Wilson et al., "Efficiently
sampling functions from Gaussian process posteriors", ICML 2020, eq. 10), with an exact prior sample from tables.

With levels, f_1 and g_2, g_3, ... are independent such processes and f_l = f_{l-1} + sqrt(drift) * g_l, hence
cov(f_l(a), f_m(b)) = k(a, b) * (1 + drift * (min(l, m) - 1)): what a higher level found corrects the lower one, where it
applies. Source: the auto-regressive model of Kennedy & O'Hagan, "Predicting the output from a complex computer code when fast
approximations are available", Biometrika 2000, eq. 2, with rho = 1. Deviation: the observations are ranks, because
accuracies at different epochs share no scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular

from ranknosh.core.pairs import Evidence
from ranknosh.core.seeding import LevelZero
from ranknosh.errors import ConfigError
from ranknosh.predictors.base import Encodings, Floats, Predictor, normal_scores
from ranknosh.predictors.covariance import KernelView, MixedKernel, blockwise
from ranknosh.predictors.proxies import ProxyColumns, likeliest
from ranknosh.streams import stream

_LOOKUPS = 50_000_000
_SHORTLIST = 1000


def uniform_scores(place: Floats, members: int) -> Floats:
    """Places in [0, 1] of ``members`` on a scale where equally spread places have mean 0 and variance 1."""
    return (place - 0.5 / members - 0.5) * np.sqrt(12.0)


class _Observations(NamedTuple):
    """n results: the row of each one's member, its level from 0 below ``levels``, its target and the variance of its noise."""

    rows: NDArray[np.int64]
    level: NDArray[np.int64]
    levels: int
    target: Floats
    noise: Floats


@dataclass(eq=False, kw_only=True)
class KernelPredictor(Predictor):
    """One level: the normal scores of ``Evidence.order``; pairs and their weights are not used.

    Where reading the tables of a draw would take long (many slots and many architectures), only the 1,000 of highest upper
    confidence are drawn jointly and the others keep their mean.

    Args:
        degree: order of interactions, 1 to 4.
        noise: variance of the noise; the target has variance 1.
        features: share s of the feature term, 0 to leave it out.
        scale: draws keep this share of their deviation from the mean; below 1 they explore less than the posterior would.

    Raises:
        ConfigError: an option is out of range.
    """

    degree: int = 3
    noise: float = 0.05
    features: float = 0.5
    scale: float = 0.5
    name = "kernel"
    drift = 0.0
    _level_zero: LevelZero | None = None

    def __post_init__(self) -> None:
        if self.degree not in (1, 2, 3, 4):
            raise ConfigError(
                f"predictor.options.degree is {self.degree}; the {self.name} predictor takes 1, 2, 3 or 4"
            )
        if not self.noise > 0:
            raise ConfigError(f"predictor.options.noise is {self.noise}; it is a variance and must be above 0")
        if not 0 <= self.features <= 1:
            raise ConfigError(
                f"predictor.options.features is {self.features}; it is the share of the feature term, between 0 and 1"
            )

    def consider(self, level_zero: LevelZero) -> None:
        """Proxies are terms of the kernel from the next fit on, each with the variance that the results give it."""
        self._level_zero, self._model = level_zero, None

    def fit(self, encodings: Encodings, evidence: Evidence, *, seed: int) -> None:
        if self._model is None or self._model.space is not encodings.space:
            proxies = ProxyColumns(encodings.space, self._level_zero) if self._level_zero else None
            self._model = MixedKernel(encodings.space, self.degree, self.features, proxies)
        kernel: MixedKernel = self._model
        known = self._known = self._observations(evidence)
        self._members = kernel.view(encodings.take(known.rows))
        self._shared = 1.0 + self.drift * known.level
        if kernel.proxies:
            self._weigh(kernel, kernel.view(encodings).proxies.mean(axis=0))
        self._factor = self._factored(kernel)
        self._solved = cho_solve((self._factor, True), known.target) * self._shared
        nothing = np.zeros((known.levels, len(kernel.deviations)))
        self._mean = self._conditioned(kernel, nothing, np.zeros(len(known.target)))

    def score(self, encodings: Encodings) -> Floats:
        """Posterior mean: the normal score of the architecture among the members."""
        kernel, view = self.model, self.model.view(encodings)
        if _is_long(view):
            return blockwise(view, lambda part: kernel.between(part, self._members) @ self._solved)
        return kernel.read(self._mean, view)

    def spread(self, encodings: Encodings) -> Floats:
        """Posterior standard deviation, noise left out and ``scale`` not applied."""
        kernel: MixedKernel = self.model

        def deviation(part: KernelView) -> Floats:
            cross = kernel.between(self._members, part) * self._shared[:, None]
            explained = np.sum(solve_triangular(self._factor, cross, lower=True) ** 2, axis=0)
            prior = kernel.variances(part) * (1.0 + self.drift * (self._known.levels - 1))
            return np.sqrt(np.maximum(prior - explained, 0.0))

        return blockwise(kernel.view(encodings), deviation)

    def draws(self, encodings: Encodings, seeds: Sequence[int]) -> Floats:
        kernel, view = self.model, self.model.view(encodings)
        rows: NDArray[np.int64] | slice = slice(None)
        if _is_long(view):
            mean = self.score(encodings)
            rows = np.sort(np.argsort(-(mean + 2.0 * self.spread(encodings)), kind="stable")[:_SHORTLIST])
            view = kernel.view(encodings.take(rows))
            drawn = np.tile(mean, (len(seeds), 1))
        else:
            drawn = np.empty((len(seeds), len(encodings)))
        for row, seed in enumerate(seeds):
            path = self._sample(kernel, seed)
            drawn[row, rows] = kernel.read(self._mean + self.scale * (path - self._mean), view)
        return drawn

    def _observations(self, evidence: Evidence) -> _Observations:
        n = len(evidence.order)
        rows, level = np.arange(n), np.zeros(n, dtype=np.int64)
        return _Observations(rows, level, 1, normal_scores(evidence.order), np.full(n, self.noise))

    def _weigh(self, kernel: MixedKernel, center: Floats) -> None:
        """Give the proxies' weights the variances by which the results are most likely; 0 leaves a proxy out.

        Columns count from the mean of the members, because the target has mean 0 there.
        """
        known, columns = self._known, self._members.proxies - center
        kernel.weigh(center, np.zeros(len(center)))
        factor = self._factored(kernel)
        kernel.weigh(center, likeliest(columns, known.level, self.drift, factor, known.target))

    def _factored(self, kernel: MixedKernel) -> Floats:
        """(n, n): the lower Cholesky factor of the members' covariances, of which nothing else is kept."""
        covariance = kernel.between(self._members, self._members)
        covariance *= np.minimum(self._shared[:, None], self._shared[None, :])
        covariance[np.diag_indices_from(covariance)] += self._known.noise
        return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)

    def _conditioned(self, kernel: MixedKernel, prior: Floats, noise: Floats) -> Floats:
        """The highest level of a prior sample (levels, entries), moved to agree with the members at their levels."""
        known, members = self._known, self._members
        seen = np.stack([kernel.read(level, members) for level in prior])[known.level, np.arange(len(known.level))]
        push = cho_solve((self._factor, True), known.target - seen - noise) * self._shared
        return prior[-1] + kernel.gather(push, members)

    def _sample(self, kernel: MixedKernel, seed: int) -> Floats:
        """One sample of the posterior at the highest level."""
        rng = stream(seed, f"{self.name} draw")
        steps = rng.standard_normal((self._known.levels, len(kernel.deviations))) * kernel.deviations
        steps[1:] *= np.sqrt(self.drift)
        noise = np.sqrt(self._known.noise) * rng.standard_normal(len(self._known.noise))
        return self._conditioned(kernel, np.cumsum(steps, axis=0), noise)


@dataclass(eq=False, kw_only=True)
class StagedPredictor(KernelPredictor):
    """Several levels; a member is observed at every level it completed, by its place after that level (``pairs.places``).

    Noise falls geometrically from ``noise`` at level 1 to ``top_noise`` at the highest level seen, which scores are of.

    Args:
        degree: see :class:`KernelPredictor`.
        noise: variance of the noise at level 1; the target has variance 1.
        features: see :class:`KernelPredictor`.
        scale: see :class:`KernelPredictor`.
        top_noise: the same at the highest level.
        drift: variance that each level adds to the process.
    """

    noise: float = 0.1
    features: float = 0.3
    top_noise: float = 0.03
    drift: float = 0.1
    name = "staged"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.top_noise > 0 and self.drift >= 0):
            raise ConfigError(
                f"predictor.options.top_noise is {self.top_noise} and predictor.options.drift {self.drift}; they are variances, "
                "the first above 0 and the second 0 or more"
            )

    def _observations(self, evidence: Evidence) -> _Observations:
        levels = max(int(evidence.levels.max(initial=1)), 1)
        known = evidence.places[:, :levels]
        level, rows = np.nonzero(~np.isnan(known.T))
        noise = self.noise * (self.top_noise / self.noise) ** (level / max(levels - 1, 1))
        return _Observations(rows, level, levels, uniform_scores(known[rows, level], len(known)), noise)


def _is_long(view: KernelView) -> bool:
    """Whether reading the tables would take longer than the covariances do."""
    return len(view) * len(view.tables.subsets) > _LOOKUPS
