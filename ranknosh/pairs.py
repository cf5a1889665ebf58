"""What the uneven evidence of a pyramid says about who is better: pairs for rankers, one order for regressors.

Source: RANK-NOSH (Wang et al., ICCV 2021), section 3: inside a level the validation score decides, between levels the higher
level wins. Two further rules are offered because a newcomer held back by its quota may well beat an old candidate above it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ranknosh.pool import Candidate, Pool
from ranknosh.pyramid import Pyramid
from ranknosh.streams import stream

PairRule = Literal["level", "common", "agree"]
MAX_PAIRS = 60_000


@dataclass(frozen=True)
class Evidence:
    """What is known of ``n`` members.

    members: the candidates, in order of their number. pairs: (p, 2) int64, rows (winner, loser), indexes into ``members``.
    weights: (p,) float32. order: (n,) float64 in [0, 1], 1 is the best and failed ones have 0. levels: (n,) int64, the
    highest completed level of each.
    """

    members: tuple[Candidate, ...]
    pairs: NDArray[np.int64]
    weights: NDArray[np.float32]
    order: NDArray[np.float64]
    levels: NDArray[np.int64]


def evidence(
    pool: Pool,
    pyramid: Pyramid,
    rule: PairRule = "level",
    near_tie: float = 0.0,
    level_weight: float = 0.0,
    seed: int = 0,
) -> Evidence:
    """The evidence of every candidate that finished a level or failed for good (crashes say nothing and are left out).

    rule: ``level`` is the paper's; ``common`` compares at the highest level both completed; ``agree`` keeps a pair from two
    levels only where both say the same. near_tie: pairs of one level closer than this in the metric are dropped.
    level_weight: pairs decided at level i weigh (e(i)/e(N)) to this power; 0 weighs all alike.
    Failed candidates lose against everyone who completed the level they failed at, and form no other pair.
    More than MAX_PAIRS pairs are thinned at random, by ``seed`` and the number of members.
    """
    members = tuple(
        candidate
        for candidate in pool.candidates.values()
        if (candidate.failed is None and candidate.level > 0)
        or (candidate.failed and candidate.failed.kind != "crashed")
    )
    n = len(members)
    metric = np.full((n, pyramid.levels + 1), np.nan)
    for row, candidate in enumerate(members):
        for level, value in candidate.metrics.items():
            metric[row, level] = value
    levels = np.array([candidate.level for candidate in members], dtype=np.int64)
    failed_at = np.array([c.failed.level if c.failed else 0 for c in members], dtype=np.int64)
    wins, decided_at = _wins(metric, levels, failed_at, rule, near_tie)
    winners, losers = np.nonzero(wins)
    if len(winners) > MAX_PAIRS:
        kept = np.sort(stream(seed, "pairs", n).choice(len(winners), MAX_PAIRS, replace=False))
        winners, losers = winners[kept], losers[kept]
    epochs = np.array([0, *pyramid.epochs], dtype=np.float64)
    weights = (epochs[decided_at[winners, losers]] / epochs[-1]) ** level_weight
    return Evidence(
        members,
        np.stack([winners, losers], axis=1).astype(np.int64),
        weights.astype(np.float32),
        _order(metric, levels, failed_at),
        levels,
    )


def _wins(
    metric: NDArray[np.float64],
    levels: NDArray[np.int64],
    failed_at: NDArray[np.int64],
    rule: PairRule,
    near_tie: float,
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """(n, n) whether the row beats the column, and the level that decided it."""
    n = len(levels)
    alive = failed_at == 0
    both = alive[:, None] & alive[None, :]
    common = np.minimum(levels[:, None], levels[None, :])
    rows = np.arange(n)
    gap = metric[rows[:, None], common] - metric[rows[None, :], common]
    with np.errstate(invalid="ignore"):
        by_metric = both & (gap > 0) & ((np.abs(gap) >= near_tie) | (levels[:, None] != levels[None, :]))
    by_level = both & (levels[:, None] > levels[None, :])
    same = levels[:, None] == levels[None, :]
    if rule == "level":
        wins = np.where(same, by_metric, by_level)
    elif rule == "common":
        wins = by_metric
    else:
        wins = by_metric & (same | by_level)
    decided = common if rule != "level" else np.maximum(levels[:, None], levels[None, :])
    survives = alive[:, None] & ~alive[None, :] & (levels[:, None] >= failed_at[None, :])
    return wins | survives, np.where(survives, failed_at[None, :], decided)


def _order(metric: NDArray[np.float64], levels: NDArray[np.int64], failed_at: NDArray[np.int64]) -> NDArray[np.float64]:
    """One order of all members: by level 1, then those with level 2 re-ordered among the places they hold, and so on up.

    Comparisons use one level only, and a candidate's place rises or falls only against those it competed with. Equal metrics
    share the mean of their places.
    """
    n = len(levels)
    value = np.zeros(n)
    alive = np.nonzero(failed_at == 0)[0]
    if not len(alive):
        return value
    first = metric[alive, 1]
    place = np.empty(len(alive))
    ordered = np.argsort(first, kind="stable")
    place[ordered] = np.arange(len(alive), dtype=np.float64)
    place = _share_ties(place, first)
    for level in range(2, metric.shape[1]):
        here = np.nonzero(levels[alive] >= level)[0]
        if len(here) < 2:
            continue
        at_level = metric[alive[here], level]
        held = np.sort(place[here])
        moved = np.empty(len(here))
        moved[np.argsort(at_level, kind="stable")] = held
        place[here] = _share_ties(moved, at_level)
    value[alive] = (place + 1.0) / len(alive)
    return value


def _share_ties(place: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    distinct, inverse = np.unique(by, return_inverse=True)
    total = np.bincount(inverse, weights=place, minlength=len(distinct))
    return (total / np.bincount(inverse, minlength=len(distinct)))[inverse]
