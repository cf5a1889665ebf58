"""The page: whole, offline, escaped, the same for the same rows."""

import re
from collections.abc import Callable
from html.parser import HTMLParser

import numpy as np
import pytest

from ranknosh.workflows.score.page import render
from ranknosh.workflows.score.request import Request
from ranknosh.workflows.score.rows import Results, ScoreRow

TEXT = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"
NAMES = ("params", "synflow", "nwot", "swap")
VOID = {"meta", "br", "path", "use", "img"}


@pytest.fixture
def results(make_request: Callable[..., Request], make_rows: Callable[..., list[ScoreRow]]) -> Results:
    rng = np.random.default_rng(0)
    columns: dict[str, list[float | None]] = {name: rng.random(12).tolist() for name in NAMES}
    columns["nwot"][3] = None
    rows = make_rows(columns, accuracy=rng.random(12).tolist())
    return Results(make_request([TEXT], NAMES), tuple(rows), True, NAMES)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def test_it_is_whole_and_needs_nothing_from_outside(results: Results) -> None:
    page = render(results)
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert page.count("<svg") == 3
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "http" not in page.replace("http://www.w3.org", "")
    assert render(results) == page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_it_tells_of_every_proxy_and_how_it_was_made(results: Results) -> None:
    page = render(results)
    for name in NAMES:
        assert f'<td class="text">{name}</td>' in page
    assert "1 × no nwot" in page
    assert "12 architectures, 12 functions, 4 proxies" in page
    assert "4 channels, 1 cells" in page
    assert "8 of digits" in page


def test_without_a_table_it_says_how_to_get_accuracies(results: Results) -> None:
    page = render(Results(results.request, results.rows, False, results.kept))
    assert page.count("<svg") == 2
    assert "--table FILE.npz" in page
    assert "ρ with accuracy" not in page


def test_reasons_cannot_break_the_page(results: Results) -> None:
    bad = ScoreRow("A", "k", dict.fromkeys(NAMES), {"nwot": "<script>&"}, dict.fromkeys(NAMES, 0.1))
    page = render(Results(results.request, (bad,), False, NAMES))
    assert "<script>" not in page
    assert "&lt;script&gt;&amp;" in page


def test_nothing_scored_is_a_page_too(results: Results) -> None:
    assert "0 architectures" in render(Results(results.request, (), False, NAMES))
