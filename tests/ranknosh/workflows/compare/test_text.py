"""The table in words: every number with its error and unit, and what has to be said of it."""

from types import SimpleNamespace

import pytest

from ranknosh.workflows.compare.text import differences, markdown, p_text, terminal
from tests.ranknosh.workflows.compare.compare_rows import ACCURACY, CELL, rows_of, run

SETTINGS = SimpleNamespace(budget_seconds=10.0, whole_epochs=4)


@pytest.fixture
def rows():
    return rows_of(run("one", 0, 0.8), run("one", 1, 0.9), run("two", 0, 0.7), run("two", 1, 0.7))


def test_the_terminal_shows_every_column(rows):
    text = terminal(rows, SETTINGS, ACCURACY)
    lines = text.splitlines()
    assert lines[0] == "2 methods, 2 seeds each, 10 s of device time a search"
    head, first = lines[2], lines[3]
    for word in (
        "seeds",
        "validation accuracy (%)",
        "test accuracy (%)",
        "search cost (device s)",
        "of budget",
        "MACs",
    ):
        assert word in head
    assert " ".join(first.split()) == "one 2 85.00 ± 63.53 50.00 ± 0.00 10.0 ± 0.0 100 % 14.20 K 3.00 M"
    assert f"one  seeds 0, 1  {CELL}" in text
    assert "Work of a search: one 4 candidate epochs, 2 candidates; two 4" in text
    assert "sorted by validation, never by test" in text


def test_markdown_is_a_table_whose_bars_are_escaped(rows):
    lines = markdown(rows, SETTINGS, ACCURACY).splitlines()
    head, rule, first = lines[2:5]
    assert head.count("|") == rule.count("|") == 10
    assert first.replace("\\|", "").count("|") == 10
    assert first.startswith("| one | 2 | 85.00 ± 63.53 | 50.00 ± 0.00 | 10.0 ± 0.0 |")
    assert first.count("\\|") == CELL.count("|")


def test_markdown_shows_what_names_hold_and_obeys_nothing_in_it():
    text = markdown(rows_of(run("my:\x1b[2J\nx", 0, 0.5)), SETTINGS, ACCURACY)
    assert r"| my:\x1b[2J\nx |" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("cost", "share", "marked"), [(9.6, "96 %", False), (9.4, "94 % *", True), (10.6, "106 % *", True)]
)
def test_a_cost_far_from_the_budget_is_marked_with_its_reason(cost, share, marked):
    text = terminal(rows_of(run("one", 0, 0.8, cost=cost, ended="nothing left")), SETTINGS, ACCURACY)
    assert share in text
    assert ("further than 5 % from its budget: nothing left" in text) is marked


def test_missing_results_are_counted_and_explained():
    rows = rows_of(run("one", 0, 0.8), run("one", 1, None, failed="diverged: in epoch 2"))
    text = terminal(rows, SETTINGS, ACCURACY)
    assert "one: 1 of 2 seeds have a final result." in text
    assert "one, seed 1: diverged: in epoch 2" in text
    assert "Params and MACs (multiply-accumulates of one input) are means over the finds with a final result." in text


def test_a_shared_final_training_is_said():
    runs = [run("one", 0, 0.8, shared=("two",)), run("two", 0, 0.8, shared=("one",))]
    text = terminal(rows_of(*runs), SETTINGS, ACCURACY)
    assert text.count("Seed 0: one, two found the same function, which was trained once.") == 1


def test_the_table_s_accuracy_is_in_percent_and_has_a_column_where_it_knows_something(rows):
    known = rows_of(run("one", 0, 0.8, truth=0.91), run("one", 1, 0.8, truth=0.93))
    for written in (terminal, markdown):
        text = written(known, SETTINGS, ACCURACY)
        assert "92.00 ± 12.71" in text
        assert "never seen by a search" in text
        assert "table (%)" in text
        assert "table" not in written(rows, SETTINGS, ACCURACY)


def test_differences_are_said_in_words_with_their_interval():
    """Differences of 7.5, 8.5, 9 and 7 points: their mean is 8, squares of deviations add up to 2.5, so the standard error is
    sqrt(2.5 / 3 / 4) = 0.456, t = 17.5 with 3 degrees of freedom and the interval 3.182 times as far."""
    good = [run("good", seed, 0.9, test=0.6 + gap) for seed, gap in enumerate((0.075, 0.085, 0.09, 0.07))]
    same = [run("same", seed, 0.8, test=test) for seed, test in enumerate((0.61, 0.58, 0.62, 0.6))]
    rows = rows_of(*good, *same, *(run("random", seed, 0.7, test=0.6) for seed in range(4)))
    found = {tuple(line[:2]): line[2:] for line in differences(rows)}
    assert list(found) == [("good", "random"), ("same", "random"), ("same", "good"), ("random", "good")]
    assert found["good", "random"] == ["+8.00", "+6.55 to +9.45", "< 0.001", "< 0.001", "better"]
    assert found["same", "random"][-1] == "not distinguishable with 4 seeds"
    assert found["random", "good"][-1] == "worse"
    for text in (terminal(rows, SETTINGS, ACCURACY), markdown(rows, SETTINGS, ACCURACY)):
        assert "Differences of test accuracy (%)" in text
        assert "not distinguishable with 4 seeds" in text
        assert "paired by seed; Holm" in text
        assert "Mean ranks over 4 seeds (1 is best): good 1.00" in text


def test_fewer_seeds_than_tests_and_ranks_need_are_said():
    text = terminal(rows_of(run("one", 0, 0.8), run("random", 0, 0.7)), SETTINGS, ACCURACY)
    assert "not testable with 1 seed" in text
    assert "Ranks need 3 seeds" in text
    alone = terminal(rows_of(run("random", 0, 0.7)), SETTINGS, ACCURACY)
    assert "Differences" not in alone


@pytest.mark.parametrize(("p", "text"), [(0.0312, "0.031"), (0.0009, "< 0.001"), (None, "n/a")])
def test_a_p_value_has_three_digits(p, text):
    assert p_text(p) == text
