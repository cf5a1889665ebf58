"""The table in words: every number with its error and unit, and what has to be said of it."""

from types import SimpleNamespace

import pytest

from ranknosh.spaces.base import Architecture
from ranknosh.workflows.compare.records import Cost, Searched, Trained
from ranknosh.workflows.compare.rows import Row, RunResult
from ranknosh.workflows.compare.text import markdown, terminal

SETTINGS = SimpleNamespace(budget_seconds=10.0, whole_epochs=4)
CELL = "|skip_connect~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"


def run(method, seed, validation, cost=10.0, failed=None, ended="done", **known):
    search = Searched(method, seed, Architecture("s", (0,)), Cost(training=cost), 1.0, 4, "candidates", 2, ended)
    test = None if validation is None else 0.5
    final = Trained("key", seed, 4, validation, test, 1.0, 14_200, 3_000_000, failed)
    return RunResult(search, CELL, "key", final, **known)


def rows_of(*runs):
    methods = dict.fromkeys(each.search.method for each in runs)
    return [Row(method, tuple(each for each in runs if each.search.method == method), 10.0) for method in methods]


@pytest.fixture
def rows():
    return rows_of(run("one", 0, 0.8), run("one", 1, 0.9), run("two", 0, 0.7), run("two", 1, 0.7))


def test_the_terminal_shows_every_column(rows):
    text = terminal(rows, SETTINGS)
    lines = text.splitlines()
    assert lines[0] == "2 methods, 2 seeds each, 10 s of device time a search"
    head, first = lines[2], lines[3]
    for word in (
        "seeds",
        "validation (%)",
        "test (%)",
        "true accuracy (%)",
        "search cost (device s)",
        "of budget",
        "MACs",
    ):
        assert word in head
    assert " ".join(first.split()) == "one 2 85.00 ± 5.00 50.00 ± 0.00 n/a 10.0 ± 0.0 100 % 14.20 K 3.00 M"
    assert f"one  seeds 0, 1  {CELL}" in text
    assert "Work of a search: one 4 candidate epochs, 2 candidates; two 4" in text
    assert "sorted by validation, never by test" in text


def test_markdown_is_a_table_whose_bars_are_escaped(rows):
    lines = markdown(rows, SETTINGS).splitlines()
    head, rule, first = lines[2:5]
    assert head.count("|") == rule.count("|") == 11
    assert first.replace("\\|", "").count("|") == 11
    assert first.startswith("| one | 2 | 85.00 ± 5.00 | 50.00 ± 0.00 | n/a |")
    assert first.count("\\|") == CELL.count("|")


@pytest.mark.parametrize(
    ("cost", "share", "marked"), [(9.0, "90 %", False), (8.8, "88 % *", True), (11.2, "112 % *", True)]
)
def test_a_cost_far_from_the_budget_is_marked_with_its_reason(cost, share, marked):
    text = terminal(rows_of(run("one", 0, 0.8, cost=cost, ended="nothing left")), SETTINGS)
    assert share in text
    assert ("further than 10 % from its budget: nothing left" in text) is marked


def test_missing_results_are_counted_and_explained():
    rows = rows_of(run("one", 0, 0.8), run("one", 1, None, failed="diverged: in epoch 2"))
    text = terminal(rows, SETTINGS)
    assert "one: 1 of 2 seeds have a final result." in text
    assert "one, seed 1: diverged: in epoch 2" in text
    assert "Params and MACs are means over the cells with a final result." in text


def test_a_shared_final_training_is_said():
    runs = [run("one", 0, 0.8, shared=("two",)), run("two", 0, 0.8, shared=("one",))]
    text = terminal(rows_of(*runs), SETTINGS)
    assert text.count("Seed 0: one, two found the same function, which was trained once.") == 1


def test_the_table_s_accuracy_is_in_percent():
    text = terminal(rows_of(run("one", 0, 0.8, truth=0.91), run("one", 1, 0.8, truth=0.93)), SETTINGS)
    assert "92.00 ± 1.00" in text
    assert "never seen by a search" in text
