"""ranknosh/report/charts.py: what is common to all plots."""

import re
import sys
import xml.etree.ElementTree as ET

import pytest

from ranknosh.errors import MissingDependency
from ranknosh.report import charts
from ranknosh.report.charts import Curve, dot_rows, over_epochs, plot, thin
from ranknosh.report.plots import level_colour


def line(axis):
    axis.plot([1, 2], [3, 4])
    axis.set_title("Cost in $ and <b>$x^$</b>")


def svg_of(section):
    return section.blocks[0].picture


def test_a_plot_is_a_section_with_an_svg_of_its_own_ids_and_size():
    section = plot("a <b>", "Title", "Said.", line, width=5, height=2, half=True)
    assert (section.id, section.title, section.half, section.blocks[0].caption) == ("a <b>", "Title", True, "Said.")
    root = ET.fromstring(svg_of(section))
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert all(re.match(r"a--b--[\w.-]+$", name) for name in ids)
    assert root.get("style") == "--drawn: 460px"
    assert root.get("width") is root.get("height") is None
    assert "Cost in $ and <b>$x^$</b>" in [element.text for element in root.iter()]


def test_equal_plots_give_equal_bytes():
    assert plot("a", "T", "C", line) == plot("a", "T", "C", line) != plot("b", "T", "C", line)


@pytest.mark.parametrize("least", [-1e308, -(10**400)], ids=["endless span", "endless number"])
def test_numbers_too_far_apart_are_said(least):
    drawn = svg_of(plot("a", "T", "C", line, lambda axis: axis.set_xlim(least, 1e308)))
    assert "numbers too far apart to be drawn" in drawn
    assert "Cost in $" in drawn


def test_panels_are_drawn_row_by_row_and_none_leaves_its_place_empty():
    drawn = []

    def panel(axis):
        drawn.append(axis)
        axis.set(title=f"no. {len(drawn)}", xlabel="x", ylabel="y")

    section = plot("a", "T", "C", panel, panel, panel, None, panel, columns=3, legend={"all": "#112233"})
    boxes = [axis.get_position() for axis in drawn]
    first, second, third, below = boxes
    assert first.x1 < second.x0 < second.x1 < third.x0 < third.x1 <= 1
    assert 0 <= below.y0 < below.y1 < second.y0 < second.y1 < 1
    assert (below.x0, first.y0, third.y1) == pytest.approx((second.x0, second.y0, second.y1))
    assert {round(box.width, 6) for box in boxes} == {round(first.width, 6)}
    assert svg_of(section).count('id="a-axes_') == 4
    assert "stroke: #112233" in svg_of(section)


def test_a_panel_makes_room_for_the_names_beside_it():
    def named(*names):
        def paint(axis):
            charts.name_rows(axis, names)
            axes.append(axis)

        return paint

    axes = []
    section = plot("a", "T", "C", named("a", "b"), named("a", "a name that is very long"), columns=1)
    short, long = axes
    assert [text.get_text() for text in long.texts] == [
        "a",
        "a name that is very long",
        *["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"],
    ]
    assert short.get_position().x0 == long.get_position().x0 > 0.1
    assert "a name that is very long" in svg_of(section)


def written(paint):
    """Everything that a plot of one panel has in words."""
    return [element.text for element in ET.fromstring(svg_of(plot("a", "T", "C", paint))).iter() if element.text]


@pytest.mark.parametrize(("scale", "power"), [(1e12, "1e12"), (1e-9, "1e−9"), (-1e12, "1e12")])
def test_what_numbers_are_multiplied_by_is_written_beside_them(scale, power):
    def paint(axis):
        axis.plot([scale, 3 * scale], [scale, 3 * scale])
        axis.set_xlabel("cost")

    texts = written(paint)
    assert f"cost (× {power})" in texts
    assert f"(× {power})" in texts


def test_a_logarithmic_axis_has_the_numbers_within_it_alone():
    def paint(axis):
        axis.plot([1e-3, 1, 1e6], [1, 2, 3])
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:g}")

    texts = written(paint)
    assert {"0.01", "1", "10000"} <= set(texts)
    assert "0.0001" not in texts


def test_the_widest_name_has_room_whichever_has_more_letters():
    def left_of(*names):
        def paint(axis):
            charts.name_rows(axis, names)
            axes.append(axis)

        axes = []
        plot("a", "T", "C", paint)
        return axes[0].get_position().x0

    assert left_of("WWWWWWWW", "iiiiiiiiiiii") == left_of("WWWWWWWW") > left_of("iiiiiiiiiiii")


def test_epochs_run_from_the_first_to_the_last_with_a_line_at_every_boundary():
    def paint(axis):
        curve = Curve([(2, 1), (3, 2), (12, 3)], "#000000", "x")
        over_epochs([curve], title="T", y="Y", boundaries=[5], levels=[(2.5, "half")])(axis)
        low, high = axis.get_xlim()
        assert 1.5 < low < 2
        assert 12 < high < 12.5
        assert axis.lines[-1].get_xdata() == [5.5, 5.5]
        assert axis.get_legend() is not None
        assert [text.get_text() for text in axis.texts] == ["half"]

    plot("a", "T", "C", paint)


def test_a_line_that_hardly_changes_is_not_on_the_frame():
    def paint(axis):
        over_epochs([Curve([(1, 2.3), (2, 2.301)], "#000000")], limits=(0, None))(axis)
        assert axis.get_ylim() == pytest.approx((0.0, 1.08 * 2.301))

    plot("a", "T", "C", paint)


def test_rows_of_dots_have_their_mean_with_its_margin_or_say_that_there_is_none():
    def paint(axis):
        dot_rows(
            [("one", [1.0, 2.0, 3.0], "#000000"), ("none", [], "#000000")], "x", margin=lambda values: sum(values) / 12
        )(axis)
        assert [text.get_text() for text in axis.texts] == ["n/a"]
        assert sorted(axis.lines[0].get_xdata()) == [1, 2, 3]
        (bar,) = axis.containers
        assert bar.lines[0].get_xdata() == [2]
        ((left, _), (right, _)) = bar.lines[2][0].get_segments()[0]
        assert (right - left) / 2 == pytest.approx(0.5)

    plot("a", "T", "C", paint)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_rows_fill_a_plot_that_is_as_high_as_they_ask_for(count):
    def paint(axis):
        dot_rows([(str(place), [1.0, 2.0], "#000000") for place in range(count)], "x")(axis)
        drawn.append(axis)

    drawn = []
    height = charts.rows_height(count)
    plot("a", "T", "C", paint, height=height)
    low, high = sorted(drawn[0].get_ylim())
    assert (low, high) == (-0.6, count - 0.4)
    each = drawn[0].get_position().height * height / count
    assert 0.4 < each < 1.2


def test_thinning_keeps_the_ends_and_the_order():
    assert thin(range(10), 4) == [0, 3, 6, 9]
    assert thin(range(3), 4) == [0, 1, 2]
    assert thin(range(3), 1) == [0]


def test_level_colours_run_from_pale_to_dark():
    colours = [level_colour(level, 5) for level in range(1, 6)]
    lightness = [sum(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in colours]
    assert lightness == sorted(lightness, reverse=True)
    assert len(set(colours)) == 5
    assert level_colour(1, 1) == colours[-1]


def test_without_matplotlib_the_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependency, match="matplotlib"):
        plot("a", "T", "C", line)


def test_a_legend_of_many_names_has_full_lines():
    names = [f"kind {number}" for number in range(charts.LEGEND_COLUMNS + 1)]
    root = ET.fromstring(svg_of(plot("a", "T", "C", line, legend=dict.fromkeys(names, "#112233"))))
    written = [element for element in root.iter() if element.tag.endswith("text") and element.text in names]
    heights = [re.search(r"translate\(([\d.]+) ([\d.]+)\)", element.get("transform") or "") for element in written]
    places = [
        round(float(found.group(2))) if found else round(float(one.get("y")))
        for found, one in zip(heights, written, strict=True)
    ]
    assert sorted(places.count(place) for place in set(places)) == [len(names) // 2, -(-len(names) // 2)]
