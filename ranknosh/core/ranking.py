"""Which of several objectives' values are better: non-dominated fronts, how crowded they are, and the hypervolume they cover.

Values are (n, m) floats, one row a point, and more is better in every column; whoever has a cost negates it.
"""

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
MARGIN = 0.05
"""How far a reference point is beyond the worst values, as a share of their range: so that the ends of a front count, too."""


def non_dominated(points: Points) -> NDArray[np.bool_]:
    """(n,) the points that no other one dominates; of equal ones all.

    A point dominates another one if it is at least as good in everything and better in something. Of those left, the best in the
    first column, of equals the best in the next one and so on, is dominated by none, and what it dominates is left no more.
    """
    kept = np.zeros(len(points), dtype=np.bool_)
    left = np.lexsort(-points.T[::-1])
    while len(left):
        best, others = left[0], left[1:]
        kept[best] = True
        rest = points[others]
        left = others[(rest > points[best]).any(axis=1) | (rest == points[best]).all(axis=1)]
    return kept


def fronts(points: Points) -> NDArray[np.int64]:
    """(n,) the front of each point, from 0: front i is what no point dominates once those before are taken away.

    Fronts as in non-dominated sorting (Deb et al., IEEE TEVC 2002, section III-A), found without a table of all pairs.
    """
    ranks = np.full(len(points), -1, dtype=np.int64)
    left, front = np.arange(len(points)), 0
    while len(left):
        first = non_dominated(points[left])
        ranks[left[first]] = front
        left, front = left[~first], front + 1
    return ranks


def crowding(points: Points, ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) how far the neighbours of a point in its front are apart, infinite at the ends; more is lonelier.

    Source: Deb et al. (2002), section III-B: the sum over objectives of the distance between the two neighbours, as a share of
    the front's range there. Equal points share the neighbours of the whole group.

    Args:
        points: (n, m).
        ranks: what :func:`fronts` gives.
    """
    distance = np.zeros(len(points))
    for front in range(int(ranks.max(initial=-1)) + 1):
        rows = np.flatnonzero(ranks == front)
        for values in points[rows].T:
            distinct, places = np.unique(values, return_inverse=True)
            gap = np.full(len(distinct), np.inf)
            gap[1:-1] = (distinct[2:] - distinct[:-2]) / (distinct[-1] - distinct[0])
            distance[rows] += gap[places]
    return distance


def best_first(points: Points) -> list[int]:
    """Rows by front, the lonelier first in each; equal ones in the order they came in."""
    ranks = fronts(points)
    return np.lexsort((-crowding(points, ranks), ranks)).tolist() if len(points) else []


def hypervolume(points: Points, reference: Points) -> float:
    """The volume that is dominated by points and dominates a reference point.

    Args:
        points: (n, m); those that do not dominate the reference count nothing.
        reference: (m,) what is worse than everything of interest.
    """
    import moocore  # type: ignore[import-untyped]

    inside = points[(points > reference).all(axis=1)]
    return float(moocore.hypervolume(inside, ref=reference, maximise=True)) if len(inside) else 0.0


def reference_of(points: Points) -> Points:
    """(m,) the worst value of every column, and :data:`MARGIN` of its range more; of 1 where all are equal.

    Args:
        points: (n, m), n >= 1.
    """
    worst = points.min(axis=0)
    wide = points.max(axis=0) - worst
    return np.asarray(worst - MARGIN * np.where(wide > 0, wide, 1.0))


def improvements(points: Points, front: Points, reference: Points) -> NDArray[np.float64]:
    """(n,) by how much each point alone would enlarge the hypervolume of a front.

    Args:
        points: (n, m).
        front: (k, m).
        reference: (m,).
    """
    now = hypervolume(front, reference)
    return np.array([hypervolume(np.vstack([front, point]), reference) - now for point in points])
