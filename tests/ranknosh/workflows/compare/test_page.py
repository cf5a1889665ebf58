"""The page: one file with every picture and number, the same bytes for the same results."""

import json
from dataclasses import replace
from itertools import islice
from types import SimpleNamespace

import pytest

from ranknosh.core.records import Session
from ranknosh.runs.journal import FORMAT, Header, chained
from ranknosh.workflows import open_run
from ranknosh.workflows.compare.page import MOST_OPEN, render
from ranknosh.workflows.compare.records import Trained
from ranknosh.workflows.compare.rows import rows_of
from tests.browser import check_page
from tests.pages import read_page

SESSION = Session(1, host_cores=2, device="cpu", command="ranknosh c <x>", versions={"torch": "2"})

RANKED = {"metrics": {"accuracy": {"higher": True, "unit": "%"}}, "ranked": "accuracy"}


@pytest.fixture(scope="module")
def folder(parts, wanted, tmp_path_factory):
    """A comparison of two methods and two seeds that has ended."""
    from tests.ranknosh.workflows.compare.compare_samples import Answering

    folder = tmp_path_factory.mktemp("compared") / "c"
    folder.mkdir()
    records = [SESSION]
    for place, method in enumerate((Answering("one", {5: 0, 6: 1}), Answering("random", {5: 2, 6: 3}))):
        for seed in (5, 6):
            searched = method.outcome(seed, 60.0)
            key = parts.recipe.space.canonical(searched.architecture)
            records += [searched, Trained(key, seed, 1, 0.5 + 0.1 * place, 0.4, 1.0)]
    settings, facts = wanted("one", "random").to_dict(), {"space": parts.recipe.space.name, **RANKED}
    command = "ranknosh compare <x>"
    header = Header(FORMAT, "compare", "c-1", "2026", command, settings, parts.recipe.data.facts, facts, {"torch": "2"})
    (folder / "journal.jsonl").write_bytes(chained([header, *records], 1.0)[0])
    return folder


@pytest.fixture
def view(folder):
    run = open_run(folder)
    return {
        "name": folder.name,
        "header": run.header,
        "sessions": run.sessions,
        "settings": run.settings,
        "rows": run.rows,
    }


def shown(view):
    """The page of a run with the fields of ``view``."""
    return render(SimpleNamespace(**view), view["settings"], view["rows"])


def test_equal_results_give_equal_bytes(folder, view):
    assert shown(view) == open_run(folder).page()


def test_everything_is_on_it(view):
    page = read_page(shown({**view, "name": "my <comparison>"}))
    assert page.sections == ["table", "final", "differences", "anytime", "cost", "cells", "runs", "origin"]
    assert page.count("svg") == 3 + 4  # accuracy, its course, cost, four cells
    assert "<x>" not in page.source
    for text in (
        "my <comparison>",
        "ranknosh c <x>",
        "60.00",
        "50.00",
        "95 % of the budget",
        "random search",
        "answered",
    ):
        assert text in page.words
    assert "training of candidates" in page.source
    for row in view["rows"]:
        for text, seed in row.finds.items():
            assert f"{row.method} {seed} {text}" in page.words
            assert f"{row.method} ({seed})" in page.words


def test_ranks_of_three_seeds_are_drawn_with_their_critical_difference(view):
    rows = [replace(row, runs=tuple(again(run, seed) for seed, run in enumerate(row.runs * 2))) for row in view["rows"]]
    page = read_page(shown({**view, "rows": rows}))
    assert page.count("svg") == 3 + 4 + 1
    assert "critical difference of 0.98" in page.words  # 1.960 sqrt(2 * 3 / (6 * 4))
    assert "Overlapping bars tell nothing of a difference" in page.words


def test_a_table_has_its_columns_where_it_knows_something(view):
    for name, said in ((None, 0), ("t.npz", 3)):  # in the origin, and over both tables
        truth = None if name is None else 0.9
        rows = [replace(row, runs=tuple(replace(run, truth=truth) for run in row.runs)) for row in view["rows"]]
        settings = view["settings"].model_copy(update={"table": name})
        source = render(SimpleNamespace(**{**view, "rows": rows, "settings": settings}), settings, rows)
        assert sum(source.count(word) for word in (">table<", ">table (%)<")) == said


def test_many_drawings_are_folded_away(view):
    space, row = view["settings"].space.make(), view["rows"][0]
    texts = [space.format(each) for each in islice(space.enumerate(), MOST_OPEN + 1)]
    runs = [replace(again(row.runs[0], seed), text=text) for seed, text in enumerate(texts)]
    open_one, folded = (
        shown({**view, "rows": (replace(row, runs=tuple(some)),)}).count("<details") for some in (runs[1:], runs)
    )
    assert folded == open_one + 1


def again(run, seed):
    return replace(run, search=replace(run.search, seed=seed))


def test_the_course_of_a_search_is_drawn_where_its_journal_has_one(view):
    row, *others = view["rows"]
    runs = [replace(run, curve=((10.0, 0.4), (30.0 + place, 0.7))) for place, run in enumerate(row.runs)]
    drawn, without = shown({**view, "rows": (replace(row, runs=tuple(runs)), *others)}), shown(view)
    assert "validation accuracy of the best candidate" in without
    assert len(drawn) > len(without)


def test_a_comparison_without_results_says_so(view):
    page = read_page(shown({**view, "rows": ()}))
    assert page.sections == ["table", "final", "differences", "anytime", "cost", "cells", "runs", "origin"]
    assert page.words.count("n/a") >= 4
    assert page.count("svg") == 0


def test_hostile_names_stay_text(view):
    bad = "<script>&$x^$"
    first = view["rows"][0]
    search = replace(first.runs[0].search, method=bad, ended=bad)
    rows = (replace(first, method=bad, runs=(replace(first.runs[0], text=bad, search=search),)),)
    header = replace(view["header"], facts={"space": bad, **RANKED}, git=bad, command=bad, versions={bad: bad})
    settings = view["settings"].model_copy(update={"table": bad})
    page = read_page(shown({**view, "name": bad, "header": header, "settings": settings, "rows": rows}))
    assert "<script" not in page.source
    assert page.words.count(bad) >= 14


def test_true_accuracy_has_a_picture_where_a_table_knows_it(view, table, folder):
    rows = rows_of(open_run(folder).state, view["settings"], open_run(folder).metric, table)
    assert "in the table of" not in shown(view)
    assert "in the table of unnamed data (%)" in shown({**view, "rows": rows})


def test_the_files_hold_the_same_numbers(folder, view):
    run = open_run(folder)
    assert run.report().read_text() == shown(view)
    found = json.loads((folder / "results.json").read_text())
    assert found == json.loads(json.dumps(run.results()))
    assert [row["method"] for row in found["rows"]] == ["random", "one"]
    assert found["rows"][0]["validation"]["mean"] == pytest.approx(0.6)
    assert found["findings"]["differences"][0]["method"] == "one"
    assert (folder / "table.csv").read_text().startswith("method,seeds,validation_mean,validation_margin")
    assert (folder / "table.tex").read_text().startswith(r"\begin{tabular}{lrrrrr}")
    assert found["settings"] == {"budget": "1m", "final_epochs": 1}
    table = (folder / "table.md").read_text()
    assert table.index("| random |") < table.index("| one |")


def test_a_table_that_is_gone_leaves_true_accuracies_unknown(folder, tmp_path):
    run = open_run(folder)
    run.settings = run.settings.model_copy(update={"table": str(tmp_path / "gone.npz")})
    assert [row.spread("truth").n for row in run.rows] == [0, 0]


@pytest.mark.slow
def test_a_browser_shows_it(browser, view, tmp_path):
    check_page(browser, shown(view), tmp_path)
