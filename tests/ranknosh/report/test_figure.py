"""ranknosh/report/figure.py: what is common to all plots."""

import re
import sys
import xml.etree.ElementTree as ET

import pytest

from ranknosh.errors import MissingDependency
from ranknosh.report.figure import level_colour, over_epochs, plot, thin


def line(axes):
    axes[0].plot([1, 2], [3, 4])
    axes[0].set_title("Cost in $ and <b>$x^$</b>")


def svg_of(section):
    return section.blocks[0].picture


def test_a_plot_is_a_section_with_an_svg_of_its_own_ids_and_size():
    section = plot("a <b>", "Title", "Said.", line, size=(5, 2), half=True)
    assert (section.id, section.title, section.half, section.blocks[0].caption) == ("a <b>", "Title", True, "Said.")
    root = ET.fromstring(svg_of(section))
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert all(re.match(r"a--b--[\w.-]+$", name) for name in ids)
    assert root.get("style") == "--drawn: 460px"
    assert root.get("width") is root.get("height") is None
    assert "Cost in $ and <b>$x^$</b>" in [element.text for element in root.iter()]


def test_equal_plots_give_equal_bytes():
    assert plot("a", "T", "C", line) == plot("a", "T", "C", line) != plot("b", "T", "C", line)


def test_axes_are_given_row_by_row():
    def paint(axes):
        assert len(axes) == 6
        for number, axis in enumerate(axes):
            axis.set_title(f"no. {number}")
        places = [axis.get_subplotspec() for axis in axes]
        assert [(place.rowspan.start, place.colspan.start) for place in places] == [
            (row, column) for row in range(2) for column in range(3)
        ]

    plot("a", "T", "C", paint, rows=2, columns=3)


def test_epochs_run_from_the_first_to_the_last_with_a_line_at_every_boundary():
    def paint(axes):
        axes[0].plot([2, 3, 12], [1, 2, 3], label="x")
        over_epochs(axes[0], [2, 3, 12], boundaries=[5], legend=True)
        low, high = axes[0].get_xlim()
        assert 1.5 < low < 2
        assert 12 < high < 12.5
        assert axes[0].lines[-1].get_xdata() == [5.5, 5.5]
        assert axes[0].get_legend() is not None

    plot("a", "T", "C", paint)


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
