"""The page: one file with every picture and number, the same bytes for the same results."""

import json

import pytest

from ranknosh.workflows.compare.comparison import header_of
from ranknosh.workflows.compare.journal import Kept
from ranknosh.workflows.compare.outputs import write_outputs
from ranknosh.workflows.compare.page import render
from ranknosh.workflows.compare.rows import results_of, rows_of
from tests.pages import read_page

SESSION = {
    "methods": ["one", "random"],
    "seeds": 2,
    "table": None,
    "device": "cpu",
    "host_cores": 2,
    "command": "ranknosh c <x>",
}


@pytest.fixture
def known(problem, wanted, answering, tmp_path):
    """Rows of two methods and two seeds, with header and sessions."""
    from ranknosh.workflows.compare.final import Final

    asked = wanted("one", "random")
    kept = Kept(header_of(asked, problem, "ranknosh compare <x>"), [SESSION])
    for place, method in enumerate((answering("one", {5: 0, 6: 1}), answering("random", {5: 2, 6: 3}))):
        for seed in (5, 6):
            outcome = method.search(problem.for_search(), 60.0, seed, tmp_path, type("L", (), {"on_spent": print})())
            kept.searched[method.name, seed] = outcome
            key = problem.space.canonical(outcome.architecture)
            kept.trained[key, seed] = Final(0.5 + 0.1 * place, 0.4, 1, 1.0)
    return kept, rows_of(results_of(kept, asked.pairs, problem), 60.0)


def test_equal_results_give_equal_bytes(known):
    kept, rows = known
    assert render("c", kept.header, kept.sessions, rows) == render("c", kept.header, kept.sessions, rows)


def test_everything_is_on_it(known):
    kept, rows = known
    page = read_page(render("my <comparison>", kept.header, kept.sessions, rows))
    assert page.sections == ["table", "accuracy", "cost", "cells", "runs", "origin"]
    assert page.count("svg") == 2 + 4  # accuracy, cost, four cells
    assert "<x>" not in page.source
    for text in (
        "my <comparison>",
        "ranknosh compare <x>",
        "60.00",
        "50.00",
        "95 % of the budget",
        "random search",
        "answered",
    ):
        assert text in page.words
    assert "training of candidates" in page.source
    for row in rows:
        for text, (seed,) in row.finds:
            assert f"{row.method} seed {seed} {text}" in page.words
            assert f"{row.method} (seed {seed})" in page.words


def test_a_comparison_without_results_says_so(known):
    kept, _ = known
    page = read_page(render("c", kept.header, kept.sessions, ()))
    assert page.sections == ["table", "accuracy", "cost", "cells", "runs", "origin"]
    assert page.words.count("n/a") >= 4
    assert page.count("svg") == 0


def test_hostile_names_stay_text(known):
    from dataclasses import replace

    kept, rows = known
    bad = "<script>&$x^$"
    outcome = replace(rows[0].runs[0].outcome, ended=bad, folder=bad)
    rows = (replace(rows[0], method=bad, runs=(replace(rows[0].runs[0], method=bad, text=bad, outcome=outcome),)),)
    header = {
        **kept.header,
        "space": bad,
        "git": bad,
        "command": bad,
        "versions": {bad: bad},
        "config": {**kept.header["config"], bad: bad},
    }
    page = read_page(render(bad, header, [{**SESSION, "device": bad, "table": bad}], rows))
    assert "<script" not in page.source
    assert page.words.count(bad) >= 16


def test_true_accuracy_has_a_picture_where_a_table_knows_it(known, problem, config, table, wanted):
    from ranknosh.workflows.compare.problem import problem_of

    kept, rows = known
    told = rows_of(results_of(kept, wanted("one", "random").pairs, problem_of(config, table, problem.data)), 60.0)
    assert "true accuracy (%) by the table" not in render("c", kept.header, kept.sessions, rows)
    assert "true accuracy (%) by the table" in render("c", kept.header, kept.sessions, told)


def test_the_files_hold_the_same_numbers(known, tmp_path):
    kept, rows = known
    write_outputs(tmp_path, kept.header, kept.sessions, rows)
    found = json.loads((tmp_path / "results.json").read_text())
    assert [row["method"] for row in found["rows"]] == ["random", "one"]
    assert found["rows"][0]["validation"]["mean"] == pytest.approx(0.6)
    assert (tmp_path / "table.md").read_text().index("| random |") < (tmp_path / "table.md").read_text().index(
        "| one |"
    )
    assert (tmp_path / "report.html").read_text() == render(tmp_path.name, kept.header, kept.sessions, rows)
