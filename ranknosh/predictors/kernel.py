"""A Gaussian process over categorical choices: which choices an architecture shares with those already trained.

k(a, b) = (1 - s) * ((1 + matching slots) / (1 + slots)) ^ degree + s * x(a) . x(b), with x the space's feature rows, centred and
scaled so that the mean of x . x over random architectures is 1. The first term lets the effect of a choice depend on two
others (degree 3), where a linear model saturates; the second brings what the space knows about its cells (live paths,
counts), where few members say little about single choices. The target is the order of the members as normal scores, so that
it needs no unit and no level.

Draws are exact samples of the joint posterior by pathwise conditioning (Wilson et al., "Efficiently sampling functions from
Gaussian process posteriors", ICML 2020, eq. 10), with an exact prior sample through ``slot_tables``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular
from scipy.special import ndtri

from ranknosh.core.pairs import Evidence
from ranknosh.errors import ConfigError
from ranknosh.predictors.base import Floats, not_fitted
from ranknosh.predictors.encodings import WORTH_KEEPING, Encodings, reference
from ranknosh.predictors.slot_tables import SlotTables
from ranknosh.spaces.base import Space
from ranknosh.streams import stream

_BLOCK = 4096
_LOOKUPS = 50_000_000
_SHORTLIST = 1000
_REFERENCE = 512


def normal_scores(order: Floats) -> Floats:
    """Ranks as quantiles of the standard normal, mean 0 and variance 1; ties share their mean rank; constant gives zeros."""
    if not len(order):
        return np.zeros(0)
    from scipy.stats import rankdata  # slow to import, and not needed before the first fit

    scores = ndtri((rankdata(order) - 0.5) / len(order))
    scores = scores - scores.mean()
    deviation = float(scores.std())
    return scores / deviation if deviation > 1e-12 else np.zeros(len(order))


@dataclass
class KernelView:
    """What the kernel needs of a set of architectures. ``rows`` are scaled feature rows (n, d), or (n, 0) without them."""

    encodings: Encodings
    onehot: NDArray[np.float32]
    rows: Floats
    places: NDArray[np.int64] | None = None


class MixedKernel:
    """The covariance function of this file's head.

    Args:
        space: of the architectures.
        degree: order of interactions between choices.
        features: share s of the feature term.
    """

    def __init__(self, space: Space, degree: int, features: float) -> None:
        self.space = space
        self.degree = degree
        self.features = features
        self.slots = len(space.choices)
        if features > 0:
            rows = reference(space, _REFERENCE, seed=0).features.astype(np.float64)
            self._center = rows.mean(axis=0)
            self._size = float(np.sqrt(np.mean(np.sum((rows - self._center) ** 2, axis=1)))) or 1.0

    def view(self, encodings: Encodings) -> KernelView:
        if self.features > 0:
            rows = (encodings.features - self._center) / self._size
        else:
            rows = np.zeros((len(encodings), 0))
        return KernelView(encodings, encodings.onehot, rows)

    def between(self, first: KernelView, second: KernelView) -> Floats:
        """(n, m) covariances."""
        matches = (first.onehot @ second.onehot.T).astype(np.float64)
        both = ((1.0 + matches) / (1.0 + self.slots)) ** self.degree
        both *= 1.0 - self.features
        if self.features > 0:
            both += self.features * (first.rows @ second.rows.T)
        return both

    def variances(self, view: KernelView) -> Floats:
        """(n,) prior variances."""
        return (1.0 - self.features) + self.features * np.sum(view.rows**2, axis=1)


class KernelPredictor:
    """Gaussian process on the normal scores of ``Evidence.order``; pairs and their weights are not used.

    Where reading the tables of a draw would take long (many slots and many architectures), only the 1,000 of highest upper
    confidence are drawn jointly and the others keep their mean.

    Args:
        degree: order of interactions, 1 to 4.
        noise: variance of the noise; the target has variance 1.
        features: share s of the feature term, 0 to leave it out.
        scale: draws keep this share of their deviation from the mean; below 1 they explore less than the posterior would.
    """

    name = "kernel"

    def __init__(self, *, degree: int = 3, noise: float = 0.05, features: float = 0.5, scale: float = 0.5) -> None:
        if degree not in (1, 2, 3, 4):
            raise ConfigError(f"predictor.degree is {degree}; the kernel predictor takes 1, 2, 3 or 4")
        if not noise > 0:
            raise ConfigError(f"predictor.noise is {noise}; it is a variance and must be above 0")
        if not 0 <= features <= 1:
            raise ConfigError(f"predictor.features is {features}; it is the share of the feature term, between 0 and 1")
        self.degree = degree
        self.noise = noise
        self.features = features
        self.scale = scale
        self._kernel: MixedKernel | None = None
        self._tables: SlotTables | None = None
        self._last: KernelView | None = None

    def fit(self, encodings: Encodings, evidence: Evidence, *, seed: int) -> None:
        kernel, tables = self._of(encodings.space)
        self._members = kernel.view(encodings)
        self._target = normal_scores(evidence.order)
        covariance = kernel.between(self._members, self._members)
        covariance[np.diag_indices_from(covariance)] += self.noise
        self._factor = np.linalg.cholesky(covariance)
        self._solved = cho_solve((self._factor, True), self._target)
        nothing = np.zeros(tables.total + self._members.rows.shape[1])
        self._mean = self._conditioned(nothing, np.zeros(len(self._target)))

    def score(self, encodings: Encodings) -> Floats:
        """Posterior mean: the normal score of the architecture among the members."""
        kernel, view = self._view(encodings)
        if self._long(view):
            return blockwise(view, lambda part: kernel.between(part, self._members) @ self._solved)
        return self._read(self._mean, view)

    def spread(self, encodings: Encodings) -> Floats:
        """Posterior standard deviation, noise left out and ``scale`` not applied."""
        kernel, view = self._view(encodings)

        def deviation(part: KernelView) -> Floats:
            cross = kernel.between(self._members, part)
            explained = np.sum(solve_triangular(self._factor, cross, lower=True) ** 2, axis=0)
            return np.sqrt(np.maximum(kernel.variances(part) - explained, 0.0))

        return blockwise(view, deviation)

    def draws(self, encodings: Encodings, seeds: Sequence[int]) -> Floats:
        kernel, view = self._view(encodings)
        rows: NDArray[np.int64] | slice = slice(None)
        if self._long(view):
            mean = self.score(encodings)
            rows = np.sort(np.argsort(-(mean + 2.0 * self.spread(encodings)), kind="stable")[:_SHORTLIST])
            view = kernel.view(encodings.take(rows))
            drawn = np.tile(mean, (len(seeds), 1))
        else:
            drawn = np.empty((len(seeds), len(encodings)))
        for row, seed in enumerate(seeds):
            path = self._sample(seed)
            drawn[row, rows] = self._read(self._mean + self.scale * (path - self._mean), view)
        return drawn

    def _of(self, space: Space) -> tuple[MixedKernel, SlotTables]:
        """The covariance and its tables for ``space``, made when the space is met first."""
        if self._kernel is None or self._tables is None or self._kernel.space is not space:
            self._kernel = MixedKernel(space, self.degree, self.features)
            self._tables = SlotTables(space.choices, self.degree)
            self._last = None
        return self._kernel, self._tables

    def _conditioned(self, prior: Floats, noise: Floats) -> Floats:
        """A sample of the prior moved to agree with the members. Samples are entries of the tables, then feature weights."""
        assert self._tables is not None
        split, members = self._tables.total, self._members
        push = cho_solve((self._factor, True), self._target - self._read(prior, members) - noise)
        moved = prior.copy()
        moved[:split] += (
            (1.0 - self.features) * self._tables.variance * self._tables.gather(push, self._places(members))
        )
        moved[split:] += self.features * (push @ members.rows)
        return moved

    def _sample(self, seed: int) -> Floats:
        """One sample of the posterior."""
        assert self._tables is not None
        rng = stream(seed, "kernel draw")
        table = np.sqrt((1.0 - self.features) * self._tables.variance) * rng.standard_normal(self._tables.total)
        weights = np.sqrt(self.features) * rng.standard_normal(self._members.rows.shape[1])
        noise = np.sqrt(self.noise) * rng.standard_normal(len(self._target))
        return self._conditioned(np.concatenate([table, weights]), noise)

    def _read(self, sample: Floats, view: KernelView) -> Floats:
        """(n,) values of a sample at these architectures."""
        assert self._tables is not None
        split = self._tables.total
        return SlotTables.read(sample[:split], self._places(view)) + view.rows @ sample[split:]

    def _places(self, view: KernelView) -> NDArray[np.int64]:
        assert self._tables is not None
        if view.places is None:
            view.places = self._tables.places(view.encodings.codes)
        return view.places

    def _long(self, view: KernelView) -> bool:
        assert self._tables is not None
        return len(view.encodings) * len(self._tables.subsets) > _LOOKUPS

    def _view(self, encodings: Encodings) -> tuple[MixedKernel, KernelView]:
        """Kept for the large set asked for last: a search scores the same architectures again and again."""
        if self._kernel is None:
            raise not_fitted(self.name)
        if len(encodings) < WORTH_KEEPING:
            return self._kernel, self._kernel.view(encodings)
        if self._last is None or self._last.encodings is not encodings:
            self._last = self._kernel.view(encodings)
        return self._kernel, self._last


def blockwise(view: KernelView, function: Callable[[KernelView], Floats]) -> Floats:
    """``function`` of slices small enough to stay in the processor's cache."""
    parts = [
        function(KernelView(view.encodings, view.onehot[i : i + _BLOCK], view.rows[i : i + _BLOCK]))
        for i in range(0, len(view.onehot), _BLOCK)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)
