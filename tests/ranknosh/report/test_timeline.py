"""Who worked when: bars from ends and durations, rows, waiting trainings; by hand."""

import pytest

from ranknosh.core.records import Failed, Interrupted, Observed, Session, Speculated, StockTrained, Workers
from ranknosh.report import timeline
from ranknosh.report.search_page import render
from ranknosh.report.series import ends
from ranknosh.report.tables import status_dict
from ranknosh.report.timeline import MOST_BARS, timeline_plot, waiting, works
from tests.pages import read_page


def bars(view):
    return [(work.kind, work.row, work.begin, work.end) for work in works(view)]


def test_one_after_the_other_is_one_row(view):
    assert bars(view)[:5] == [
        ("train-free scores", 0, 0.75, 1.0),
        ("level 1", 1, 1.0, 2.0),
        ("level 1", 1, 2.0, 3.0),
        ("level 1", 1, 3.0, 4.0),
        ("failed", 1, 4.5, 5.0),
    ]
    assert bars(view)[-2:] == [("level 3", 1, 10.0, 14.0), ("test", 0, 14.5, 15.0)]
    caption = timeline_plot(view).blocks[0].caption
    assert "9 trainings of a level" in caption


@pytest.fixture
def with_stock(build, by_hand):
    """A stock network was trained for 24 of the last 25 seconds."""
    *records, stopped = by_hand
    stock = StockTrained("mlp", 0, 4, 1.0, 4, {"accuracy": 0.5}, {}, {}, 2.0, 24.0)
    return build.view([*records, (40.0, stock), (40.0, stopped[1])])


def test_a_stock_network_has_a_bar_and_is_no_time_of_the_search(with_stock, view):
    assert bars(with_stock)[-1] == ("stock network", 0, 16.0, 40.0)
    assert "<title>stock network mlp</title>" in timeline_plot(with_stock).blocks[0].picture
    assert (with_stock.seconds, with_stock.search_seconds, view.search_seconds) == (40.0, 16.0, 15.0)
    assert status_dict(with_stock)["wall_seconds"] == ends(with_stock)["seconds"] == 16.0
    page = read_page(render(with_stock))
    assert "16 s wall time" in page.words
    assert "wall time 16 s" in page.words
    assert "40 s" not in page.words


@pytest.fixture
def clustered(build):
    """Two slots: 0 and 1 at once, 2 waits; 0's end is written late; 1 is lost and tried again in a second session."""
    return build.view(
        [
            (0.0, Session(1, 2, "cpu", "x")),
            (0.0, Workers(2, 0.0, 0.0)),
            *[(1.0, build.proposed(number)) for number in range(3)],
            (4.5, build.observed(0, 1, 0.5, 1, seconds=3.0)),
            (5.0, Failed(1, 1, "lost", "node b left", 1, 4.0, final=False)),
            (7.0, build.observed(2, 1, 0.4, 1, seconds=3.0)),
            (8.0, Session(2, 2, "cpu", "x")),
            (9.0, Interrupted(1, 1, 1, 0, 5.0)),
            (11.0, build.observed(1, 1, 0.3, 1, seconds=2.0)),
            (11.0, Speculated(1, 1, 1, 1.5)),
        ]
    )


def test_what_runs_at_once_has_rows_of_its_own_and_never_more_than_slots(clustered):
    assert bars(clustered) == [
        ("level 1", 2, 1.5, 4.5),
        ("failed", 1, 1.0, 5.0),
        ("level 1", 2, 4.5, 7.0),  # began before the result of 0 was written: half a second shorter
        ("level 1", 1, 8.0, 9.0),  # not before its session
        ("level 1", 1, 9.0, 11.0),
        ("lost to another attempt", 2, 9.5, 11.0),
    ]


def test_who_waits_waits_from_the_decision_on(clustered):
    steps = waiting(works(clustered))
    assert steps[0] == (1.0, 2)
    assert steps[1:3] == [(1.5, 1), (4.5, 0)]
    assert all(count >= 0 for _, count in steps)


def test_the_bars_say_whose_they_are_and_failures_are_marked(clustered):
    picture = timeline_plot(clustered).blocks[0].picture
    assert "<title>#1, level 1, 1 epoch, 4.0 s: lost</title>" in picture
    assert "<title>#2, level 1, 1 epoch, 3.0 s</title>" in picture


def test_every_kind_of_work_has_a_colour_of_its_own(clustered):
    colours = timeline._colours(clustered)
    assert len(set(colours.values())) == len(colours) == 2 + len(timeline.ALONE) + len(clustered.levels)


def test_of_very_many_the_longest_are_drawn(build):
    many = [(0.0, build.proposed(number)) for number in range(MOST_BARS + 5)]
    many += [(float(n + 1), Observed(n, 1, 0.5, {"accuracy": 0.5}, 1, 0.5 if n else 0.9)) for n in range(MOST_BARS + 5)]
    (figure,) = timeline_plot(build.view(many)).blocks
    assert f"The longest {MOST_BARS} of {MOST_BARS + 5} bars are drawn" in figure.caption
    assert "<title>#0," in figure.picture


def test_nothing_has_ended(build):
    (text,) = timeline_plot(build.view([(0.0, Session(1, 2, "cpu", "x"))])).blocks
    assert text.lines == ["n/a: no training has ended yet."]
