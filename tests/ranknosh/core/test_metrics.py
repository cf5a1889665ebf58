import numpy as np
import pytest

from ranknosh.core.metrics import kendall_tau, spearman


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
