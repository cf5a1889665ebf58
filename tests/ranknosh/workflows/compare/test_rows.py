"""What runs add up to, against sums worked out by hand."""

import json
import math
from pathlib import Path

import pytest

from ranknosh.core.seeding import draw
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.nets import build_candidate, count_macs, count_params
from ranknosh.workflows.compare.records import CompareState, Cost, Final, SearchOutcome
from ranknosh.workflows.compare.rows import RunResult, Spread, as_dict, results_of, rows_of


def run(method, seed, validation, test=0.5, cost=10.0, epochs_of="candidates", text="|a~0|", **more):
    outcome = SearchOutcome(Architecture("s", (0,)), Cost(training=cost), cost, 4, epochs_of, 2, "done", Path("f"))
    final = None if validation is None else Final(validation, test, 3, 1.0)
    return RunResult(method, seed, outcome, text, "key", final, **more)


@pytest.mark.parametrize(
    ("values", "n", "mean", "error"),
    [
        ([1.0, 2.0, 6.0], 3, 3.0, math.sqrt(7.0) / math.sqrt(3)),  # squares 4 + 1 + 9 over 2
        ([1.0, None, 3.0], 2, 2.0, 1.0),
        ([5.0], 1, 5.0, None),
        ([None], 0, None, None),
        ([], 0, None, None),
    ],
)
def test_mean_and_standard_error(values, n, mean, error):
    found = Spread.of(values)
    assert (found.n, found.mean) == (n, mean)
    assert found.error == (None if error is None else pytest.approx(error))


def test_rows_are_sorted_by_validation_never_by_test():
    runs = [run("a", 0, 0.7, test=0.9), run("b", 0, 0.8, test=0.1), run("none", 0, None), run("a", 1, 0.72)]
    assert [row.method for row in rows_of(runs, 10.0)] == ["b", "a", "none"]


def test_cost_is_compared_with_the_budget():
    (row,) = rows_of([run("a", 0, 0.7, cost=9.0), run("a", 1, 0.7, cost=12.0)], 10.0)
    assert row.cost.mean == 10.5
    assert row.share == pytest.approx(1.05)
    assert row.part("training") == 10.5
    assert row.part("supernet") == 0


@pytest.mark.parametrize(
    ("of", "words"), [("candidates", "4 candidate epochs, 2 candidates"), ("supernet", "4 supernet epochs")]
)
def test_epochs_are_told_in_their_own_unit(of, words):
    assert rows_of([run("a", 0, 0.7, epochs_of=of)], 10.0)[0].work == words


def test_finds_are_listed_with_their_seeds():
    (row,) = rows_of([run("a", 0, 0.7), run("a", 1, 0.7, text="|b~0|"), run("a", 2, 0.7)], 10.0)
    assert row.finds == (("|a~0|", (0, 2)), ("|b~0|", (1,)))


def test_results_know_size_truth_and_final(parts, wanted, table):
    settings, images = wanted("m"), parts.task.data.facts
    found = draw(parts.space, 8, 0)[3]
    key = parts.space.canonical(found)
    final = Final(0.6, 0.5, 1, 2.0)
    outcome = SearchOutcome(found, Cost(other=1.0), 1.0, 1, "candidates", 1, "done", Path("f"))
    (result,) = results_of(CompareState({("m", 5): outcome}, {(key, 5): final}), settings, images, table)
    network = build_candidate(found, parts.task.size)
    assert (result.text, result.key, result.final) == (parts.space.format(found), key, final)
    assert result.params == count_params(network)
    assert result.macs == count_macs(network, parts.task.data.image_shape)
    assert result.truth == pytest.approx(0.503 + 0.005)  # 50.3 and 51.3 %
    (blind,) = results_of(CompareState({("m", 5): outcome}, {}), settings, images)
    assert (blind.truth, blind.final, blind.validation) == (None, None, None)


def test_a_table_that_does_not_hold_the_find_knows_nothing(parts, wanted, table):
    outcome = SearchOutcome(draw(parts.space, 20, 0)[15], Cost(), 1.0, 1, "candidates", 1, "done", Path("f"))
    (result,) = results_of(CompareState({("m", 5): outcome}, {}), wanted("m"), parts.task.data.facts, table)
    assert result.truth is None


def test_plain_data_is_json():
    rows = rows_of([run("a", 0, 0.7), run("a", 1, None)], 10.0)
    (row,) = json.loads(json.dumps(as_dict(rows), allow_nan=False))
    assert row["validation"] == {"n": 1, "mean": 0.7, "error": None}
    assert row["share_of_budget"] == 1.0
    assert [one["final"] is None for one in row["runs"]] == [False, True]
    assert row["runs"][0]["search"]["cost"]["training"] == 10.0
