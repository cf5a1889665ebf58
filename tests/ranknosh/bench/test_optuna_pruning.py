"""Optuna's pruners on a table: who goes on is worked out by hand."""

import pytest

from ranknosh.bench.account import Account
from ranknosh.bench.methods import method_of
from ranknosh.bench.optuna_pruning import optuna_halving, optuna_hyperband
from ranknosh.tasks.data.table import Table


def spent(method, table: Table, seed: int, budget: int = 1500):  # type: ignore[no-untyped-def]
    account = Account(table, seed, budget)
    method(account)
    return account.trainings


def test_successive_halving_lets_the_best_sixteenth_of_those_so_far_go_on(whole: Table) -> None:
    """200 // 12 is 16: of n values at 12 epochs the best max(n // 16, 1) may go on, when they arrive and never later."""
    trainings = spent(optuna_halving, whole, 2)
    below, went_on = [], 0
    for place, paid in enumerate(trainings):
        if paid.level == 2:
            continue
        below.append(paid.metric)
        following = trainings[place + 1] if place + 1 < len(trainings) else None
        goes_on = paid.metric >= sorted(below)[-max(len(below) // 16, 1)]
        assert (following is not None and following.level == 2) == (goes_on and following is not None)
        went_on += goes_on
        assert following is None or following.level == 1 or following.row == paid.row
    assert 2 <= went_on < len(below)


def test_hyperband_has_brackets_that_stop_nobody_at_the_first_level(whole: Table) -> None:
    """Levels 12 and 200 with reduction_factor 16 make two brackets, of which one chooses at 12 epochs and the other at none."""
    halving, brackets = spent(optuna_halving, whole, 2, 4000), spent(optuna_hyperband, whole, 2, 4000)
    shares = [
        sum(paid.level == 2 for paid in each) / sum(paid.level == 1 for paid in each) for each in (halving, brackets)
    ]
    assert shares[0] < 0.5 * shares[1] < 0.5
    assert [paid.epochs for paid in brackets if paid.level == 2] == [188] * sum(paid.level == 2 for paid in brackets)


@pytest.mark.parametrize("name", ["optuna_halving", "optuna_hyperband"])
def test_a_seed_decides_everything(whole: Table, name: str) -> None:
    one, again, other = (spent(method_of(name), whole, seed, 700) for seed in (4, 4, 5))
    assert one == again != other


def test_it_ends_when_the_table_has_shown_everything(whole: Table) -> None:
    """Without a limit, and with all paid for, trials cost nothing."""
    account = Account(whole, 0)
    for row in range(len(whole)):
        account.ask(row, 1)
        account.ask(row, 2)
    before = account.spent
    optuna_halving(account)
    assert account.spent == before == 200 * len(whole)
