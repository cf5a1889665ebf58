from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from ranknosh.bench.account import Account
from ranknosh.bench.baselines import low_fidelity_evolution, params_of, random_search, starting_rows
from ranknosh.errors import DataError
from ranknosh.tasks.data.table import Table

PUBLISHED = Path(__file__).parents[4] / "shared" / "data" / "nasbench201_cifar10.npz"


def _final_truth(table: Table, budget: int, seed: int) -> float:
    account = Account(table, seed, budget)
    random_search(account)
    return float(table.truth[account.trajectory().rows[-1]])


def _rows(account: Account, level: int) -> list[int]:
    return [each.row for each in account.trainings if each.level == level]


def test_random_search_reaches_its_expectation_over_all_choices(arrays) -> None:  # type: ignore[no-untyped-def]
    given = arrays(7)
    given["epoch200_seeds"] = np.array([[50, 58], [60, 60], [52, 70], [40, 41], [55, 55], [30, 99], [65, 45]], float)
    table = Table.from_arrays(given)
    seen, truth = table.values[1], table.truth
    outcomes = []
    for rows in combinations(range(7), 3):
        for columns in np.ndindex(2, 2, 2):
            shown = [seen[row, column] for row, column in zip(rows, columns, strict=True)]
            outcomes.append(truth[rows[int(np.argmax(shown))]])
    runs = np.array([_final_truth(table, 600, seed) for seed in range(1500)])
    assert abs(runs.mean() - np.mean(outcomes)) < 4 * runs.std() / np.sqrt(len(runs))
    assert np.std(outcomes) > 0.03


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the NAS-Bench-201 table is not at hand")
@pytest.mark.slow
def test_random_search_on_the_published_table() -> None:
    table = Table.load(PUBLISHED)
    for n, published in ((50, 90.76), (100, 90.99), (200, 91.14), (500, 91.29)):
        expected = _expectation_of_best_by_one_seed(table, n)
        assert 100 * expected == pytest.approx(published, abs=0.02)
    runs = np.array([_final_truth(table, 2000, seed) for seed in range(300)])
    error = runs.std() / np.sqrt(len(runs))
    assert abs(runs.mean() - _expectation_of_best_by_one_seed(table, 10)) < 4 * error


def _expectation_of_best_by_one_seed(table: Table, n: int) -> float:
    """Exact for draws with replacement: the sorted trainings' chances to be the largest of n."""
    trained = np.isfinite(table.values[1])
    rows, columns = np.nonzero(trained)
    weight = 1 / trained.sum(axis=1)[rows] / len(table)
    order = np.argsort(table.values[1][rows, columns], kind="stable")
    reached = np.concatenate([[0], np.cumsum(weight[order])]) ** n
    return float(np.diff(reached) @ table.truth[rows[order]])


def test_evolution_promotes_exactly_one_in_twenty(small: Table) -> None:
    for budget, trained in ((239, 19), (20 * 12 + 188, 20), (3 * (20 * 12 + 188), 60), (3 * 428 + 19 * 12, 79)):
        account = Account(small, 3, budget)
        low_fidelity_evolution(account)
        assert len(_rows(account, 1)) == trained
        assert len(_rows(account, 2)) == trained // 20
        assert set(_rows(account, 2)) <= set(_rows(account, 1))


def test_evolution_promotes_the_best_of_level_one_and_none_twice(small: Table) -> None:
    account = Account(small, 5, 4 * 428)
    low_fidelity_evolution(account)
    asked = _rows(account, 1)
    low, promoted = small.values[0][:, 0], _rows(account, 2)
    expected: list[int] = []
    for twenty in range(1, 5):
        waiting = [row for row in asked[: 20 * twenty] if row not in expected]
        expected.append(max(waiting, key=lambda row: low[row]))
    assert sorted(promoted) == sorted(expected)


def test_evolution_children_are_new_neighbours_of_the_best_so_far(small: Table) -> None:
    account = Account(small, 2, 60 * 12)
    low_fidelity_evolution(account)
    asked, low = _rows(account, 1), small.values[0][:, 0]
    assert len(set(asked)) == len(asked)
    for number in range(20, 40):
        best = sorted(asked[:number], key=lambda row: -low[row])[:5]
        near = {row for parent in best for row in small.neighbours(parent)} - set(asked[:number])
        assert not near or asked[number] in near


def test_evolution_ends_when_the_table_is_used_up(arrays) -> None:  # type: ignore[no-untyped-def]
    table = Table.from_arrays(arrays(30))
    account = Account(table, 0, 100_000)
    low_fidelity_evolution(account)
    assert len(_rows(account, 1)) == 30


def test_by_size_starts_from_the_largest_of_a_hundred(small: Table) -> None:
    account = Account(small, 4, 20 * 12)
    low_fidelity_evolution(account, by_size=True)
    drawn = starting_rows(small, 4)[:100]
    cut = np.sort(small.costs["params"][drawn])[-20]
    assert len(_rows(account, 1)) == 20
    assert set(_rows(account, 1)) <= set(drawn.tolist())
    assert (small.costs["params"][_rows(account, 1)] >= cut).all()


def test_size_needs_parameters(arrays) -> None:  # type: ignore[no-untyped-def]
    given = arrays(5)
    del given["params_mb"]
    table = Table.from_arrays(given)
    with pytest.raises(DataError, match="no params"):
        params_of(table)
