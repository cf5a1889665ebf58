"""What runs add up to, against sums worked out by hand."""

import json
import math
from dataclasses import replace

import pytest

from ranknosh.config.units import Quantity
from ranknosh.core.seeding import draw
from ranknosh.spaces.base import Architecture
from ranknosh.workflows.compare.records import CompareState, Cost, Searched, Trained
from ranknosh.workflows.compare.rows import Row, RunResult, Spread, as_dict, findings_of, rows_of

ACCURACY = Quantity("accuracy", True, "%")


def run(method, seed, validation, test=0.5, cost=10.0, epochs_of="candidates", text="|a~0|", **more):
    search = Searched(method, seed, Architecture("s", (0,)), Cost(training=cost), cost, 4, epochs_of, 2, "done")
    final = None if validation is None else Trained("key", seed, 3, validation, test, 1.0)
    return RunResult(search, text, "key", final, **more)


def row_of(*runs, budget=10.0):
    return Row(runs[0].search.method, runs, budget, ACCURACY)


def searched(seed, found):
    return Searched("m", seed, found, Cost(other=1.0), 1.0, 1, "candidates", 1, "done")


@pytest.mark.parametrize(
    ("values", "n", "mean", "error", "quantile"),
    [
        ([1.0, 2.0, 6.0], 3, 3.0, math.sqrt(7.0) / math.sqrt(3), 4.302653),  # squares 4 + 1 + 9 over 2
        ([1.0, None, 3.0], 2, 2.0, 1.0, 12.706205),
        ([5.0], 1, 5.0, None, None),
        ([None], 0, None, None, None),
        ([], 0, None, None, None),
    ],
)
def test_mean_standard_error_and_interval(values, n, mean, error, quantile):
    """The quantiles are those of a printed table of t, for one degree of freedom less than values."""
    found = Spread.of(values)
    assert (found.n, found.mean) == (n, mean)
    assert found.error == (None if error is None else pytest.approx(error))
    assert found.margin == (None if error is None else pytest.approx(quantile * error, rel=1e-6))


def test_methods_are_compared_on_test_with_the_best_by_validation():
    """``a`` is first by validation and worse on test."""
    rows = [
        row_of(*(run("a", seed, 0.9, 0.5 + 0.01 * seed) for seed in range(3))),
        row_of(*(run("random", seed, 0.8, 0.6 + 0.02 * seed) for seed in range(3))),
    ]
    found = findings_of(rows)
    assert (found.part, found.best) == ("test", "a")
    assert [(gap.method, gap.other) for gap in found.differences] == [("a", "random"), ("random", "a")]
    assert found.against("a", "random").mean == pytest.approx(0.51 - 0.62)
    assert findings_of([row_of(run("random", 0, None))]) is None
    untested = [row_of(run("random", 0, 0.7, test=None)), row_of(run("a", 0, 0.6, test=None))]
    assert findings_of(untested).part == "validation"


def test_rows_are_sorted_by_validation_never_by_test(parts, wanted):
    drawn, state = draw(parts.recipe.space, 4, 0), CompareState()
    for method, found, accuracies in (("a", 0, (0.7, 0.9)), ("b", 1, (0.8, 0.1)), ("c", 2, ()), ("random", 3, (0.7,))):
        state.apply(replace(searched(5, drawn[found]), method=method))
        state.apply(Trained(parts.recipe.space.canonical(drawn[found]), 5, 1, *accuracies))
    assert [row.method for row in rows_of(state, wanted("random", "c", "b", "a"), ACCURACY)] == [
        "b",
        "a",
        "random",
        "c",
    ]


def test_cost_is_compared_with_the_budget():
    row = row_of(run("a", 0, 0.7, cost=9.0), run("a", 1, 0.7, cost=12.0))
    assert row.spread("cost").mean == 10.5
    assert row.share == pytest.approx(1.05)
    assert row.part("training") == 10.5
    assert row.part("supernet") == 0


@pytest.mark.parametrize(
    ("of", "words"), [("candidates", "4 candidate epochs, 2 candidates"), ("supernet", "4 supernet epochs")]
)
def test_epochs_are_told_in_their_own_unit(of, words):
    assert row_of(run("a", 0, 0.7, epochs_of=of)).work == words


def test_finds_are_listed_with_their_seeds():
    row = row_of(run("a", 0, 0.7), run("a", 1, 0.7, text="|b~0|"), run("a", 2, 0.7))
    assert row.finds == {"|a~0|": "seeds 0, 2", "|b~0|": "seed 1"}


def test_results_know_truth_and_final(parts, wanted, table):
    found = draw(parts.recipe.space, 8, 0)[3]
    key = parts.recipe.space.canonical(found)
    state = CompareState.of([searched(5, found), final := Trained(key, 5, 1, 0.6, 0.5, 2.0, 100, 1000)])
    (row,) = rows_of(state, wanted("m"), ACCURACY, table)
    (result,) = row.runs
    assert (result.text, result.key, result.final) == (parts.recipe.space.format(found), key, final)
    truth = pytest.approx(0.503 + 0.005)  # 50.3 and 51.3 %
    known = {"validation": 0.6, "test": 0.5, "params": 100, "macs": 1000, "cost": 1.0}
    assert result.numbers == {**known, "truth": truth}
    ((blind,),) = (row.runs for row in rows_of(CompareState.of([searched(5, found)]), wanted("m"), ACCURACY))
    assert blind.numbers == {**dict.fromkeys(result.numbers), "cost": 1.0}


def test_a_table_that_does_not_hold_the_find_knows_nothing(parts, wanted, table):
    state = CompareState.of([searched(5, draw(parts.recipe.space, 20, 0)[15])])
    assert [row.spread("truth").n for row in rows_of(state, wanted("m"), ACCURACY, table)] == [0]


def test_plain_data_is_json():
    (row,) = json.loads(json.dumps(as_dict([row_of(run("a", 0, 0.7), run("a", 1, None))]), allow_nan=False))
    assert row["validation"] == {"n": 1, "mean": 0.7, "error": None, "margin": None}
    assert row["share_of_budget"] == 1.0
    assert [one["final"] is None for one in row["runs"]] == [False, True]
    assert row["runs"][0]["search"]["cost"]["training"] == 10.0
