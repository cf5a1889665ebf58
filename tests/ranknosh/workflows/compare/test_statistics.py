"""Tests of significance against scipy's own, and against numbers worked out by hand or printed in the papers."""

import pytest
from scipy import stats

from ranknosh.workflows.compare.statistics import against, difference, findings, holm, margin, ranked

MINE, OTHER = {0: 0.71, 1: 0.74, 2: 0.72}, {0: 0.70, 1: 0.71, 2: 0.70}


def test_equal_seeds_are_paired():
    found, oracle = difference("a", "b", MINE, OTHER), stats.ttest_rel([*MINE.values()], [*OTHER.values()])
    assert found.paired
    assert found.mean == pytest.approx(0.02)
    assert found.p == pytest.approx(oracle.pvalue)
    low, high = oracle.confidence_interval()
    assert (found.mean - found.margin, found.mean + found.margin) == pytest.approx((low, high))
    # differences 0.01, 0.03, 0.02: standard error 0.01 / sqrt 3, t = 3.4641 with 2 degrees of freedom
    assert found.p == pytest.approx(0.0741799, abs=1e-6)


def test_pairing_changes_what_is_found():
    """Seeds of which each shifts both methods alike: taken in pairs they do not blur the difference."""
    shifted, base = {0: 0.51, 1: 0.72, 2: 0.93}, {0: 0.50, 1: 0.70, 2: 0.90}
    assert difference("a", "b", shifted, base).p < 0.1
    elsewhere = {seed + 1: value for seed, value in base.items()}
    assert difference("a", "b", shifted, elsewhere).p > 0.8


def test_other_seeds_are_compared_by_welch():
    other = {0: 0.70, 1: 0.66}
    found, oracle = difference("a", "b", MINE, other), stats.ttest_ind([*MINE.values()], [0.70, 0.66], equal_var=False)
    assert not found.paired
    assert found.p == pytest.approx(oracle.pvalue)
    low, high = oracle.confidence_interval()
    assert (found.mean - found.margin, found.mean + found.margin) == pytest.approx((low, high))
    assert found.seeds == (3, 2)
    assert found.verdict(higher=True) == "not distinguishable with 3 and 2 seeds" or found.corrected is not None


def test_nothing_is_claimed_where_nothing_varies():
    same, shifted = difference("a", "b", MINE, MINE), {seed: value + 0.01 for seed, value in MINE.items()}
    assert (same.p, same.margin) == (1.0, 0.0)
    constant = difference("a", "b", shifted, MINE)  # apart by rounding alone, of which a t test would make p = 0
    assert constant.p is None
    assert constant.verdict(higher=True) == "not testable: the same difference under all of 3 seeds"
    assert difference("a", "b", {0: 0.7}, {0: 0.6}).verdict(higher=True) == "not testable with 1 seed"


def test_holm_by_hand():
    """Of 0.01, 0.04, 0.03 and 0.005 (Holm): 4 * 0.005, 3 * 0.01, 2 * 0.03, and 0.04, which may not be below the one before."""
    assert holm([0.01, 0.04, None, 0.03, 0.005]) == pytest.approx([0.03, 0.06, None, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_difference_that_one_test_would_show_is_lost_among_several():
    """Paired differences of 1, 2 and 1.5 points: p = 0.0351; among three tests 0.105."""
    base = {0: 0.50, 1: 0.60, 2: 0.70}
    good = {0: 0.51, 1: 0.62, 2: 0.715}
    noise = {"x": {0: 0.52, 1: 0.59, 2: 0.70}, "y": {0: 0.49, 1: 0.61, 2: 0.69}}
    (alone,) = against({"good": good, "base": base}, "base")
    assert alone.corrected == alone.p == pytest.approx(0.0351, abs=1e-4)
    assert alone.verdict(higher=True) == "better"
    assert alone.verdict(higher=False) == "worse"
    among = against({"good": good, **noise, "base": base}, "base")[0]
    assert among.corrected == pytest.approx(3 * alone.p)
    assert among.verdict(higher=True) == "not distinguishable with 3 seeds"


@pytest.mark.parametrize(("values", "expected"), [([1.0], None), ([], None), ([0.0, 2.0], 12.7062), ([3.0] * 4, 0.0)])
def test_margins_are_of_student_s_t(values, expected):
    assert margin(values) == (None if expected is None else pytest.approx(expected, abs=1e-4))


def test_ranks_share_ties_and_have_the_critical_difference_of_the_paper():
    """Demšar's q for three methods at 5 % is 2.343: 2.343 sqrt(3 * 4 / (6 * 3)) = 1.913."""
    results = {
        "a": {0: 0.9, 1: 0.9, 2: 0.7, 3: 0.1},
        "b": {0: 0.8, 1: 0.9, 2: 0.8},
        "c": {0: 0.7, 1: 0.6, 2: 0.6},
    }
    found = ranked(results, higher=True)
    assert found.seeds == 3
    assert found.mean == pytest.approx({"a": (1 + 1.5 + 2) / 3, "b": (2 + 1.5 + 1) / 3, "c": 3.0})
    assert found.critical == pytest.approx(1.913, abs=1e-3)
    assert ranked(results, higher=False).mean["c"] == 1.0


def test_two_seeds_are_not_ranked():
    assert ranked({"a": {0: 1.0, 1: 2.0}, "b": {0: 1.0, 1: 3.0, 2: 1.0}}, higher=True) is None
    assert ranked({"a": {0: 1.0, 1: 2.0, 2: 3.0}}, higher=True) is None


def test_each_reference_has_tests_of_its_own():
    results = {"a": MINE, "b": OTHER, "random": {0: 0.6, 1: 0.65, 2: 0.61}, "empty": {}}
    found = findings("test", results, "a", ("random", "a"), higher=True)
    pairs = [(gap.method, gap.other) for gap in found.differences]
    assert pairs == [("a", "random"), ("b", "random"), ("b", "a"), ("random", "a")]
    both = findings("test", results, "random", ("random", "random"), higher=True)
    assert [(gap.method, gap.other) for gap in both.differences] == [("a", "random"), ("b", "random")]
    assert found.against("a", "b") is None
