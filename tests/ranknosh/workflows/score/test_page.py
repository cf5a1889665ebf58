"""The page of a table of scores: the same for the same rows, and what is on it."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from ranknosh.config.score import ScoreSettings
from ranknosh.core.records import Session
from ranknosh.runs.journal import FORMAT, Header
from ranknosh.workflows.score.page import render
from ranknosh.workflows.score.rows import Results, ScoreRow
from tests.browser import check_page
from tests.pages import read_page

TEXT = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"
NAMES = ("params", "synflow", "nwot", "swap")


@pytest.fixture
def results(make_settings: Callable[..., ScoreSettings], make_rows: Callable[..., list[ScoreRow]]) -> Results:
    rng = np.random.default_rng(0)
    columns: dict[str, list[float | None]] = {name: rng.random(12).tolist() for name in NAMES}
    columns["nwot"][3] = None
    rows = make_rows(columns, truth=rng.random(12).tolist())
    return Results(make_settings([TEXT], NAMES), tuple(rows), True)


def shown(results: Results) -> str:
    header = Header(FORMAT, "score", "s-1", "2026", "", {}, {}, {}, {"torch": "2"})
    sessions = [Session(1, 2, "cpu", "ranknosh score")]
    return render(
        SimpleNamespace(header=header, sessions=sessions, settings=results.settings, table_data="CIFAR-10"), results
    )


def test_it_has_every_section_and_a_picture_in_each_but_two(results: Results) -> None:
    source = shown(results)
    page = read_page(source)
    assert page.sections == ["summary", "proxies", "ranks", "truth", "origin"]
    assert page.count("svg") == 3
    assert [attrs["id"] for attrs in page.all("section") if "class" in attrs] == ["proxies", "ranks"]
    assert shown(results) == source


def test_it_shows_every_proxy_and_how_it_was_made(results: Results) -> None:
    page = read_page(shown(results))
    for name in NAMES:
        assert f"{name} higher 1" in page.words
    assert "1 × no nwot" in page.words
    assert "12 architectures, 12 functions, 4 proxies" in page.words
    assert "channels 4, cells 1" in page.words
    assert "8 of digits" in page.words
    assert "params and the table (of CIFAR-10)" in page.words
    assert "architectures that the table of CIFAR-10 knows" in page.words
    assert "Commands ranknosh score Versions torch 2 Configuration seed:" in page.words


def test_without_a_table_it_says_how_to_get_truths(results: Results) -> None:
    page = read_page(shown(Results(results.settings, results.rows, False)))
    assert page.count("svg") == 2
    assert "--table FILE.npz" in page.words
    assert "with the table" not in page.words
    assert "most often because" in page.words


def test_there_is_no_column_of_reasons_where_nothing_failed(results: Results) -> None:
    rows = tuple(row for row in results.rows if not row.reasons)
    assert "most often because" not in shown(Results(results.settings, rows, True))


def test_reasons_cannot_break_the_page(results: Results) -> None:
    bad = ScoreRow("A", "k", dict.fromkeys(NAMES), {"nwot": "<script>&"}, dict.fromkeys(NAMES, 0.1))
    page = read_page(shown(Results(results.settings, (bad,), False)))
    assert "<script>" not in page.source
    assert "1 × <script>&" in page.words


def test_nothing_scored_is_a_page_too(results: Results) -> None:
    assert "0 architectures" in shown(Results(results.settings, (), False))


@pytest.mark.slow
def test_a_browser_shows_it(browser, results, tmp_path):
    check_page(browser, shown(results), tmp_path)
