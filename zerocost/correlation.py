"""Rank correlations of two columns, and their uncertainty.

Values are compared by their order only, and nothing here knows a direction: turn columns before, by
:func:`zerocost.aggregate.oriented_column`. Minus infinity, which a missing score becomes there, is a value below all
others. NaN and plus infinity have no place in an order and raise ValueError.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import NormalDist

import torch

from zerocost.aggregate import ranked

# Two rows always agree or disagree fully; an interval from fewer than five rows covers nearly everything.
_FEWEST = 3
_FEWEST_FOR_INTERVAL = 5
# A residual with less than this share of the variance is rounding.
_NOTHING = 1e-10


def spearman(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Spearman's rho: Pearson's correlation of the ranks, where equal values share the mean of their ranks.

    Returns:
        A number in [-1, 1]; None where a sequence is constant or there are fewer than 3 rows.

    Raises:
        ValueError: Lengths differ, or a value is NaN or plus infinity.
    """
    first, second = _centred_ranks([x, y])
    return _pearson(first, second) if len(x) >= _FEWEST else None


def partial_spearman(x: Sequence[float], y: Sequence[float], given: Sequence[Sequence[float]]) -> float | None:
    """Rank correlation of ``x`` and ``y`` with every sequence of ``given`` held fixed.

    It is Pearson's correlation of the residuals of the ranks of x and y after linear regression on the ranks of the
    controls and a constant. With a single control z that is ``(xy - xz yz) / sqrt((1 - xz^2) (1 - yz^2))`` of the three
    Spearman correlations. Controls may be constant or repeat each other without effect.

    Args:
        x: (n,) values.
        y: (n,) values.
        given: Controls of n values each, at least one.

    Returns:
        A number in [-1, 1]; None where no residual is left of x or y, or with fewer than 3 rows beyond one for each
        control (two residuals are then on a line and agree always).

    Raises:
        ValueError: As for :func:`spearman`, and where there is no control.
    """
    if not given or any(isinstance(control, (int, float)) for control in given):
        raise ValueError("given must hold at least one sequence of values, one for each control: [params], not params")
    table = standardised_ranks([x, y, *given])
    if len(x) < _FEWEST + len(given):
        return None
    _, strengths, axes = torch.linalg.svd(table[2:], full_matrices=False)
    # Constant and repeated controls have singular values of 0: their axes are noise.
    axes = axes[strengths**2 > _NOTHING * len(x)]
    left = table[:2] - (table[:2] @ axes.T) @ axes
    nothing = (left**2).mean(dim=1) <= _NOTHING
    return None if bool(nothing.any()) else _pearson(left[0], left[1])


def kendall_tau(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Kendall's tau-b: concordant minus discordant pairs, over the geometric mean of the numbers of pairs that x and
    that y do not tie.

    Source of the algorithm: Knight 1966, "A computer method for calculating Kendall's tau with ungrouped data". Rows
    sorted by x, then y, have one inversion of y for each discordant pair, so pairs are counted as whole numbers in O(n
    log n).

    Returns:
        A number in [-1, 1]; None where a sequence is constant or there are fewer than 3 rows.

    Raises:
        ValueError: As for :func:`spearman`.
    """
    # Ranks are halves: doubled, they are whole numbers, and ties are exact.
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
    """Standard error of a Spearman correlation, on its own scale.

    ``(1 - rho^2) sqrt((1 + rho^2 / 2) / (n - controls - 3))``: the variance of Fisher's z of Bonett and Wright 2000,
    "Sample size requirements for estimating Pearson, Kendall and Spearman correlations", carried over to the
    correlation. It assumes rows drawn independently from the population in question.

    Args:
        rho: The correlation, in [-1, 1].
        n: Rows.
        controls: Sequences that were held fixed.

    Returns:
        The error; None below 5 rows, and one more for each control.
    """
    error = _error_of_z(rho, n - controls)
    return None if error is None else (1 - rho**2) * error


def confidence_interval(rho: float, n: int, controls: int = 0, level: float = 0.95) -> tuple[float, float] | None:
    """A confidence interval of a Spearman correlation.

    ``tanh(atanh(rho) -+ q sqrt((1 + rho^2 / 2) / (n - controls - 3)))`` with q the two-sided quantile of ``level``
    (Bonett and Wright 2000; Fieller, Hartley and Pearson 1957 have 1.06 in place of ``1 + rho^2 / 2``). Good from about
    25 rows and up to a correlation of about 0.9, and for independent rows only. Deviation: atanh is infinite at a
    perfect order, so a correlation counts as at most halfway from 1 to the next value that n rows without ties can
    have.

    Args:
        rho: The correlation, in [-1, 1].
        n: Rows.
        controls: Sequences that were held fixed.
        level: Probability that the interval covers.

    Returns:
        (low, high), which contain ``rho``; None below 5 rows, and one more for each control.
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

    Products of two of them, divided by n, are their Spearman correlation.

    Raises:
        ValueError: As for :func:`spearman`.
    """
    centred = _centred_ranks(columns)
    if not centred.numel():
        return centred
    spread = (centred**2).mean(dim=1, keepdim=True).sqrt()
    return centred / spread.where(spread > 0, torch.ones_like(spread))


def _centred_ranks(columns: Sequence[Sequence[float]]) -> torch.Tensor:
    """Ranks minus their mean; sums of products of them are exact, because ranks are halves of whole numbers."""
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
    return torch.from_numpy(ranked(columns))


def _pearson(first: torch.Tensor, second: torch.Tensor) -> float | None:
    """Pearson's correlation of two sequences of mean 0; None where one is all 0."""
    scale = math.sqrt(float(first @ first) * float(second @ second))
    return _within_one(float(first @ second) / scale) if scale else None


def _within_one(correlation: float) -> float:
    return max(-1.0, min(1.0, correlation))


def _tied_pairs(column: Iterable[object]) -> int:
    return sum(count * (count - 1) // 2 for count in Counter(column).values())


def _inversions(places: Sequence[int]) -> int:
    """Pairs of places (at least 1) of which the earlier one is larger, counted with a Fenwick tree."""
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
