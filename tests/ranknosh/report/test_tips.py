"""ranknosh/report/tips.py: boxes over the marks of a plot."""

import re
import xml.etree.ElementTree as ET

import pytest

from ranknosh.report import charts
from ranknosh.report.tips import REACH, tell


def svg(paint):
    return charts.plot("a", "T", "C", paint, width=6, height=3).blocks[0].picture


def boxes(picture):
    return [
        [float(rect.get(name)) for name in ("x", "y", "width", "height")]
        for rect in ET.fromstring(picture).iter()
        if rect.tag.endswith("rect") and rect.find("{http://www.w3.org/2000/svg}title") is not None
    ]


def test_a_box_lies_around_its_dot_and_says_what_it_is():
    picture = svg(lambda axis: charts.dots(axis, [(1, 1), (2, 4), (3, 2)], "#112233", tips=["a", "b <i>", "c"]))
    assert re.findall(r"<title>(.*?)</title>", picture) == ["a", "b &lt;i&gt;", "c"]
    places = {(float(x), float(y)) for x, y in re.findall(r'<use [^>]*?x="([\d.]+)" y="([\d.]+)"', picture)}
    for x, y, width, height in boxes(picture):
        assert (width, height) == (2 * REACH, 2 * REACH)
        assert any(abs(x + REACH - left) < 0.2 and abs(y + REACH - top) < 0.2 for left, top in places)


def test_a_bar_is_covered_as_it_is_drawn():
    def paint(axis):
        axis.barh([0], [4], height=0.5)
        axis.set(xlim=(0, 8), ylim=(-1, 1))
        tell(axis, 0, -0.25, "bar", length=4, height=0.5)
        panels.append(axis)

    panels = []
    ((x, _, width, height),) = boxes(svg(paint))
    inside = panels[0].get_position()
    assert (x, width) == pytest.approx((inside.x0 * 6 * 72, inside.width * 3 * 72), abs=0.11)
    assert height == pytest.approx(inside.height * 3 * 72 / 4, abs=0.11)


def test_what_lies_outside_of_the_panel_says_nothing():
    def paint(axis):
        charts.dots(axis, [(1, 1), (2, 100)], "#112233", tips=["in", "out"])
        axis.set_ylim(0, 10)

    assert re.findall(r"<title>(.*?)</title>", svg(paint)) == ["in"]


def test_points_that_are_left_out_take_their_words_with_them():
    points = [(n, n) for n in range(charts.MOST_POINTS * 2)]
    picture = svg(lambda axis: charts.dots(axis, points, "#112233", tips=[f"no. {x}" for x, _ in points]))
    told = re.findall(r"<title>no. (\d+)</title>", picture)
    assert len(told) == charts.MOST_POINTS
    assert told[-1] == str(len(points) - 1)
