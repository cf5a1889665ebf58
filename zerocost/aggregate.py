"""Combinations of proxies by their ranks within a population, because raw values have no common scale.

A missing value, NaN or infinity is the worst of its column and is never dropped: leaving failures out would flatter
them.
Nothing here needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Row = Mapping[str, float | None]
Weights: TypeAlias = Mapping[str, float]
Combination: TypeAlias = Callable[[Sequence[Row], Mapping[str, int], Weights | None], list[float]]

# Votes are compared in blocks of about this many pairs, so that memory does not grow with the square of the rows.
_PAIRS = 2**22
# Weighted votes closer to a draw than this share of all weights are one: 0.1 + 0.2 against 0.3.
_DRAW = 1e-12


def ranked(columns: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """(k, n) float64 ranks of k columns of n values, 1 the smallest; equal values share the mean of their ranks, and
    minus infinity is below all others. NaN is not allowed."""
    from scipy.stats import rankdata  # takes half a second to import, and a search without proxies needs none of it

    ranks: NDArray[np.float64] = rankdata(np.asarray(columns, dtype=np.float64), axis=1)
    return ranks


def oriented_column(values: Sequence[Row], name: str, direction: int) -> list[float]:
    """The values of one proxy, turned so that larger is better.

    Args:
        values: One mapping for each architecture, from proxy name to value or None.
        name: The proxy.
        direction: +1 where a larger value is better, else -1.

    Returns:
        (n,); minus infinity where a value is missing, NaN or infinite.
    """
    return [_turned(row.get(name), direction) for row in values]


def oriented(values: Sequence[Row], directions: Mapping[str, int]) -> list[list[float]]:
    """The columns of :func:`oriented_column` for all proxies of ``directions``, in its order.

    Raises:
        ValueError: A direction is neither +1 nor -1, or there is none.
    """
    if not directions or any(direction not in (1, -1) for direction in directions.values()):
        raise ValueError(f"directions must map at least one proxy to +1 or -1, got {dict(directions)}")
    return [oriented_column(values, name, direction) for name, direction in directions.items()]


def rank_mean(values: Sequence[Row], directions: Mapping[str, int], weights: Weights | None = None) -> list[float]:
    """The mean rank of each architecture over the proxies.

    Args:
        values: One mapping for each architecture, from proxy name to value or None.
        directions: +1 for each proxy of which a larger value is better, else -1; only these proxies are used.
        weights: At least 0 for each proxy and not 0 for all, of any sum; a proxy without an entry has weight 0. None
            for equal weights.

    Returns:
        (n,) between 1 and n; higher is better.

    Raises:
        ValueError: A direction is neither +1 nor -1, there is none, or the weights are not as described.
    """
    shares, _ = _shares(weights, directions)
    total = math.fsum(shares)
    return [points / total for points in _weighted_sum(shares, ranked(oriented(values, directions)))]


def borda(values: Sequence[Row], directions: Mapping[str, int], weights: Weights | None = None) -> list[float]:
    """How many others each architecture beats, added up over the proxies; a tie counts one half.

    Beating r - 1 others is holding rank r, so this is ``sum(weights) * (rank_mean - 1)``: the same order, counted in
    duels.

    Args:
        values: One mapping for each architecture, from proxy name to value or None.
        directions: +1 for each proxy of which a larger value is better, else -1; only these proxies are used.
        weights: At least 0 for each proxy and not 0 for all, of any sum; a proxy without an entry has weight 0. None
            for equal weights.

    Returns:
        (n,) between 0 and ``sum(weights) * (n - 1)``, without weights ``k * (n - 1)`` for k proxies; higher is better.

    Raises:
        ValueError: A direction is neither +1 nor -1, there is none, or the weights are not as described.
    """
    shares, unit = _shares(weights, directions)
    return [points * unit for points in _weighted_sum(shares, ranked(oriented(values, directions)) - 1)]


def log_rank_product(
    values: Sequence[Row], directions: Mapping[str, int], weights: Weights | None = None
) -> list[float]:
    """``sum over the proxies of log(rank / n)``, rank 1 the worst.

    Source: Lee and Ham 2024, "AZ-NAS: assembling zero-cost proxies for network architecture search", "non-linear
    ranking aggregation". One bad rank costs more than several middling ones. Values over populations of different sizes
    cannot be compared. Deviation: each term may have a weight.

    Args:
        values: One mapping for each architecture, from proxy name to value or None.
        directions: +1 for each proxy of which a larger value is better, else -1; only these proxies are used.
        weights: At least 0 for each proxy and not 0 for all, of any sum; a proxy without an entry has weight 0. None
            for equal weights.

    Returns:
        (n,) at most 0; higher is better.

    Raises:
        ValueError: A direction is neither +1 nor -1, there is none, or the weights are not as described.
    """
    shares, unit = _shares(weights, directions)
    logs = np.log(ranked(oriented(values, directions)) / max(len(values), 1))
    return [points * unit for points in _weighted_sum(shares, logs)]


def vote(values: Sequence[Row], directions: Mapping[str, int], weights: Weights | None = None) -> list[float]:
    """The share of the others that each architecture beats by a majority of the proxies; a draw counts half.

    This is the pairwise vote of Abdelfattah et al. 2021, which is not transitive, made into an order by Copeland
    counts. With weights each proxy has that many votes. Every pair is compared, so time grows with n * n * k: it serves
    thousands of rows, where the other combinations serve any number.

    Args:
        values: One mapping for each architecture, from proxy name to value or None.
        directions: +1 for each proxy of which a larger value is better, else -1; only these proxies are used.
        weights: At least 0 for each proxy and not 0 for all, of any sum; a proxy without an entry has weight 0. None
            for equal weights.

    Returns:
        (n,) between 0 and 1; higher is better.

    Raises:
        ValueError: A direction is neither +1 nor -1, there is none, or the weights are not as described.
    """
    shares, _ = _shares(weights, directions)
    ranks = ranked(oriented(values, directions))
    n = len(values)
    if n < 2:
        return [0.5] * n
    draw = _DRAW * math.fsum(shares)
    wins = np.empty(n)
    block = max(1, _PAIRS // n)
    for start in range(0, n, block):
        mine = ranks[:, start : start + block]
        balance = np.zeros((mine.shape[1], n))
        for share, own, column in zip(shares, mine, ranks, strict=True):
            balance += share * np.sign(own[:, None] - column)
        wins[start : start + block] = (balance > draw).sum(axis=1) + (np.abs(balance) <= draw).sum(axis=1) / 2
    # Every row draws with itself once: one half is taken off.
    found: list[float] = ((wins - 0.5) / (n - 1)).tolist()
    return found


COMBINATIONS: dict[str, Combination] = {
    "rank_mean": rank_mean,
    "borda": borda,
    "log_rank_product": log_rank_product,
    "vote": vote,
}


def combine(
    values: Sequence[Row], directions: Mapping[str, int], how: str = "rank_mean", weights: Weights | None = None
) -> list[float]:
    """One score for each architecture by a combination of ``COMBINATIONS``.

    Args:
        values: One mapping for each architecture, from proxy name to value or None.
        directions: +1 for each proxy of which a larger value is better, else -1; only these proxies are used.
        how: Name of the combination.
        weights: At least 0 for each proxy and not 0 for all, of any sum; a proxy without an entry has weight 0. None
            for equal weights.

    Returns:
        (n,); higher is better.

    Raises:
        ValueError: ``how`` is no combination, or as for :func:`rank_mean`.
    """
    if how not in COMBINATIONS:
        raise ValueError(f"{how!r} is no way to combine proxies; known are {', '.join(COMBINATIONS)}")
    return COMBINATIONS[how](values, directions, weights)


def _shares(weights: Weights | None, directions: Mapping[str, int]) -> tuple[list[float], float]:
    """Weights in the order of ``directions`` in units of the largest, and that unit.

    In that unit equal weights are exactly 1, so that they make the same ties as no weights.
    """
    if weights is None:
        return [1.0] * len(directions), 1.0
    if unknown := [name for name in weights if name not in directions]:
        raise ValueError(
            f"weights name {', '.join(map(repr, unknown))}, which are none of the proxies {', '.join(directions)}: "
            "take them out, or give their directions"
        )
    for name, weight in weights.items():
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"the weight of {name!r} is {weight}, but weights are finite and at least 0")
    unit = max(weights.values(), default=0.0)
    if unit == 0 and directions:
        raise ValueError(
            f"all weights of the proxies {', '.join(directions)} are 0, so nothing is left to combine: "
            "give one of them a weight above 0, or no weights for all alike"
        )
    return [weights.get(name, 0.0) / unit for name in directions], float(unit)


def _weighted_sum(shares: Sequence[float], table: NDArray[np.float64]) -> list[float]:
    """(n,) sums of the columns of (k, n), each rounded once: equal terms in another order make equal sums."""
    columns = [(share * column).tolist() for share, column in zip(shares, table, strict=True)]
    return [math.fsum(terms) for terms in zip(*columns, strict=True)]


def _turned(value: float | None, direction: int) -> float:
    return -math.inf if value is None or not math.isfinite(value) else value * direction
