import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ranknosh.core.metrics import kendall_tau, pair_accuracy, precision_at, ranks, regret, spearman

VALUES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=25)


def test_by_hand():
    # of six pairs, five agree and one (3 against 4) does not
    assert kendall_tau([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(4 / 6)
    assert spearman([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert list(ranks([5.0, 1.0, 5.0])) == [1.5, 0.0, 1.5]
    assert pair_accuracy([0.1, 0.9, 0.9], [1, 0, 1], [0, 2, 2]) == pytest.approx(1.5 / 3)
    assert precision_at(2, [4, 3, 2, 1], [1, 4, 3, 2]) == 0.5
    assert regret(91.5, 91.6) == pytest.approx(0.1)


def test_undefined_is_none():
    assert kendall_tau([1, 1, 1], [1, 2, 3]) is None
    assert spearman([1], [2]) is None
    assert pair_accuracy([1.0], [], []) is None
    assert precision_at(3, [1, 2], [1, 2]) is None
    with pytest.raises(ValueError, match="equal length"):
        kendall_tau([1, 2], [1, 2, 3])


@given(VALUES)
def test_agrees_with_scipy(pairs):
    a, b = np.array(pairs, dtype=float).T
    for ours, theirs in ((kendall_tau, stats.kendalltau), (spearman, stats.spearmanr)):
        value = ours(a, b)
        if len(set(a)) < 2 or len(set(b)) < 2:
            assert value is None
        else:
            assert value == pytest.approx(theirs(a, b).statistic, abs=1e-12)
