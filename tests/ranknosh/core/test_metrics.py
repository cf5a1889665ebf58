import math

import numpy as np
import pytest
from scipy import stats

from ranknosh.core.metrics import Agreement, agreement, kendall_tau, spearman


def test_by_hand():
    # of six pairs, five agree and one (3 against 4) does not
    assert kendall_tau([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(4 / 6)
    assert spearman([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(1 - 6 * 2 / (4 * 15))
    # minus infinity is a value below all others: what a missing score counts as
    assert spearman([-np.inf, -np.inf, 2, 3], [1, 1, 2, 3]) == pytest.approx(1)
    assert kendall_tau([-np.inf, 5, 6], [3, 2, 1]) == -1


@pytest.mark.parametrize("measure", [kendall_tau, spearman])
@pytest.mark.parametrize(("first", "second"), [([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [4, 4, 4]), ([1], [2]), ([], [])])
def test_a_constant_or_short_order_has_no_correlation(measure, first, second):
    assert measure(first, second) is None
    with pytest.raises(ValueError, match="equal length"):
        measure([*first, 1, 2], second)


@pytest.mark.parametrize("seed", range(40))
def test_ties_count_as_in_tau_b_and_share_their_mean_rank(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 7, (2, rng.integers(6, 26))).astype(float)
    signs = [np.sign(x[:, None] - x[None, :])[np.triu_indices(len(x), 1)] for x in (a, b)]
    tau = (signs[0] * signs[1]).sum() / np.sqrt(abs(signs[0]).sum() * abs(signs[1]).sum())
    assert kendall_tau(a, b) == pytest.approx(tau, abs=1e-12)
    ranks = [[(x < value).sum() + (x == value).sum() / 2 for value in x] for x in (a, b)]
    assert spearman(a, b) == pytest.approx(np.corrcoef(ranks)[0, 1], abs=1e-12)


def test_agreement_is_spearmans_with_fishers_error():
    rng = np.random.default_rng(0)
    first = rng.standard_normal(40)
    second = (first + rng.standard_normal(40)).round(1)
    found = agreement(first, second)
    assert found.rho == pytest.approx(stats.spearmanr(first, second).statistic)
    assert found.error == pytest.approx((1 - found.rho**2) * math.sqrt(1.06 / 37))
    assert agreement(first[:2], second[:2]).rho is None
    assert agreement(first[:3], second[:3]).error is None
    assert agreement(np.ones(9), np.arange(9.0)).rho is None


def test_the_error_is_the_spread_of_the_estimate():
    rng = np.random.default_rng(1)
    first = rng.standard_normal((400, 60))
    second = first + rng.standard_normal((400, 60))
    found = [agreement(a, b) for a, b in zip(first, second, strict=True)]
    spread = np.std([one.rho for one in found])
    assert spread == pytest.approx(np.mean([one.error for one in found]), rel=0.15)


def test_the_interval_is_fishers():
    found = agreement([1, 2, 3, 4, 5], [2, 1, 3, 4, 5])
    assert found.rho == pytest.approx(0.9)  # 1 - 6 * 2 / (5 * 24)
    half = 1.96 * math.sqrt(1.06 / 2)
    assert found.interval == pytest.approx((math.tanh(math.atanh(0.9) - half), math.tanh(math.atanh(0.9) + half)))
    assert str(found) == "0.90 [0.05, 0.99], n = 5"
    assert agreement([1, 1, 1, 1, 1], [1, 2, 3, 4, 5]) == Agreement(None, None, 5)
    assert agreement([1, 2, 3, 4], [1, 2, 3, 4]).interval is None
    assert str(agreement([1, 2], [1, 2])) == "n/a (n = 2)"


def test_a_perfect_correlation_keeps_a_finite_interval():
    low, high = agreement(range(9), range(9)).interval
    assert 0 < low <= high <= 1
