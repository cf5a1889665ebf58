from dataclasses import replace

import numpy as np
import pytest

from ranknosh.bench.account import Account, Paid
from ranknosh.core.records import Failed, Job, Observed
from ranknosh.errors import DataError
from ranknosh.spaces.base import Architecture
from ranknosh.tasks.data.table import Accounting, Reading, Table


def test_a_promotion_costs_188_when_resumed_and_200_from_scratch(small: Table) -> None:
    resumed, scratch = Account(small, 0, 10_000, "resume"), Account(small, 0, 10_000, "scratch")
    for account in (resumed, scratch):
        account.ask(3, 1)
        assert account.spent == 12
        account.ask(3, 2)
    assert resumed.spent == 12 + 188
    assert scratch.spent == 12 + 200


def test_a_full_training_without_the_lower_level_costs_200_and_the_lower_level_stays_unknown(small: Table) -> None:
    account = Account(small, 0, 10_000)
    account.ask(3, 2)
    assert account.spent == 200
    assert account.price(3, 1) == 12


def test_asking_again_is_free(small: Table) -> None:
    account = Account(small, 0, 12)
    first = account.ask(3, 1)
    assert account.ask(3, 1) == first
    assert account.spent == 12
    assert len(account.trajectory().epochs) == 1


def test_what_is_not_affordable_is_neither_told_nor_charged(small: Table) -> None:
    account = Account(small, 0, 211)
    account.ask(3, 2)
    assert account.ask(4, 1) is None
    assert account.spent == 200
    assert [(each.row, each.level) for each in account.trainings] == [(3, 2)]


def test_a_search_of_the_engine_answers_with_whom_it_calls_promising() -> None:
    account = Account(_table([[60, 61], [70, 70], [65, 65]]), 0)
    account.trainings += [Paid(0, 1, 0.9, 12), Paid(0, 2, 0.7, 188), Paid(1, 1, 0.95, 12), Paid(1, 2, 0.6, 188)]
    assert account.trajectory().rows.tolist() == [0, 0, 0, 0]
    account.expects = True
    assert account.trajectory().rows.tolist() == [0, 0, 1, 0]


def test_the_incumbent_is_the_best_at_the_highest_level_seen() -> None:
    account = Account(_table([[60, 61], [70, 70], [65, 65]]), 0)
    account.trainings += [
        Paid(0, 1, 0.9, 12),
        Paid(1, 1, 0.8, 12),
        Paid(1, 2, 0.7, 188),  # the only one at level 2 counts, whatever level 1 said
        Paid(2, 1, 0.99, 12),
        Paid(2, 2, 0.7, 188),  # equal: the earlier stays
    ]
    done = account.trajectory()
    assert done.epochs.tolist() == [12, 24, 212, 224, 412]
    assert done.rows.tolist() == [0, 0, 1, 1, 1]
    np.testing.assert_allclose(done.regret, [9.5, 9.5, 0, 0, 0], atol=1e-12)
    assert done.regret_at(11) is None
    assert done.regret_at(12) == done.regret_at(211) == pytest.approx(9.5)
    assert done.regret_at(212) == done.regret_at(9_999) == pytest.approx(0)


def _table(high: list[list[float]]) -> Table:
    texts = ["|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"]
    texts += [f"|none~0|+|none~0|none~1|+|{op}~0|none~1|none~2|" for op in ("nor_conv_1x1", "nor_conv_3x3")]
    return Table.from_arrays(
        {
            "arch": np.array(texts),
            "epoch12_val": np.array([50.0, 51.0, 52.0]),
            "epoch200_seeds": np.array(high, dtype=float),
            "train_seconds_200": np.array([1.0, 2.0, 3.0]),
        }
    )


def test_a_search_that_paid_for_nothing_has_no_incumbent(small: Table) -> None:
    found = Account(small, 0).trajectory()
    assert (len(found.epochs), len(found.rows), len(found.regret), found.outside) == (0, 0, 0, 0)


@pytest.fixture(scope="module")
def table() -> Table:
    ops = ("skip_connect", "nor_conv_1x1", "nor_conv_3x3")
    return Table.from_arrays(
        {
            "arch": np.array([f"|none~0|+|none~0|none~1|+|{op}~0|none~1|none~2|".encode() for op in ops]),
            "epoch12_val": np.array([50.0, 51.0, 52.0]),
            "epoch12_test": np.array([99.0, 98.0, 97.0]),
            "epoch200_seeds": np.array([[60, 61, 62], [70, 71, np.nan], [80, 80.5, 81]]),
            "train_seconds_200": np.array([100.0, 200.0, 400.0]),
            "params_mb": np.array([0.1, 0.2, 0.073306]),
        }
    )


def _job(table: Table, row: int, level: int, start: int, stop: int, replica: int = 0) -> Job:
    return Job(row + 10, table.architectures[row], level, start, stop, 5, replica)


def test_jobs_are_answered_with_the_values_of_the_table_and_charged(table: Table) -> None:
    account = Account(table, 3)
    low, high = account.train(_job(table, 2, 1, 0, 12)), account.train(_job(table, 1, 2, 12, 200))
    assert isinstance(low, Observed)
    assert isinstance(high, Observed)
    assert low.metric == low.metrics["accuracy"] == pytest.approx(0.52)
    assert (low.candidate_id, low.costs) == (12, {"params": 73306})
    assert high.metric == Reading(table, 3).metric(1, 2)
    assert account.trainings == [Paid(2, 1, low.metric, 12), Paid(1, 2, high.metric, 188)]
    assert account.spent == 200


@pytest.mark.parametrize(("accounting", "charged"), [("resume", 188), ("scratch", 200)])
def test_epochs_and_virtual_seconds_follow_the_accounting(table: Table, accounting, charged: int) -> None:  # type: ignore[no-untyped-def]
    account = Account(table, 0, accounting=accounting)
    below, top = account.epochs
    low, high = account.train(_job(table, 1, 1, 0, below)), account.train(_job(table, 1, 2, below, top))
    assert (low.epochs, high.epochs) == (12, charged)
    assert low.seconds == pytest.approx(200.0 * 12 / 200)
    assert high.seconds == pytest.approx(200.0 * charged / 200)


def test_replicas_are_other_trainings_until_there_are_no_more(table: Table) -> None:
    account = Account(table, 1)
    *seen, none = [account.train(_job(table, 1, 2, 0, 200, replica)) for replica in range(3)]
    assert {outcome.metric for outcome in seen if isinstance(outcome, Observed)} == {0.70, 0.71}
    assert seen[1].replica == 1
    assert isinstance(none, Failed)
    assert (none.kind, none.epochs, account.spent) == ("invalid", 0, 400)


def test_architectures_that_the_table_lacks_are_refused(table: Table) -> None:
    with pytest.raises(DataError, match="does not hold"):
        Account(table, 1).train(Job(0, Architecture("nasbench201", (0, 0, 0, 0, 0, 0)), 1, 0, 12, 0))


@pytest.fixture(scope="module")
def three_levels() -> Table:
    """Three cells after 9, 10 and 11 epochs, so close that what separate trainings cost in all passes the next level."""
    ops = ("skip_connect", "nor_conv_1x1", "nor_conv_3x3")
    return Table.from_arrays(
        {
            "arch": np.array([f"|none~0|+|none~0|none~1|+|{op}~0|none~1|none~2|" for op in ops]),
            "epochs": np.array([9, 10, 11]),
            "validation_accuracy": np.array([[10.0, 20.0, 30.0], [11.0, 21.0, 31.0], [12.0, 22.0, 32.0]]),
        },
        levels=(9, 10, 11),
    )


@pytest.mark.parametrize(("accounting", "spent"), [("resume", [9, 10, 11]), ("scratch", [9, 19, 30])])
def test_jobs_of_every_level_see_that_level_however_it_is_paid(
    three_levels: Table, accounting: Accounting, spent: list[int]
) -> None:
    account = Account(three_levels, 0, accounting=accounting)
    assert account.epochs == tuple(spent)
    for level, start in enumerate([0, *spent[:-1]], start=1):
        outcome = account.train(_job(three_levels, 1, level, start, spent[level - 1]))
        assert isinstance(outcome, Observed)
        assert outcome.metric == pytest.approx((1 + 10 * level) / 100)
        assert account.spent == spent[level - 1]
    assert [paid.level for paid in account.trainings] == [1, 2, 3]
    asked = Account(three_levels, 0, accounting=accounting)
    assert [asked.ask(2, level) for level in (1, 2, 3)] == pytest.approx([0.12, 0.22, 0.32])
    assert asked.spent == spent[-1]
    top = account.train(_job(three_levels, 0, 1, 0, 11), level=3)  # of a search that has the top level alone
    assert isinstance(top, Observed)
    assert top.metric == pytest.approx(0.3)


def test_the_tables_own_accounting_counts_where_none_is_asked_for(three_levels: Table) -> None:
    assert Account(three_levels, 0).epochs == (9, 10, 11)
    apart = replace(three_levels, accounting="scratch")
    assert Account(apart, 0).epochs == (9, 19, 30)
    assert Account(apart, 0, accounting="resume").epochs == (9, 10, 11)
