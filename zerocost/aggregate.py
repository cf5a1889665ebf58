"""Combining proxies by their ranks within a population: raw values have no common scale.

A missing value is the worst of its column and never dropped: leaving failures out would flatter them. So is NaN or infinity.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

Row = Mapping[str, float | None]


def average_ranks(column: Sequence[float]) -> list[float]:
    """Ranks 1 (smallest) to n (largest); equal values share the mean of the ranks they hold."""
    order = sorted(range(len(column)), key=column.__getitem__)
    ranks = [0.0] * len(column)
    start = 0
    while start < len(order):
        stop = start
        while stop < len(order) and column[order[stop]] == column[order[start]]:
            stop += 1
        for place in order[start:stop]:
            ranks[place] = (start + 1 + stop) / 2
        start = stop
    return ranks


def rank_mean(values: Sequence[Row], directions: Mapping[str, int]) -> list[float]:
    """(n,) mean rank over the proxies of ``directions``, between 1 and n; higher is better.

    values: one mapping an architecture, proxy name -> value or None. directions: +1 where larger is better, else -1.
    Raises ValueError where a direction is neither, or none is given.
    """
    columns = [average_ranks(column) for column in _oriented(values, directions)]
    return [sum(ranks) / len(columns) for ranks in zip(*columns, strict=True)]


def vote(values: Sequence[Row], directions: Mapping[str, int]) -> list[float]:
    """(n,) share of the others that each one beats by a majority of the proxies, between 0 and 1; a draw counts half.

    The pairwise vote of Abdelfattah et al. 2021, which is not transitive, made into an order by Copeland counts.
    """
    columns = _oriented(values, directions)
    n = len(values)
    wins = [0.0] * n
    for first in range(n):
        for second in range(first):
            balance = sum((column[first] > column[second]) - (column[first] < column[second]) for column in columns)
            wins[first] += 0.5 + 0.5 * (balance > 0) - 0.5 * (balance < 0)
            wins[second] += 0.5 + 0.5 * (balance < 0) - 0.5 * (balance > 0)
    return [won / (n - 1) if n > 1 else 0.5 for won in wins]


def _oriented(values: Sequence[Row], directions: Mapping[str, int]) -> list[list[float]]:
    """One column a proxy, larger is better, missing ones at minus infinity."""
    if not directions or any(direction not in (1, -1) for direction in directions.values()):
        raise ValueError(f"directions must map at least one proxy to +1 or -1, got {dict(directions)}")
    return [[_turned(row.get(name), direction) for row in values] for name, direction in directions.items()]


def _turned(value: float | None, direction: int) -> float:
    return -math.inf if value is None or not math.isfinite(value) else value * direction
