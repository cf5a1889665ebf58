"""How well one order agrees with another, and how sure that is.

Values are compared by their order only, and nothing here knows a direction: turn columns before, by
:func:`zerocost.aggregate.oriented_column`. Minus infinity is a value below all others, which is what that makes of a missing
score. NaN and plus infinity have no place in an order and raise ValueError.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import NormalDist

import torch

from zerocost.aggregate import ranked

# Two rows always agree or disagree fully; an interval from fewer than five covers nearly everything.
_FEWEST = 3
_FEWEST_FOR_INTERVAL = 5
# What keeps less than this share of its variance after a regression is rounding.
_NOTHING = 1e-10


def spearman(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Spearman's rho in [-1, 1]: Pearson's correlation of the ranks, where equal values share the mean of theirs.

    None where one of the sequences is constant or there are fewer than 3 rows. Raises ValueError where lengths differ or a
    value is NaN or plus infinity.
    """
    first, second = _centred_ranks([x, y])
    return _pearson(first, second) if len(x) >= _FEWEST else None


def partial_spearman(x: Sequence[float], y: Sequence[float], given: Sequence[Sequence[float]]) -> float | None:
    """Rank correlation of ``x`` and ``y`` with every sequence of ``given`` held fixed, in [-1, 1].

    Pearson's correlation of what is left of the ranks of x and y after linear regression on the ranks of the controls and a
    constant. With a single control z that is ``(xy - xz yz) / sqrt((1 - xz^2) (1 - yz^2))`` of the three Spearman
    correlations. Controls may be constant or repeat each other: that adds nothing.

    None where nothing is left of x or y, or with fewer than 3 rows beyond one for each control (what is left of two sequences
    is then a line and agrees with any other). Raises ValueError as :func:`spearman` does, and where there is no control.
    """
    if not given or any(isinstance(control, (int, float)) for control in given):
        raise ValueError("given must hold at least one sequence of values, one for each control: [params], not params")
    table = standardised_ranks([x, y, *given])
    if len(x) < _FEWEST + len(given):
        return None
    _, strengths, axes = torch.linalg.svd(table[2:], full_matrices=False)
    axes = axes[strengths**2 > _NOTHING * len(x)]
    left = table[:2] - (table[:2] @ axes.T) @ axes
    nothing = (left**2).mean(dim=1) <= _NOTHING
    return None if bool(nothing.any()) else _pearson(left[0], left[1])


def kendall_tau(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Kendall's tau-b in [-1, 1]: concordant less discordant pairs, over the geometric mean of the numbers of pairs that x and
    that y do not tie.

    None where one of the sequences is constant or there are fewer than 3 rows. Raises ValueError as :func:`spearman` does.
    Source of the algorithm: Knight 1966, "A computer method for calculating Kendall's tau with ungrouped data". Rows sorted by
    x, then y, have one inversion of y for each discordant pair, so that whole numbers are counted in O(n log n).
    """
    first, second = (2 * _checked_ranks([x, y])).long().tolist()
    if len(x) < _FEWEST:
        return None
    rows = sorted(zip(first, second, strict=True))
    pairs = len(rows) * (len(rows) - 1) // 2
    tied_first, tied_second, tied_both = (_tied_pairs(column) for column in (first, second, rows))
    if pairs in (tied_first, tied_second):
        return None
    balance = pairs - tied_first - tied_second + tied_both - 2 * _inversions([place for _, place in rows])
    return _within_one(balance / math.sqrt((pairs - tied_first) * (pairs - tied_second)))


def standard_error(rho: float, n: int, controls: int = 0) -> float | None:
    """Standard error of a Spearman correlation of n rows, on its own scale; None below 5 rows (beyond one a control).

    ``(1 - rho^2) sqrt((1 + rho^2 / 2) / (n - controls - 3))``: the variance of Fisher's z of Bonett and Wright 2000, "Sample
    size requirements for estimating Pearson, Kendall and Spearman correlations", carried over to the correlation. Assumes
    rows drawn independently from the population that is meant.
    """
    error = _error_of_z(rho, n - controls)
    return None if error is None else (1 - rho**2) * error


def confidence_interval(rho: float, n: int, controls: int = 0, level: float = 0.95) -> tuple[float, float] | None:
    """(low, high) around a Spearman correlation of n rows, which it contains; None below 5 rows (beyond one a control).

    ``tanh(atanh(rho) -+ q sqrt((1 + rho^2 / 2) / (n - controls - 3)))`` with q the two-sided quantile of ``level`` (Bonett and
    Wright 2000; Fieller, Hartley and Pearson 1957 have 1.06 in place of ``1 + rho^2 / 2``). Good from about 25 rows and up to
    a correlation of about 0.9, and for independent rows only. Deviation: atanh has no value at a perfect order, so a
    correlation counts as at most halfway from 1 to the next value that n rows without ties can have.
    """
    error = _error_of_z(rho, n - controls)
    if error is None:
        return None
    most = 1 - 6 / (n**3 - n)
    centre = math.atanh(max(-most, min(most, rho)))
    reach = NormalDist().inv_cdf((1 + level) / 2) * error
    return min(rho, math.tanh(centre - reach)), max(rho, math.tanh(centre + reach))


def standardised_ranks(columns: Sequence[Sequence[float]]) -> torch.Tensor:
    """(k, n) float64 ranks of k columns of n values, with mean 0 and variance 1 (over n); a constant column is all 0.

    Products of two of them, divided by n, are their Spearman correlation. Raises ValueError as :func:`spearman` does.
    """
    centred = _centred_ranks(columns)
    if not centred.numel():
        return centred
    spread = (centred**2).mean(dim=1, keepdim=True).sqrt()
    return centred / spread.where(spread > 0, torch.ones_like(spread))


def _centred_ranks(columns: Sequence[Sequence[float]]) -> torch.Tensor:
    """Their sums of products are exact: ranks are halves."""
    return _checked_ranks(columns) - (len(columns[0]) + 1) / 2


def _checked_ranks(columns: Sequence[Sequence[float]]) -> torch.Tensor:
    if len({len(column) for column in columns}) > 1:
        raise ValueError(f"sequences of equal length are compared, got lengths {[len(column) for column in columns]}")
    for column in columns:
        for place, value in enumerate(column):
            if math.isnan(value) or value == math.inf:
                raise ValueError(
                    f"value {place} is {value}, which has no place in an order: leave the row out, or where a missing value is "
                    "the worst make it minus infinity"
                )
    return ranked(columns)


def _pearson(first: torch.Tensor, second: torch.Tensor) -> float | None:
    """Of two sequences with mean 0; None where one is all 0."""
    scale = math.sqrt(float(first @ first) * float(second @ second))
    return _within_one(float(first @ second) / scale) if scale else None


def _within_one(correlation: float) -> float:
    return max(-1.0, min(1.0, correlation))


def _tied_pairs(column: Iterable[object]) -> int:
    return sum(count * (count - 1) // 2 for count in Counter(column).values())


def _inversions(places: Sequence[int]) -> int:
    """Pairs of which the earlier one is larger, counted with a Fenwick tree over the places, which are at least 1."""
    tree = [0] * (max(places) + 1)
    inversions = 0
    for seen, place in enumerate(places):
        inversions += seen
        node = place
        while node > 0:
            inversions -= tree[node]
            node &= node - 1
        node = place
        while node < len(tree):
            tree[node] += 1
            node += node & -node
    return inversions


def _error_of_z(rho: float, rows: int) -> float | None:
    return math.sqrt((1 + rho**2 / 2) / (rows - 3)) if rows >= _FEWEST_FOR_INTERVAL else None
