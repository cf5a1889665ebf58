"""Pairwise logistic regression on feature rows: the ranker every other one must beat.

P(winner over loser) = sigmoid(w . (x_winner - x_loser)) (Bradley-Terry / RankNet with a linear score), with an L2 penalty and
a Laplace posterior over w. Deviation from the plain likelihood: pairs of one architecture are far from independent, so
pair weights are scaled to sum to the number of members; without it n members would count as n^2 / 2 observations and the
posterior would close up much too early.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve, solve_triangular, svd

from ranknosh.core.pairs import Evidence
from ranknosh.predictors.base import Encodings, Floats, Predictor
from ranknosh.predictors.pair_loss import PairLoss, tempered
from ranknosh.streams import stream

_STEPS = 50
_TOLERANCE = 1e-10


class _Posterior(NamedTuple):
    """center: (d,) mean of the members' rows. basis: (k, d) of their span. weights: (d,) most likely ones. factor: lower Cholesky
    factor of the precision inside the span."""

    center: Floats
    basis: Floats
    weights: Floats
    factor: Floats


def _svd(rows: Floats) -> tuple[Floats, Floats, Floats]:
    """Singular value decomposition; where LAPACK's divide and conquer does not converge, by its slower QR iteration."""
    try:
        left, singular, basis = np.linalg.svd(rows, full_matrices=False)
    except np.linalg.LinAlgError:
        left, singular, basis = svd(rows, full_matrices=False, lapack_driver="gesvd")
    return left, singular, basis


@dataclass(eq=False, kw_only=True)
class LinearPredictor(Predictor):
    """Pairwise logistic regression with an L2 penalty and Laplace draws.

    Solved by Newton steps in the span of the members' rows (at most min(n, d) dimensions), in float64. Outside that span
    the posterior is the prior, which draws and spreads include exactly.

    Args:
        l2: the penalty.
        scale: draws keep this share of their deviation from the mean.
    """

    l2: float = 1.0
    scale: float = 1.0
    name = "linear"

    def fit(self, encodings: Encodings, evidence: Evidence, *, seed: int) -> None:
        rows = encodings.rows
        n = len(rows)
        center = rows.mean(axis=0) if n else np.zeros(rows.shape[1])
        left, singular, basis = _svd(rows - center)
        kept = singular > 1e-9 * max(float(singular[0]) if len(singular) else 0.0, 1.0)
        basis = np.ascontiguousarray(basis[kept])
        loss = PairLoss(evidence.pairs, tempered(evidence.weights, n), n)
        found, factor = _newton(left[:, kept] * singular[kept], loss, self.l2)
        self._model = _Posterior(center, basis, found @ basis, factor)

    def score(self, encodings: Encodings) -> Floats:
        return _times(encodings, self.model.center, self.model.weights)

    def spread(self, encodings: Encodings) -> Floats:
        """Posterior standard deviation of the score, exact under the Laplace approximation."""
        center, basis, _, factor = self.model
        rows = encodings.rows - center
        inside = rows @ basis.T
        variance = np.sum(solve_triangular(factor, inside.T, lower=True) ** 2, axis=0)
        outside = np.maximum(np.sum(rows**2, axis=1) - np.sum(inside**2, axis=1), 0.0) / self.l2
        return np.sqrt(variance + outside)

    def draws(self, encodings: Encodings, seeds: Sequence[int]) -> Floats:
        center, basis, weights, factor = self.model
        drawn = np.empty((len(seeds), len(encodings)))
        for row, seed in enumerate(seeds):
            rng = stream(seed, "linear draw")
            prior = rng.standard_normal(len(weights)) / np.sqrt(self.l2)
            outside = prior - (basis @ prior) @ basis
            inside = solve_triangular(factor, rng.standard_normal(len(basis)), lower=True, trans="T")
            drawn[row] = _times(encodings, center, weights + self.scale * (inside @ basis + outside))
        return drawn


def _times(encodings: Encodings, center: Floats, weights: Floats) -> Floats:
    return encodings.rows @ weights - float(center @ weights)


def _newton(rows: Floats, loss: PairLoss, l2: float) -> tuple[Floats, Floats]:
    """The minimum of loss(rows w) + l2/2 |w|^2 and the lower Cholesky factor of the second derivatives there.

    Damped by halving: the problem is convex, and a step that does not lower the objective is cut.
    """
    weights: Floats = np.zeros(rows.shape[1])

    def objective(at: Floats) -> float:
        return loss.value(rows @ at) + 0.5 * l2 * float(at @ at)

    def factor(at: Floats) -> Floats:
        curvature = rows.T @ loss.hessian(rows @ at) @ rows
        curvature[np.diag_indices_from(curvature)] += l2
        return np.asarray(np.linalg.cholesky(curvature), dtype=np.float64)

    here = objective(weights)
    for _ in range(_STEPS):
        gradient = rows.T @ loss.gradient(rows @ weights) + l2 * weights
        if not len(weights) or float(np.max(np.abs(gradient))) < _TOLERANCE * max(1.0, loss.members):
            break
        step = cho_solve((factor(weights), True), gradient)
        size = 1.0
        while size > 1e-6 and objective(weights - size * step) > here:
            size /= 2
        weights = weights - size * step
        here = objective(weights)
    return weights, factor(weights)
