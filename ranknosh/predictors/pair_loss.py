"""The loss every pairwise ranker here descends: weighted logistic loss of score differences (RankNet, Bradley-Terry)."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]


class PairLoss:
    """Weighted logistic loss of scores over pairs, with its first two derivatives.

    loss(f) = sum_k u_k log(1 + exp(-(f[winner_k] - f[loser_k]))).

    Args:
        pairs: (p, 2) members (winner, loser).
        weights: (p,) u; pairs of weight 0 are left out.
        members: n.
    """

    def __init__(self, pairs: NDArray[np.int64], weights: NDArray[np.floating], members: int) -> None:
        used = weights > 0
        self.winners, self.losers = pairs[used, 0], pairs[used, 1]
        self.weights = weights[used].astype(np.float64)
        self.members = members

    def value(self, scores: Floats) -> float:
        return float(np.sum(self.weights * np.logaddexp(0.0, scores[self.losers] - scores[self.winners])))

    def derivatives(self, scores: Floats) -> tuple[Floats, Floats]:
        """(n,) gradient, minus for winners and plus for losers, so that it sums to zero; (n,) diagonal of the curvature."""
        probability = self._upset(scores)
        push = self.weights * probability
        bend = push * (1.0 - probability)
        gradient = self._at(self.losers, push) - self._at(self.winners, push)
        return gradient, self._at(self.winners, bend) + self._at(self.losers, bend)

    def gradient(self, scores: Floats) -> Floats:
        return self.derivatives(scores)[0]

    def hessian(self, scores: Floats) -> Floats:
        """(n, n): a weighted graph Laplacian, so that rows sum to zero."""
        n = self.members
        probability = self._upset(scores)
        bend = self.weights * probability * (1.0 - probability)
        off = np.bincount(self.winners * n + self.losers, weights=bend, minlength=n * n).reshape(n, n)
        off = off + off.T
        return np.diag(off.sum(axis=1)) - off

    def _upset(self, scores: Floats) -> Floats:
        """(p,) the modelled chance that the loser would have won."""
        return expit(scores[self.losers] - scores[self.winners])

    def _at(self, rows: NDArray[np.int64], values: Floats) -> Floats:
        return np.bincount(rows, weights=values, minlength=self.members).astype(np.float64, copy=False)


def tempered(weights: NDArray[np.floating], members: int) -> Floats:
    """Pair weights scaled to sum to the number of members."""
    total = float(weights.sum())
    return weights.astype(np.float64) * (members / total if total > 0 else 1.0)
