"""Methods times seeds: everything once, kept over interruptions, under the settings the comparison began with."""

import dataclasses

import pytest

from ranknosh.errors import BudgetTooSmall, ConfigError, DataError, StoreFull
from ranknosh.workflows.compare.comparison import check_images, check_same, header_of, run_comparison
from ranknosh.workflows.compare.journal import ComparisonJournal
from ranknosh.workflows.compare.rows import results_of, rows_of


@pytest.fixture
def compare(problem, wanted, heard, tmp_path):
    """Runs a comparison of two seeds in one folder, as often as it is called; gives back what the journal holds."""

    def call(*methods, home="c", **changes):
        asked = wanted(*(method.name for method in methods), **changes)
        folder = tmp_path / home
        begun = (folder / "comparison.jsonl").exists()
        opened = (
            ComparisonJournal.open(folder) if begun else ComparisonJournal.create(folder, header_of(asked, problem, ""))
        )
        with opened as journal:
            run_comparison(journal, asked, {method.name: method for method in methods}, problem, heard)
            return journal.kept

    return call


def figures(kept, pairs, problem):
    return [(run.method, run.seed, run.text, run.validation, run.test) for run in results_of(kept, pairs, problem)]


def test_every_seed_is_searched_once_without_test_images(compare, answering):
    first, second = answering("one", {5: 0, 6: 1}), answering("two", {5: 2, 6: 3})
    kept = compare(first, second)
    assert first.asked == second.asked == [(5, 0, None), (6, 0, None)]
    assert list(kept.searched) == [("one", 5), ("two", 5), ("one", 6), ("two", 6)]
    assert len(kept.trained) == 4
    assert all(final.test is not None for final in kept.trained.values())


def test_a_comparison_that_ran_is_not_run_again(compare, answering):
    before = compare(answering("one", {5: 0, 6: 1}))
    again = answering("one", {5: 0, 6: 1})
    assert compare(again).searched == before.searched
    assert again.asked == []


@pytest.mark.parametrize("stop_at", [1, 2])
def test_an_interrupted_comparison_ends_in_the_same_table(compare, answering, problem, wanted, stop_at):
    answers = ({5: 0, 6: 1}, {5: 2, 6: 3})
    pairs = wanted("one", "two").pairs
    whole = compare(answering("one", answers[0]), answering("two", answers[1]), home="whole")
    with pytest.raises(KeyboardInterrupt):
        compare(answering("one", answers[0]), answering("two", answers[1], stop_at=stop_at))
    kept = compare(answering("one", answers[0]), answering("two", answers[1]))
    assert figures(kept, pairs, problem) == figures(whole, pairs, problem)
    assert kept.searched == whole.searched


def test_one_function_found_twice_is_trained_once(compare, answering, problem, wanted):
    kept = compare(answering("one", {5: 0, 6: 1}), answering("two", {5: 0, 6: 2}))
    assert len(kept.trained) == 3
    runs = results_of(kept, wanted("one", "two").pairs, problem)
    assert [run.shared for run in runs] == [("two",), ("one",), (), ()]
    assert runs[0].final == runs[1].final


def test_a_search_that_fails_is_charged_and_found_nothing(compare, answering, problem, heard, wanted):
    broken = answering("broken", {}, error=BudgetTooSmall("too little of it"))
    kept = compare(broken, answering("one", {5: 0, 6: 1}))
    outcome = kept.searched["broken", 5]
    assert outcome.architecture is None
    assert outcome.cost.failed == outcome.cost.total
    assert "too little of it" in outcome.ended
    assert any("broken, seed 5" in text for text in heard.messages)
    assert [row.method for row in rows_of(results_of(kept, wanted("broken", "one").pairs, problem), 60.0)] == [
        "one",
        "broken",
    ]


def test_a_full_disk_ends_it(compare, answering):
    with pytest.raises(StoreFull):
        compare(answering("full", {}, error=StoreFull("the disk is full")))
    assert list(compare(answering("full", {5: 0, 6: 0})).searched) == [("full", 5), ("full", 6)]


def test_methods_and_seeds_may_be_added(compare, answering):
    compare(answering("one", {5: 0, 6: 1}))
    first, second = answering("one", {7: 2}), answering("two", {5: 0, 6: 1, 7: 3})
    kept = compare(first, second, seeds=3)
    assert [seed for seed, *_ in first.asked] == [7]
    assert [seed for seed, *_ in second.asked] == [5, 6, 7]
    assert len(kept.sessions) == 2


def test_who_watches_hears_budget_and_time_left(compare, answering, heard):
    compare(answering("one", {5: 0, 6: 1}), answering("two", {5: 2, 6: 3}))
    first = heard.standings[0]
    assert (first.method, first.seed, first.number, first.total, first.phase) == ("one", 5, 1, 4, "search")
    assert (first.spent, first.budget, first.left) == (0, 60, 240)
    spent = [standing for standing in heard.standings if standing.spent == 60]
    assert [standing.number for standing in spent] == [1, 2, 3, 4]
    assert 180 <= spent[0].left < spent[0].left + 1
    assert spent[1].left > 120  # final trainings are expected to go on taking what they took
    assert any(standing.phase == "final training" and standing.text == "epoch 1 of 1" for standing in heard.standings)


@pytest.fixture
def begun(problem, wanted):
    asked = wanted("one", "random")
    return header_of(asked, problem, ""), [{"methods": ["one", "random"], "seeds": 2}]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"budget_seconds": 61.0}, "--budget was 1m"),
        ({"final_epochs": 2}, "--final-epochs was 1"),
        ({"methods": ("random",)}, "--methods"),
        ({"seeds": 1}, "--seeds was 2"),
    ],
)
def test_another_setting_is_refused_by_name(begun, wanted, changes, field):
    check_same(*begun, wanted("one", "random"))
    with pytest.raises(ConfigError, match=field):
        check_same(*begun, wanted("one", "random", **changes))


@pytest.mark.parametrize("override", ["network.channels=8", "seed=6", "train.lr=0.2", "pyramid.epochs=[1, 3]"])
def test_another_config_is_refused_by_name(begun, wanted, config, override):
    with pytest.raises(ConfigError, match=override.split("=")[0].replace(".", r"\.")):
        check_same(*begun, wanted("one", "random", config=config.replace([override])))


def test_where_it_lies_may_change(begun, wanted, config):
    check_same(*begun, wanted("one", "random", config=config.replace(["name=other", "out=elsewhere/"])))


def test_other_images_are_refused(begun, problem):
    data = dataclasses.replace(problem.data, name="others", classes=tuple(reversed(problem.data.classes)))
    check_images(begun[0], problem)
    with pytest.raises(DataError, match="others"):
        check_images(begun[0], dataclasses.replace(problem, data=data))
