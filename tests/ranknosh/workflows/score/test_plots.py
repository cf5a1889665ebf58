"""The pictures: what is in them, and what is said in their place."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from ranknosh.report.page import Figure, PageSection
from ranknosh.workflows.score.plots import _hundredths, _side_by_side, _window, heat_plot, matrix_plot, truth_plot
from ranknosh.workflows.score.rows import ScoreRow

MakeRows = Callable[..., list[ScoreRow]]
NAMES = [f"proxy{place}" for place in range(9)]


@pytest.fixture
def many(make_rows: MakeRows) -> list[ScoreRow]:
    rng = np.random.default_rng(0)
    columns = {name: rng.standard_normal(30).tolist() for name in NAMES}
    return make_rows({**columns, "constant": [2.0] * 30}, truth=rng.random(30).tolist())


def texts(section: PageSection) -> list[str]:
    (figure,) = section.blocks
    assert isinstance(figure, Figure)
    return re.findall(r"<text[^>]*>([^<]*)</text>", str(figure.picture))


def said(section: PageSection) -> str:
    """The caption of a plot, or the words in its place."""
    (block,) = section.blocks
    return block.caption if isinstance(block, Figure) else block.lines[0]


def test_the_heat_map_names_every_proxy_and_every_number(many: list[ScoreRow]) -> None:
    section = heat_plot(many, dict.fromkeys([*NAMES, "constant"], 1))
    shown = texts(section)
    for name in NAMES:
        assert shown.count(name) == 2
    assert len(shown) == 2 * 9 + 81
    assert shown.count("1") == 9
    assert "Left out, the same for all: constant" in said(section)
    assert heat_plot(many, dict.fromkeys([*NAMES, "constant"], 1)) == section


def test_the_matrix_shows_six_that_differ(many: list[ScoreRow]) -> None:
    section = matrix_plot(many, dict.fromkeys([*NAMES, "constant"], 1))
    shown = texts(section)
    assert len([text for text in shown if text in NAMES]) == 6
    assert len(shown) == 6 + 15
    assert "6 of 10 proxies" in said(section)


def test_truth_has_a_picture_a_proxy_with_its_correlation(make_rows: MakeRows) -> None:
    place = [float(i) for i in range(10)]
    rows = make_rows({"nwot": place, "ntk": [10.0 - i for i in place]}, truth=[0.8 + 0.01 * i for i in place])
    shown = texts(truth_plot(rows, {"nwot": 1, "ntk": -1}, "CIFAR-10"))
    assert "nwot: ρ = 1.00 ± 0.00" in shown
    assert "ntk (lower is better): ρ = 1.00 ± 0.00" in shown


def test_words_stand_where_nothing_can_be_drawn(make_rows: MakeRows) -> None:
    rows = make_rows({"nwot": [1.0, 2.0, 3.0]})
    without = truth_plot(rows, {"nwot": 1}, None)
    assert "--table" in said(without)
    unknown = truth_plot(rows, {"nwot": 1}, "CIFAR-10")
    assert "knows 0 of the 3" in said(unknown)
    assert said(heat_plot(rows, {"nwot": 1})).startswith("n/a: ")
    assert said(matrix_plot(rows, {"nwot": 1})).startswith("n/a: ")
    assert said(heat_plot([], {"nwot": 1, "zen": 1})).startswith("n/a: ")


def test_numbers_in_little_room() -> None:
    assert [_hundredths(rho) for rho in (1.0, 0.874, -0.12, -0.001, 0.999, -1.0)] == [
        *("1", ".87", "−.12", ".00", "1", "−1"),
    ]


def test_proxies_that_agree_stand_beside_each_other() -> None:
    rho = np.array([[1.0, 0.0, 0.9, 0.0], [0.0, 1.0, 0.0, 0.9], [0.9, 0.0, 1.0, 0.0], [0.0, 0.9, 0.0, 1.0]])
    order = _side_by_side(rho)
    assert abs(order.index(0) - order.index(2)) == abs(order.index(1) - order.index(3)) == 1


def test_a_few_values_far_away_do_not_take_the_whole_axis(make_rows: MakeRows) -> None:
    assert _window(np.array([0.8, 0.85, 0.9])) == (0.8, 0.9)
    assert _window(np.full(5, 2.0)) == (2.0, 2.0)
    low, high = _window(np.array([0.1, *np.linspace(0.8, 0.9, 99)]))
    assert 0.6 < low < 0.8
    assert high == 0.9
    values = [-1e6, *np.linspace(-1.0, 0.0, 49).tolist()]
    section = truth_plot(make_rows({"nwot": values}, truth=[0.1] + [0.9] * 49), {"nwot": 1}, "CIFAR-10")
    assert not [text for text in texts(section) if text.endswith(("k", "M"))]
