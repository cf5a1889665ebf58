import numpy as np
import pytest

from ranknosh.bench.account import Account, BestSoFar
from ranknosh.data.table import Table


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
    assert len(account.tracker.trajectory().epochs) == 1


def test_what_is_not_affordable_is_neither_told_nor_charged(small: Table) -> None:
    account = Account(small, 0, 211)
    account.ask(3, 2)
    assert account.ask(4, 1) is None
    assert account.spent == 200
    assert account.known(1) == []
    assert account.known(2) == [3]


def test_the_incumbent_is_the_best_at_the_highest_level_seen() -> None:
    table = _table([[60, 61], [70, 70], [65, 65]])
    tracker = BestSoFar(table)
    tracker.note(0, 1, 0.9, 12)
    tracker.note(1, 1, 0.8, 12)
    tracker.note(1, 2, 0.7, 188)  # the only one at level 2 counts, whatever level 1 said
    tracker.note(2, 1, 0.99, 12)
    tracker.note(2, 2, 0.7, 188)  # equal: the earlier stays
    done = tracker.trajectory()
    assert done.epochs.tolist() == [12, 24, 212, 224, 412]
    assert done.rows.tolist() == [0, 0, 1, 1, 1]
    np.testing.assert_allclose(done.truth, [0.605, 0.605, 0.7, 0.7, 0.7])
    np.testing.assert_allclose(done.regret, [9.5, 9.5, 0, 0, 0], atol=1e-12)
    assert np.isnan(done.regret_at(11))
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
