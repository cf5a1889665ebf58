import numpy as np
import pytest

from ranknosh.bench.account import Account, BestSoFar, Trajectory, curve_of, epochs_to, interval_to, on_one_grid
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
    assert len(account.trajectory().epochs) == 1


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


def run(*steps: tuple[int, float]) -> Trajectory:
    epochs, regret = np.array([e for e, _ in steps], np.int64), np.array([r for _, r in steps])
    return Trajectory(epochs, np.zeros(len(steps), np.int64), 1 - regret / 100, regret)


ONE = run((12, 4.0), (24, 4.0), (36, 1.0), (48, 1.0), (236, 0.0))
TWO = run((12, 2.0), (24, 2.0), (212, 3.0), (224, 0.5))


def test_a_curve_keeps_the_changes() -> None:
    epochs, regret = curve_of(ONE)
    assert epochs.tolist() == [12, 36, 236]
    assert regret.tolist() == [4.0, 1.0, 0.0]
    assert all(len(part) == 0 for part in curve_of(run()))


def test_first_times_by_hand() -> None:
    curves = [curve_of(ONE), curve_of(TWO)]
    at, regrets = on_one_grid(curves)
    assert at.tolist() == [12, 36, 212, 224, 236]
    assert regrets.tolist() == [[4.0, 1.0, 1.0, 1.0, 0.0], [2.0, 2.0, 3.0, 0.5, 0.5]]
    # The mean is 3, 1.5, 2, 0.75 and 0.25.
    assert [epochs_to(target, curves) for target in (5.0, 3.0, 1.9, 0.75, 0.1)] == [12, 12, 36, 224, None]


def test_nothing_is_said_before_all_runs_have_an_incumbent() -> None:
    curves = [curve_of(ONE), curve_of(run((200, 1.0)))]
    at, regrets = on_one_grid(curves)
    assert (at.tolist(), regrets.tolist()) == ([200, 236], [[1.0, 0.0], [1.0, 1.0]])
    assert epochs_to(1.0, curves) == 200
    curves.append(curve_of(run()))
    assert epochs_to(9.0, curves) is None
    assert interval_to(9.0, curves) == (None, None)


def many(seed: int, runs: int = 12) -> list[Trajectory]:
    rng = np.random.default_rng(seed)
    return [run(*((12 * (i + 1), float(r)) for i, r in enumerate(rng.integers(0, 4, 30)))) for _ in range(runs)]


def test_the_mean_is_that_of_the_regrets_at_every_epoch() -> None:
    runs = many(0)
    for target in (1.9, 1.4, 1.2, 1.0):
        means = {epochs: np.mean([each.regret_at(epochs) for each in runs]) for epochs in range(12, 400)}
        expected = next((epochs for epochs, mean in means.items() if mean <= target + 1e-9), None)
        assert epochs_to(target, [curve_of(each) for each in runs]) == expected


def test_the_interval_is_that_of_samples_with_repetition() -> None:
    curves = [curve_of(each) for each in many(1)]
    low, high = interval_to(1.2, curves)
    rng = np.random.default_rng(2)
    drawn = [epochs_to(1.2, [curves[index] for index in rng.integers(0, 12, 12)]) for _ in range(2000)]
    found = np.sort([np.inf if first is None else first for first in drawn])
    ends = [np.inf if end is None else end for end in (low, high)]
    assert found[60] <= ends[0] <= found[140]
    assert found[-140] <= ends[1] <= found[-60]
    assert ends[0] < ends[1]
    assert interval_to(1.2, curves[:1]) == (epochs_to(1.2, curves[:1]),) * 2
    assert interval_to(4.0, curves) == (12, 12)
