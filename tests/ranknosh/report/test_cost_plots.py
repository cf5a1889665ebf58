"""The page's section of a search with several objectives, on candidates whose numbers are written by hand."""

import pytest

from ranknosh.report.cost_plots import cost_value, front_sections, shade_limits
from ranknosh.report.page import PageTable
from ranknosh.report.search_page import render
from tests.pages import read_page

FADED = "opacity: 0.35"


def front_of(view):
    (section,) = front_sections(view)
    return section.blocks


def test_the_front_is_drawn_and_listed_and_its_hypervolume_stated(fronted):
    figure, table = front_of(fronted())
    assert (
        "beats in accuracy and parameters at once: 2 of 3 candidates with a result (1 at level 1, 1 at level 2)"
        in figure.caption
    )
    # By hand in test_series: 48.2 of 88.2.
    assert "Hypervolume: 54.6 % at the end" in figure.caption
    assert (
        "The reference point is accuracy 18.00 %, parameters 310: the worst result of this run in each"
        in figure.caption
    )
    for written in (
        "front, level 1",
        "front, level 2",
        ">found<",
        "By parameters",
        "Hypervolume of the front",
        FADED,
    ):
        assert written in figure.picture
    assert "front, level 3" not in figure.picture
    assert isinstance(table, PageTable)
    assert table.head == ("id", "architecture", "validation accuracy", "parameters", "level", "epochs")
    assert [(row[0], row[2], str(row[3]), *row[4:]) for row in table.rows] == [
        (1, "60.00 %", "200", 2, 2),
        (0, "20.00 %", "100", 1, 1),
    ]
    assert list(table.marked) == [0]


def test_nobody_is_pale_where_everybody_is_in_the_front(fronted):
    view = fronted()
    view.pool.candidates[2].costs["params"] = 150.0  # between the other two
    assert FADED not in front_of(view)[0].picture


def test_a_metric_of_which_less_is_better_is_shown_in_its_own_direction(fronted):
    view = fronted(objectives=["loss", "params"], train={"metric": "loss"})
    for candidate in view.pool.candidates.values():
        for level, observed in candidate.observations.items():
            candidate.observations[level] = type(observed)(candidate.id, level, observed.metric - 1, {}, 1, 1.0)
    figure, table = front_of(view)
    assert [row[2] for row in table.rows] == ["0.4 nats", "0.8 nats"]
    assert "validation loss (nats)" in figure.picture
    assert "\N{MINUS SIGN}" not in figure.picture  # on no axis


def test_the_page_has_the_front_first_and_no_cost_twice(fronted):
    page = read_page(render(fronted(constraints={"params": "<= 250"})))
    assert page.sections[:3] == ["found", "front", "incumbent"]
    assert "cost" not in page.sections
    assert "With several objectives there is no best: 1 other candidate of the front may suit better" in page.words
    assert "rank id architecture front level" in page.words
    labels = [attrs["aria-label"] for attrs in page.all("div") if attrs.get("role") == "img"]
    assert any("The reference point is" in label for label in labels)
    plain = read_page(render(fronted(objectives=[])))
    assert "front" not in plain.sections
    assert "cost" in plain.sections
    assert "there is no best" not in plain.words


def test_costs_that_are_no_objectives_keep_their_section(fronted):
    view = fronted()
    for candidate in view.pool.candidates.values():
        candidate.costs["macs"] = 1000.0
    page = read_page(render(view))
    assert "cost" in page.sections
    assert "By multiply-accumulates" in page.words
    assert page.words.count("By parameters") == 1


def test_a_limit_shades_the_panel_to_its_edge(fronted):
    free, limited = (front_of(fronted(constraints=limits))[0].picture for limits in ({}, {"params": "<= 250"}))
    assert limited.count("<path") == free.count("<path") + 2  # the shade and its dashed edge


@pytest.mark.parametrize(
    ("limit", "seen", "shaded"),
    [("<= 250", (100, 260), (250, 265)), (">= 50", (60, 100), (45, 50)), ("<= 250", (0, 300), (250, 300))],
)
def test_the_shade_ends_where_the_panel_does(fronted, limit, seen, shaded):
    from matplotlib.figure import Figure

    axis = Figure().add_subplot()
    axis.set_xlim(*seen)
    shade_limits(axis, fronted(constraints={"params": limit}), "params")
    (shade,) = axis.patches
    assert (shade.get_x(), shade.get_x() + shade.get_width()) == pytest.approx(shaded)
    assert axis.get_xlim() == pytest.approx((min(seen[0], shaded[0]), max(seen[1], shaded[1])))


def test_a_share_of_an_architecture_is_shaded_where_the_run_knows_its_cost(fronted):
    view = fronted(constraints={"params": "<= 50% of |other|, >= 10"})
    assert view.limits("params") == [(">=", 10.0)]
    view.header.facts["references"] = {"params": {"|other|": 500.0}}
    assert view.limits("params") == [("<=", 250.0), (">=", 10.0)]
    assert view.limits("macs") == []


def test_a_search_without_results_has_no_front_yet(build):
    (block,) = front_of(build.view([], objectives=["accuracy", "params"]))
    assert block.lines == ["n/a: no candidate has a result yet."]
    assert front_sections(build.view([])) == []


@pytest.mark.parametrize(
    ("cost", "value", "text"),
    [("params", 12345.0, "12,345"), ("macs", None, "n/a"), ("latency", 0.0025, "2.5 ms"), ("energy", 1500.0, "1.50 K")],
)
def test_costs_in_tables(cost, value, text):
    assert cost_value(cost, value) == text
