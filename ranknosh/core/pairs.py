"""What the uneven evidence of a pyramid says about who is better: pairs for rankers, one order for regressors.

Source: RANK-NOSH (Wang et al., ICCV 2021), section 3: inside a level the validation score decides, between levels the higher
level wins. Two further rules are offered because a newcomer held back by its quota may well beat an old candidate above it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from ranknosh.core.candidates import Candidate
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.ranking import non_dominated
from ranknosh.streams import stream

PairRule = Literal["level", "common", "agree"]
MAX_PAIRS = 60_000
_CELLS = 2**18
"""Comparisons made at once: all n x n of a long search would take gigabytes."""


@dataclass(frozen=True)
class Evidence:
    """What is known of ``n`` members.

    members: the candidates, in order of their number. pairs: (p, 2) int64, rows (winner, loser), indexes into ``members``.
    weights: (p,) float32. order: (n,) float64 in [0, 1], 1 is the best and failed ones have 0. levels: (n,) int64, the
    highest completed level of each. places: (n, N), what :func:`places` gives.
    """

    members: tuple[Candidate, ...]
    pairs: NDArray[np.int64]
    weights: NDArray[np.float32]
    order: NDArray[np.float64]
    levels: NDArray[np.int64]
    places: NDArray[np.float64]

    def subset(self, rows: NDArray[np.int64], counts: NDArray[np.int64] | None = None) -> Self:
        """The evidence on distinct members, renumbered from 0; a pair is kept where both its members are, its weight multiplied
        by how often both were drawn (``counts``)."""
        number = np.full(len(self.order), -1, dtype=np.int64)
        number[rows] = np.arange(len(rows))
        pairs = number[self.pairs]
        inside = (pairs >= 0).all(axis=1)
        pairs, weights = pairs[inside], self.weights[inside]
        if counts is not None:
            weights = (weights * counts[pairs[:, 0]] * counts[pairs[:, 1]]).astype(np.float32)
        members = tuple(self.members[i] for i in rows) if self.members else ()
        return type(self)(members, pairs, weights, self.order[rows], self.levels[rows], self.places[rows])


def evidence(
    pool: Pool,
    pyramid: Pyramid,
    rule: PairRule = "level",
    near_tie: float = 0.0,
    level_weight: float = 0.0,
    seed: int = 0,
) -> Evidence:
    """The evidence of every candidate that finished a level or failed for good (crashes say nothing and are left out).

    Failed candidates lose against all that completed the level they failed at, and form no other pair.

    Args:
        pool: the candidates and their results.
        pyramid: the levels.
        rule: ``level`` is the paper's; ``common`` compares at the highest level both completed; ``agree`` keeps a pair from
            two levels only where both say the same.
        near_tie: pairs of one level closer than this in the metric are dropped.
        level_weight: pairs decided at level i weigh (e(i)/e(N)) to this power; 0 weighs all alike.
        seed: more than MAX_PAIRS pairs are thinned at random, by it and the number of members.
    """
    everyone = pool.candidates.values()
    members = tuple(one for one in everyone if one.unfit or (one.failed is None and one.level > 0))
    n = len(members)
    metric, failed_at = _metrics(members, pyramid.levels), _failed_at(members)
    levels = np.array([candidate.level for candidate in members], dtype=np.int64)
    pairs, decided_at = _thinned(partial(_wins, metric, levels, failed_at, rule, near_tie), n, seed)
    epochs = np.array([0, *pyramid.epochs], dtype=np.float64)
    weights = (epochs[decided_at] / epochs[-1]) ** level_weight
    known = places(members, pyramid.levels)
    last = known[np.arange(n), (~np.isnan(known)).sum(axis=1) - 1]
    return Evidence(members, pairs, weights.astype(np.float32), last, levels, known)


def _thinned(
    wins: Callable[[NDArray[np.int64]], tuple[NDArray[np.bool_], NDArray[np.int64]]], n: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(p, 2) the pairs of n members, row by row, at most MAX_PAIRS of them, and the level that decided each.

    ``wins`` says it of some rows. It is asked twice, so that no more than some rows are ever held: how many pairs there are,
    and which they are.
    """
    most = max(_CELLS // max(n, 1), 1)
    blocks = [np.arange(first, min(first + most, n)) for first in range(0, max(n, 1), most)]
    counts = np.array([np.count_nonzero(wins(rows)[0]) for rows in blocks])
    ends = np.cumsum(counts)
    rng, count = stream(seed, "pairs", n), int(ends[-1])
    kept = np.arange(count) if count <= MAX_PAIRS else np.sort(rng.choice(count, MAX_PAIRS, replace=False))
    pairs, levels = [], []
    parts = np.split(kept, np.searchsorted(kept, ends[:-1]))
    for rows, first, part in zip(blocks, ends - counts, parts, strict=True):
        won, decided_at = wins(rows)
        chosen = np.flatnonzero(won)[part - first]
        pairs.append(np.stack([rows[chosen // n], chosen % n], axis=1))
        levels.append(decided_at.reshape(-1)[chosen])
    return np.concatenate(pairs), np.concatenate(levels)


def _wins(
    metric: NDArray[np.float64],
    levels: NDArray[np.int64],
    failed_at: NDArray[np.int64],
    rule: PairRule,
    near_tie: float,
    rows: NDArray[np.int64],
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """(rows, n) whether the row beats the column, and the level that decided it."""
    alive, own, lives = failed_at == 0, levels[rows, None], failed_at[rows, None] == 0
    higher, same = own > levels, own == levels
    common = np.minimum(own, levels)
    gap = metric[rows[:, None], common] - metric[np.arange(len(levels)), common]
    by_metric = (gap > 0) & ((gap >= near_tie) | ~same)
    ways = {"level": np.where(same, by_metric, higher), "common": by_metric, "agree": by_metric & (same | higher)}
    wins = ways[rule] & lives & alive
    decided = common if rule != "level" else np.maximum(own, levels)
    survives = lives & ~alive & (own >= failed_at)
    return wins | survives, np.where(survives, failed_at, decided)


def places(members: Sequence[Candidate], levels: int) -> NDArray[np.float64]:
    """(n, levels): the place of every member, in (0, 1] and 1 for the best, as known after each level it completed.

    By level 1 first; then those with level 2 are re-ordered among the places they hold, and so on up, so that comparisons use
    one level only and a candidate's place rises or falls only against those it competed with. Equal metrics share the mean
    of their places. NaN above the levels completed; a member that failed has place 0 at level 1 and NaN above it.
    """
    metric, failed_at = _metrics(members, levels), _failed_at(members)
    result = np.full((len(members), levels), np.nan)
    result[failed_at > 0, 0] = 0.0
    alive = np.flatnonzero(failed_at == 0)
    place = np.zeros(len(members))
    held = np.arange(1, len(alive) + 1, dtype=np.float64) / max(len(alive), 1)
    here = alive
    for level in range(1, levels + 1):
        here = here[~np.isnan(metric[here, level])]
        held = held if level == 1 else np.sort(place[here])
        at_level = metric[here, level]
        moved = np.empty(len(here))
        moved[np.argsort(at_level, kind="stable")] = held
        place[here] = _share_ties(moved, at_level)
        result[here, level - 1] = place[here]
    return result


def _metrics(members: Sequence[Candidate], levels: int) -> NDArray[np.float64]:
    """(n, levels + 1): the metric at every level, NaN where there is none; column 0 stays empty."""
    metric = np.full((len(members), levels + 1), np.nan)
    for row, candidate in enumerate(members):
        for level, value in candidate.by_level.items():
            metric[row, level] = value
    return metric


def _failed_at(members: Sequence[Candidate]) -> NDArray[np.int64]:
    """(n,): the level each member failed at, 0 where it did not."""
    return np.array([candidate.failed.level if candidate.failed else 0 for candidate in members], dtype=np.int64)


def _share_ties(place: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    distinct, inverse = np.unique(by, return_inverse=True)
    total = np.bincount(inverse, weights=place, minlength=len(distinct))
    return (total / np.bincount(inverse, minlength=len(distinct)))[inverse]


def front(pool: Pool, levels: int) -> list[Candidate]:
    """The candidates that no other one dominates in the objectives of the pool, best by the ranking metric first.

    Metrics of several levels are no numbers of one scale, so that the ranking metric counts by :func:`places`. A candidate that
    failed is in no front.
    """
    objectives = pool.objectives
    members = [one for one in pool.candidates.values() if one.failed is None and one.latest is not None]
    if objectives is None or not members:
        return []
    known = places(members, levels)
    order = known[np.arange(len(members)), (~np.isnan(known)).sum(axis=1) - 1]
    points = [objectives.values(place, member.costs) for member, place in zip(members, order.tolist(), strict=True)]
    kept = np.flatnonzero(non_dominated(np.array(points)))
    return [members[row] for row in kept[np.argsort(-order[kept], kind="stable")]]
