"""How well one order agrees with another. Every function takes two sequences of equal length; higher values mean better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = Sequence[float] | NDArray[np.floating]


def _pair(first: Values, second: Values) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(
            f"two one-dimensional sequences of equal length are compared, got shapes {a.shape} and {b.shape}"
        )
    return a, b


def ranks(values: Values) -> NDArray[np.float64]:
    """Ranks from 0 (lowest) to n-1, ties sharing their mean."""
    array = np.asarray(values, dtype=np.float64)
    distinct, inverse, counts = np.unique(array, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return ((ends - counts + ends - 1) / 2)[inverse] if len(distinct) else np.zeros(0)


def kendall_tau(first: Values, second: Values) -> float | None:
    """Kendall's tau-b in [-1, 1]; None where an order is constant or shorter than two (it has no correlation)."""
    a, b = _pair(first, second)
    agree = ties_a = ties_b = 0.0
    for i in range(len(a) - 1):
        da, db = np.sign(a[i + 1 :] - a[i]), np.sign(b[i + 1 :] - b[i])
        agree += float((da * db).sum())
        ties_a += float((da != 0).sum())
        ties_b += float((db != 0).sum())
    return agree / float(np.sqrt(ties_a * ties_b)) if ties_a and ties_b else None


def spearman(first: Values, second: Values) -> float | None:
    """Spearman's rho in [-1, 1]: Pearson's correlation of the ranks; None where an order is constant or shorter than two."""
    a, b = _pair(first, second)
    ra, rb = ranks(a), ranks(b)
    ra, rb = ra - ra.mean() if len(ra) else ra, rb - rb.mean() if len(rb) else rb
    scale = float(np.sqrt((ra**2).sum() * (rb**2).sum()))
    return float((ra * rb).sum()) / scale if scale else None


def pair_accuracy(scores: Values, winners: Sequence[int], losers: Sequence[int]) -> float | None:
    """Share of pairs whose winner has the higher score, a tie counting one half; None without pairs."""
    array = np.asarray(scores, dtype=np.float64)
    if not len(winners):
        return None
    gap = array[np.asarray(winners)] - array[np.asarray(losers)]
    return float(((gap > 0) + 0.5 * (gap == 0)).mean())


def precision_at(k: int, scores: Values, truth: Values) -> float | None:
    """Share of the true best ``k`` among the predicted best ``k``; None where there are fewer than ``k``."""
    a, b = _pair(scores, truth)
    if k < 1 or len(a) < k:
        return None
    top = set(np.argsort(-a, kind="stable")[:k].tolist())
    return len(top & set(np.argsort(-b, kind="stable")[:k].tolist())) / k


def regret(found: float, best: float) -> float:
    """How far ``found`` lies below ``best``, in their unit; lower is better, 0 is the optimum."""
    return best - found
