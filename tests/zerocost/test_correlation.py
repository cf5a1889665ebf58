"""Rank correlations by hand, against scipy, and against their definitions over all pairs."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from zerocost.correlation import (
    confidence_interval,
    kendall_tau,
    partial_spearman,
    spearman,
    standard_error,
    standardised_ranks,
)

BOTH = pytest.mark.parametrize("correlation", [spearman, kendall_tau])
Correlation = Callable[[list[float], list[float]], float | None]


def drawn(n: int, k: int, distinct: int, seed: int = 0) -> list[list[float]]:
    """k sequences that have something in common, with ties where ``distinct`` is small."""
    rng = np.random.default_rng(seed)
    common = rng.integers(0, distinct, n)
    return [(common + rng.integers(0, distinct, n)).astype(float).tolist() for _ in range(k)]


def test_by_hand() -> None:
    # One neighbouring pair of six is exchanged: squared differences of ranks 0 0 1 1.
    assert spearman([1, 2, 3, 4], [10, 20, 40, 30]) == pytest.approx(1 - 6 * 2 / (4 * 15), abs=1e-15)
    assert kendall_tau([1, 2, 3, 4], [10, 20, 40, 30]) == pytest.approx(4 / 6)
    # x ties one pair; of the other five, four agree and one does not: (4 - 1) / sqrt(5 * 6).
    assert kendall_tau([1, 1, 2, 3], [1, 2, 4, 3]) == pytest.approx(3 / math.sqrt(30))
    # Ranks 1.5 1.5 3 4 and 1 2 4 3 about 2.5: products 1.5 + 0.5 + 0.75 + 0.75, squares 4.5 and 5.
    assert spearman([1, 1, 2, 3], [1, 2, 4, 3]) == pytest.approx(3.5 / math.sqrt(22.5))


@pytest.mark.parametrize("n", [3, 4, 7, 60, 800])
@pytest.mark.parametrize("distinct", [2, 5, 100_000])
def test_agree_with_scipy(n: int, distinct: int) -> None:
    for seed in range(5):
        x, y = drawn(n, 2, distinct, seed)
        if len(set(x)) == 1 or len(set(y)) == 1:
            assert spearman(x, y) is None
            assert kendall_tau(x, y) is None
        else:
            assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
            assert kendall_tau(x, y) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)


def test_kendall_of_a_whole_table() -> None:
    x, y = drawn(15_625, 2, 1000)
    assert kendall_tau(x, y) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)


def test_kendall_agrees_with_all_pairs() -> None:
    x, y = drawn(60, 2, 9, seed=4)
    balance = sum((x[i] - x[j]) * (y[i] - y[j]) > 0 for i in range(60) for j in range(i))
    balance -= sum((x[i] - x[j]) * (y[i] - y[j]) < 0 for i in range(60) for j in range(i))
    free = [sum(column[i] != column[j] for i in range(60) for j in range(i)) for column in (x, y)]
    assert kendall_tau(x, y) == pytest.approx(balance / math.sqrt(free[0] * free[1]))


@BOTH
def test_same_and_opposite_order_are_exactly_one_and_minus_one(correlation: Correlation) -> None:
    for n in (3, 10, 501):
        x = [math.exp(value / 40) for value in drawn(n, 1, 1000)[0]]
        assert correlation(x, [3 * value - 1 for value in x]) == 1.0
        assert correlation(x, [-value for value in x]) == -1.0


@BOTH
def test_undefined(correlation: Correlation) -> None:
    assert correlation([], []) is None
    assert correlation([1, 2], [1, 2]) is None
    assert correlation([2, 2, 2, 2], [1, 2, 3, 4]) is None
    assert correlation([1, 2, 3, 4], [0, 0, 0, 0]) is None


@BOTH
def test_minus_infinity_is_the_lowest_value(correlation: Correlation) -> None:
    x, y = [3.0, -math.inf, 1.0, -math.inf, 5.0], [2.0, 1.0, 3.0, 0.0, 4.0]
    assert correlation(x, y) == correlation([3.0, -9.0, 1.0, -9.0, 5.0], y)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_values_without_a_place_are_refused(value: float) -> None:
    wrong, right = [1.0, value, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0]
    for call in (
        lambda: spearman(wrong, right),
        lambda: kendall_tau(right, wrong),
        lambda: partial_spearman(right, right, [wrong]),
    ):
        with pytest.raises(ValueError, match=f"value 1 is {value}"):
            call()


def test_lengths_that_differ_are_refused() -> None:
    for call in (lambda: spearman([1, 2], [1, 2, 3]), lambda: kendall_tau([1, 2], [1, 2, 3])):
        with pytest.raises(ValueError, match=r"equal length .* \[2, 3\]"):
            call()
    with pytest.raises(ValueError, match="equal length"):
        partial_spearman([1, 2, 3, 4], [1, 2, 3, 4], [[1, 2, 3]])


@pytest.mark.parametrize("given", [[], [1.0, 2.0, 3.0, 4.0]])
def test_partial_needs_sequences_to_hold_fixed(given: list) -> None:
    with pytest.raises(ValueError, match="at least one sequence"):
        partial_spearman([1, 2, 3, 4], [1, 2, 4, 3], given)


def test_partial_by_the_formula_for_one_control() -> None:
    for seed, distinct in enumerate((4, 30, 5000)):
        x, y, z = drawn(50, 3, distinct, seed)
        xy, xz, yz = (stats.spearmanr(*pair).statistic for pair in ((x, y), (x, z), (y, z)))
        expected = (xy - xz * yz) / math.sqrt((1 - xz**2) * (1 - yz**2))
        assert partial_spearman(x, y, [z]) == pytest.approx(expected, abs=1e-12)


def test_partial_by_residuals_for_several_controls() -> None:
    x, y, *given = drawn(40, 5, 12, seed=2)
    controls = np.column_stack([np.ones(40), *(stats.rankdata(control) for control in given)])
    left = [
        stats.rankdata(column) - controls @ np.linalg.lstsq(controls, stats.rankdata(column), rcond=None)[0]
        for column in (x, y)
    ]
    assert partial_spearman(x, y, given) == pytest.approx(float(np.corrcoef(*left)[0, 1]), abs=1e-12)
    assert partial_spearman(x, y, [*given, given[0], [1.0] * 40]) == pytest.approx(partial_spearman(x, y, given))


def test_partial_tells_a_common_cause_from_an_own_share() -> None:
    rng = np.random.default_rng(5)
    size = rng.normal(size=400)
    good = rng.normal(size=400)
    outcome = (size + good).tolist()
    copy, own = (size + 0.3 * rng.normal(size=400)).tolist(), (size + good + rng.normal(size=400)).tolist()
    plain, fixed = spearman(copy, outcome), partial_spearman(copy, outcome, [size.tolist()])
    assert plain is not None
    assert plain > 0.6
    assert fixed is not None
    assert abs(fixed) < 0.15
    assert (partial_spearman(own, outcome, [size.tolist()]) or 0) > 0.5


def test_partial_undefined() -> None:
    x, y, z = drawn(30, 3, 1000)
    assert partial_spearman(z, y, [z]) is None
    assert partial_spearman(x, [math.exp(value / 100) for value in z], [z]) is None
    assert partial_spearman([1.0] * 30, y, [z]) is None
    assert partial_spearman(x[:3], y[:3], [z[:3]]) is None
    assert partial_spearman(x[:4], y[:4], [z[:4]]) is not None
    assert partial_spearman([], [], [[]]) is None


def test_increasing_transformations_change_nothing() -> None:
    x, y, z = drawn(30, 3, 50)
    bent = [math.exp(value / 10) for value in x], [value**3 for value in y], [math.log1p(value) for value in z]
    assert spearman(x, y) == spearman(bent[0], bent[1])
    assert kendall_tau(x, y) == kendall_tau(bent[0], bent[1])
    assert partial_spearman(x, y, [z]) == partial_spearman(bent[0], bent[1], [bent[2]])


def test_standardised_ranks() -> None:
    table = standardised_ranks([[3, 1, 2], [5, 5, 5], [1, 1, 9]])
    root = math.sqrt(1.5)
    assert table[0].tolist() == pytest.approx([root, -root, 0.0])
    assert table[1].tolist() == [0.0, 0.0, 0.0]
    assert table[2].tolist() == pytest.approx([-math.sqrt(0.5), -math.sqrt(0.5), math.sqrt(2)])


def test_error_and_interval_of_a_published_example() -> None:
    # Example of ci.spear in Bonett's R package statpsych, 15 rows: 0.8699639, 0.08241326, 0.5840951, 0.9638297.
    y = [21, 4, 9, 12, 35, 18, 10, 22, 24, 1, 6, 8, 13, 16, 19]
    x = [67, 28, 30, 28, 52, 40, 25, 37, 44, 10, 14, 20, 28, 40, 51]
    rho = spearman(x, y)
    assert rho == pytest.approx(0.8699639, abs=1e-7)
    assert standard_error(rho, 15) == pytest.approx(0.08241326, abs=1e-8)
    assert confidence_interval(rho, 15) == pytest.approx((0.5840951, 0.9638297), abs=1e-7)


def test_interval_narrows_with_rows_and_widens_with_level_and_controls() -> None:
    def width(**changes: float) -> float:
        low, high = confidence_interval(**({"rho": 0.4, "n": 40} | changes))  # type: ignore[misc, arg-type]
        return high - low

    assert width(n=41) < width() < width(level=0.99)
    assert width(controls=2) == pytest.approx(width(n=38))
    assert width(rho=0.8) < width()
    assert standard_error(0.4, 40, controls=2) == standard_error(0.4, 38)


def test_few_rows_and_perfect_orders() -> None:
    assert confidence_interval(0.5, 4) is None
    assert standard_error(0.5, 4) is None
    assert confidence_interval(0.5, 5, controls=1) is None
    low, high = confidence_interval(1.0, 5) or (0.0, 0.0)
    # Halfway from 1 to 0.9, the next value of five rows: atanh(0.95) - 1.96 sqrt(1.5 / 2).
    assert low == pytest.approx(math.tanh(math.atanh(0.95) - 1.959964 * math.sqrt(0.75)), abs=1e-6)
    assert high == 1.0
    assert confidence_interval(-1.0, 5) == (-high, -low)


def test_interval_covers_as_often_as_it_says() -> None:
    """Of 600 samples of 40 normal pairs with correlation 0.6 about 95 in 100 intervals hold Spearman's 6/pi asin(0.3)."""
    generator, truth, covered = random.Random(0), 6 / math.pi * math.asin(0.3), 0
    for _ in range(600):
        x = [generator.gauss(0, 1) for _ in range(40)]
        y = [0.6 * value + 0.8 * generator.gauss(0, 1) for value in x]
        low, high = confidence_interval(spearman(x, y) or 0.0, 40) or (1.0, 1.0)
        covered += low <= truth <= high
    assert 0.92 < covered / 600 < 0.98
