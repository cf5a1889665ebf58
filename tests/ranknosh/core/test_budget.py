import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranknosh.core.budget import Ledger
from ranknosh.errors import BudgetExceeded


def test_reserve_and_settle_by_hand():
    ledger = Ledger(10)
    ledger.reserve((0, 0), 6)
    assert ledger.left == 4
    with pytest.raises(BudgetExceeded, match="5 epochs"):
        ledger.reserve((1, 0), 5)
    ledger.settle((0, 0), 2)  # it failed early: four epochs come back
    assert (ledger.spent, ledger.left) == (2, 8)
    with pytest.raises(BudgetExceeded, match="ran 1 epochs"):
        ledger.settle((7, 0), 1)


def test_without_a_limit_everything_fits():
    ledger = Ledger(None)
    ledger.reserve((0, 0), 10**9)
    assert ledger.left is None


@given(st.integers(0, 60), st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=30))
def test_the_limit_is_never_committed_beyond(limit, jobs):
    ledger = Ledger(limit)
    for number, (asked, run) in enumerate(jobs):
        if ledger.fits(asked):
            ledger.reserve((number, 0), asked)
            if number % 2:
                ledger.settle((number, 0), min(run, asked))
        else:
            with pytest.raises(BudgetExceeded):
                ledger.reserve((number, 0), asked)
        assert ledger.committed <= limit
