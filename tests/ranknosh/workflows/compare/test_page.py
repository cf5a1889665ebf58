"""The page: one file with every picture and number, the same bytes for the same results."""

import json
from dataclasses import replace

import pytest

from ranknosh.core.records import Session
from ranknosh.runs.journal import FORMAT, Header, chained
from ranknosh.workflows import open_run
from ranknosh.workflows.compare.page import render
from ranknosh.workflows.compare.records import Trained
from ranknosh.workflows.compare.rows import rows_of
from tests.pages import read_page

SESSION = Session(1, host_cores=2, device="cpu", command="ranknosh c <x>", versions={"torch": "2"})


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
            key = parts.space.canonical(searched.architecture)
            records += [searched, Trained(key, seed, 1, 0.5 + 0.1 * place, 0.4, 1.0)]
    settings, facts = wanted("one", "random").to_dict(), {"space": parts.space.name}
    command = "ranknosh compare <x>"
    header = Header(FORMAT, "compare", "c-1", "2026", command, settings, parts.task.data.facts, facts, {"torch": "2"})
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


def test_equal_results_give_equal_bytes(folder, view):
    assert render(**view) == open_run(folder).page()


def test_everything_is_on_it(view):
    page = read_page(render(**{**view, "name": "my <comparison>"}))
    assert page.sections == ["table", "accuracy", "cost", "cells", "runs", "origin"]
    assert page.count("svg") == 2 + 4  # accuracy, cost, four cells
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


def test_a_comparison_without_results_says_so(view):
    page = read_page(render(**{**view, "rows": ()}))
    assert page.sections == ["table", "accuracy", "cost", "cells", "runs", "origin"]
    assert page.words.count("n/a") >= 4
    assert page.count("svg") == 0


def test_hostile_names_stay_text(view):
    bad = "<script>&$x^$"
    first = view["rows"][0]
    search = replace(first.runs[0].search, method=bad, ended=bad)
    rows = (replace(first, method=bad, runs=(replace(first.runs[0], text=bad, search=search),)),)
    header = replace(view["header"], facts={"space": bad}, git=bad, command=bad, versions={bad: bad})
    settings = view["settings"].model_copy(update={"table": bad})
    page = read_page(render(bad, header, view["sessions"], settings, rows))
    assert "<script" not in page.source
    assert page.words.count(bad) >= 14


def test_true_accuracy_has_a_picture_where_a_table_knows_it(view, table, folder):
    rows = rows_of(open_run(folder).state, view["settings"], table)
    assert "true accuracy (%) by the table" not in render(**view)
    assert "true accuracy (%) by the table" in render(**{**view, "rows": rows})


def test_the_files_hold_the_same_numbers(folder, view):
    run = open_run(folder)
    assert run.report().read_text() == render(**view)
    found = json.loads((folder / "results.json").read_text())
    assert found == json.loads(json.dumps(run.results()))
    assert [row["method"] for row in found["rows"]] == ["random", "one"]
    assert found["rows"][0]["validation"]["mean"] == pytest.approx(0.6)
    assert found["settings"] == {"budget": "1m", "final_epochs": 1}
    table = (folder / "table.md").read_text()
    assert table.index("| random |") < table.index("| one |")


def test_a_table_that_is_gone_leaves_true_accuracies_unknown(folder, tmp_path):
    run = open_run(folder)
    run.settings = run.settings.model_copy(update={"table": str(tmp_path / "gone.npz")})
    assert [row.spread("truth").n for row in run.rows] == [0, 0]
