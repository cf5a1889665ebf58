"""Syne Tune, Ray Tune, NePS and DEHB on a table, by their own code: what a table must see of them, and who goes on."""

import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest

from ranknosh.bench.account import Account, Paid
from ranknosh.bench.methods import method_of, proposed
from ranknosh.bench.packages import numpy_begun_with, reduction, spend
from ranknosh.bench.rows import as_json, format_rows, method_row
from ranknosh.predictors.own_proposer import Result
from ranknosh.spaces.base import Architecture, Space
from ranknosh.tasks.data.table import Table

MODULES = {
    "syne_tune_asha": "syne_tune",
    "ray_tune_asha": "ray",
    "neps_asha": "neps",
    "neps_hyperband": "neps",
    "dehb": "dehb",
}


def spent(name: str, table: Table, seed: int, budget: int = 700) -> list[Paid]:
    pytest.importorskip(MODULES[name])
    account = Account(table, seed, budget)
    method_of(name)(account)
    assert account.spent == sum(paid.epochs for paid in account.trainings) <= budget
    assert account.spent > budget - table.epochs[-1]  # less than the next step is left
    return account.trainings


@pytest.mark.parametrize("name", list(MODULES))
def test_a_seed_decides_everything_and_trainings_climb_the_levels(whole: Table, name: str) -> None:
    one, again, other = (spent(name, whole, seed) for seed in (4, 4, 5))
    assert one == again != other
    reached: dict[int, int] = {}
    for paid in one:
        assert paid.level > reached.get(paid.row, 0)
        below = whole.epochs[reached[paid.row] - 1] if paid.row in reached else 0
        assert paid.epochs == whole.epochs[paid.level - 1] - below
        reached[paid.row] = paid.level
    assert set(reached.values()) == {1, 2}


def test_syne_tune_stops_who_is_not_among_the_best_sixteenth_of_those_so_far(whole: Table) -> None:
    """200 // 12 is 16: at 12 epochs one goes on where at most n / 16 of the n so far are better, at once or never."""
    trainings = spent("syne_tune_asha", whole, 2, 1500)
    below: list[float] = []
    for paid, following in zip(trainings, [*trainings[1:], None], strict=True):
        if paid.level == 1 and following is not None:
            below.append(paid.metric)
            goes_on = sum(value > paid.metric for value in below) <= len(below) / 16
            assert ((following.row, following.level) == (paid.row, 2)) == goes_on


def test_ray_tune_stops_who_is_below_the_quantile_of_those_before(whole: Table) -> None:
    """200 // 12 is 16: at 12 epochs one goes on that is not below the value at 15/16 of the way through the sorted ones before,
    on the line between the two next to it; the first goes on."""
    trainings = spent("ray_tune_asha", whole, 2, 1500)
    before: list[float] = []
    went_on = 0
    for paid, following in zip(trainings, [*trainings[1:], None], strict=True):
        if paid.level == 1 and following is not None:
            goes_on = not before or paid.metric >= on_the_line(sorted(before), 15 / 16)
            assert ((following.row, following.level) == (paid.row, 2)) == goes_on
            before.append(paid.metric)
            went_on += goes_on
    assert 2 <= went_on < len(before) / 2


def on_the_line(values: list[float], share: float) -> float:
    place = share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


def test_dehb_begins_with_sixteen_of_which_the_best_is_trained_on(whole: Table) -> None:
    trainings = spent("dehb", whole, 4)
    assert [paid.level for paid in trainings[:17]] == [1] * 16 + [2]
    assert trainings[16].row == max(trainings[:16], key=lambda paid: paid.metric).row


def test_a_fidelity_of_dehb_stands_for_the_level_nearest_by_ratio() -> None:
    pytest.importorskip("dehb")
    from ranknosh.bench.dehb_evolution import nearest

    levels = (3, 10, 30, 100)
    assert [nearest(levels, 100 / 3**power) for power in (3, 2, 1, 0)] == [1, 2, 3, 4]
    assert [nearest((12, 200), epochs) for epochs in (12.5, 200.0)] == [1, 2]


def test_the_common_numbers_of_numpy_are_left_as_they_were() -> None:
    before, drawn = np.random.get_state()[1].tolist(), []  # noqa: NPY002
    for _ in range(2):
        with numpy_begun_with(7):
            drawn.append(np.random.random())  # noqa: NPY002
    assert drawn == [np.random.RandomState(7).random()] * 2
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_neps_promotes_the_best_that_rests_once_there_are_sixteen(whole: Table) -> None:
    trainings = spent("neps_asha", whole, 4)
    assert [paid.level for paid in trainings[:17]] == [1] * 16 + [2]
    assert trainings[16].row == max(trainings[:16], key=lambda paid: paid.metric).row


def test_a_search_ends_when_trials_cost_nothing_any_more(whole: Table) -> None:
    account, asked = Account(whole, 0), [0]

    def trial() -> bool:
        asked[0] += 1
        return account.ask(min(asked[0], 3), 1) is not None

    spend(account, trial)
    assert (account.spent, asked[0], reduction(account)) == (3 * 12, 3 + 200, 16)


@pytest.mark.parametrize(
    ("name", "module", "said"),
    [
        (
            "syne_tune_asha",
            "syne_tune",
            "package 'syne-tune', which is not installed; run: pip install 'ranknosh[bench]'",
        ),
        (
            "neps_hyperband",
            "neps",
            "package 'neural-pipeline-search', which is not installed; run: pip install neural-pipeline-search",
        ),
        ("dehb", "dehb", "package 'dehb', which is not installed; run: pip install dehb"),
    ],
)
def test_a_package_that_is_missing_is_named_before_anything_is_measured(name: str, module: str, said: str) -> None:
    script = f"""
import sys
sys.modules[{module!r}] = None
from ranknosh.bench.methods import checked
from ranknosh.errors import MissingDependency
try:
    checked(["random", {name!r}])
except MissingDependency as error:
    print(error)
"""
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.strip().endswith(said)


@pytest.mark.parametrize("name", ["optuna_tpe", "optuna_hyperband", "syne_tune_asha", "ray_tune_asha"])
def test_a_part_of_a_space_answers_by_the_nearest_it_lists(small: Table, name: str) -> None:
    """400 of 15,625 cells: about 1 in 40 of what is asked for is there."""
    pytest.importorskip(MODULES.get(name, "optuna"))
    accounts = [Account(small, seed, 3000) for seed in (4, 4, 5)]
    for account in accounts:
        method_of(name)(account)
        assert 2600 < account.spent <= 3000
    one, again, other = accounts
    assert one.trainings == again.trainings != other.trainings
    assert 0.8 < one.trajectory().outside == again.trajectory().outside <= 1


def test_densities_of_a_part_of_a_space_are_answered_by_the_nearest_it_lists(small: Table) -> None:
    """The first bracket of 17 and a third of what follows are drawn of what is listed."""
    accounts = [Account(small, 4, 6000) for _ in range(2)]
    for account in accounts:
        method_of("bohb")(account)
    one, again = accounts
    assert one.trainings == again.trainings
    assert 0.2 < one.trajectory().outside == again.trajectory().outside < 0.9


def test_ties_are_drawn_by_seed_and_options_and_what_is_listed_answers_itself(small: Table) -> None:
    listed = {small.space.chosen(one): row for row, one in enumerate(small.architectures)}
    lacking = next(
        cell for cell in small.space.enumerate() if cell.code not in listed and len(small.nearest(cell.code)) > 4
    )
    near = small.nearest(lacking.code).tolist()
    differing = [sum(a != b for a, b in zip(options, lacking.code, strict=True)) for options in listed]
    assert near == [row for row, many in enumerate(differing) if many == min(differing)]
    account = Account(small, 0)
    first = account.row_of(lacking.code)
    options, row = next(iter(listed.items()))
    assert account.row_of(options) == row
    assert account.row_of(lacking.code) == first == Account(small, 0).row_of(lacking.code)
    assert {Account(small, seed).row_of(lacking.code) for seed in range(100)} == set(near)


def test_a_whole_table_answers_all_that_is_asked_for(whole: Table) -> None:
    account = Account(whole, 4, 1000)
    method_of("optuna_halving")(account)
    assert account.trajectory().outside == 0


def test_a_result_says_how_much_the_nearest_answered(small: Table) -> None:
    def far(space: Space, results: Sequence[Result], rng: np.random.Generator) -> Architecture:
        return next(cell for cell in small.space.enumerate() if small.find(cell) is None)

    account = Account(small, 0, 1000)
    proposed(account, far, "far")
    assert account.trajectory().outside == 1
    row = method_row("far", [1000], [account.trajectory()], 0.1)
    assert row.outside == 1
    assert format_rows([row]).splitlines()[-1] == (
        "far: the table lacks 100 % of what it asked for; the nearest that is listed answered"
    )
    assert as_json([row], "any")["methods"][0]["outside"] == 1
