"""Parts and resamplings of evidence, always by architecture: a pair is in where both its members are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ranknosh.core.pairs import Evidence


def subset(evidence: Evidence, rows: NDArray[np.int64], counts: NDArray[np.int64] | None = None) -> Evidence:
    """The evidence on some members, renumbered from 0; a pair is kept where both its members are.

    Args:
        evidence: on all members.
        rows: distinct members.
        counts: how often each row was drawn; the weight of a pair is multiplied by the counts of both members.
    """
    place = np.full(len(evidence.order), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    pairs = place[evidence.pairs]
    inside = (pairs >= 0).all(axis=1)
    pairs, weights = pairs[inside], evidence.weights[inside]
    if counts is not None:
        weights = (weights * counts[pairs[:, 0]] * counts[pairs[:, 1]]).astype(np.float32)
    members = tuple(evidence.members[i] for i in rows) if evidence.members else ()
    places = None if evidence.places is None else evidence.places[rows]
    return Evidence(members, pairs, weights, evidence.order[rows], evidence.levels[rows], places)


def bootstrap(evidence: Evidence, rng: np.random.Generator) -> tuple[NDArray[np.int64], Evidence]:
    """Members drawn with replacement, as many as there are: the distinct ones drawn, and the evidence on them.

    Drawing architectures, not pairs, keeps the members of an ensemble apart: pairs of one architecture are not independent.
    """
    n = len(evidence.order)
    rows, counts = np.unique(rng.integers(n, size=n), return_counts=True)
    return rows, subset(evidence, rows, counts)


def folds(members: int, count: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Disjoint sorted parts of 0..members-1, of sizes equal to within one.

    Args:
        members: n.
        count: of parts.
        rng: which member is in which part.
    """
    shuffled = rng.permutation(members)
    return [np.sort(part) for part in np.array_split(shuffled, count)]
