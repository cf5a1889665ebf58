"""Which candidate to train next for several objectives: the one that would enlarge the front most, as predicted.

Costs are known exactly, so that only the metric is drawn from the predictor: one draw of it for everything, as in Thompson
sampling; what it says of the candidates known so far makes the front that is to be enlarged.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ranknosh.core.ranking import improvements, non_dominated, reference_of
from ranknosh.predictors.base import Floats


def in_units(scores: Floats, known: Floats, observed: Floats) -> Floats:
    """(n,) scores in the unit of results: the map that takes the known scores, sorted, to their results, sorted.

    A score beyond all known ones goes on along the slope of the better, or of the worse, quarter of them.

    Args:
        scores: (n,) in any unit.
        known: (k,) scores of those with results, k >= 2.
        observed: (k,) their results.
    """
    x, y = np.sort(known), np.sort(observed)
    quarter = max(len(x) // 4, 1)
    found = np.interp(scores, x, y)
    for beyond, end, inner in ((scores > x[-1], -1, -1 - quarter), (scores < x[0], 0, quarter)):
        slope = (y[end] - y[inner]) / max(abs(x[end] - x[inner]), 1e-12) * np.sign(x[end] - x[inner] or 1.0)
        found = np.where(beyond, y[end] + slope * (scores - x[end]), found)
    return found


def most_enlarging(
    metric: Floats,
    costs: Floats,
    free: NDArray[np.bool_],
    known: NDArray[np.int64],
    observed: Floats,
    waiting: NDArray[np.int64],
) -> Iterator[int]:
    """Rows of what may be trained, the best choice first.

    Rows that no other free one dominates come first, by how much each would enlarge the hypervolume of ``known``; then those
    that nothing but these dominates, and so on.

    Args:
        metric: (n,) one draw of the metric, higher is better, in any unit.
        costs: (n, k), lower is better.
        free: (n,) what may be chosen.
        known: rows that were trained.
        observed: their results.
        waiting: rows that are proposed and have no result; they are in the front as they are predicted.
    """
    metric = in_units(metric, metric[known], observed)
    low, high = costs.min(axis=0), costs.max(axis=0)
    wide = np.where(high > low, high - low, 1.0)
    points = np.column_stack([metric, -(costs - low) / wide])
    reference = np.append(reference_of(observed[:, None]), reference_of(points[:, 1:]))
    front = points[np.concatenate([known, waiting])]
    front = front[non_dominated(front)]
    left = free.copy()
    while left.any():
        rows = np.flatnonzero(left)
        rows = rows[non_dominated(points[rows])]
        gain = np.round(improvements(points[rows], front, reference), 9)
        yield from rows[np.lexsort((-points[rows, 0], -gain))].tolist()
        left[rows] = False
