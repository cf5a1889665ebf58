"""Which plots of a supernet search there are, and what is in them."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ranknosh.workflows.supernet.plots import (
    colours,
    curve_plots,
    grid,
    landscape_plot,
    measured_plot,
    truth_plot,
    weight_plots,
)
from ranknosh.workflows.supernet.run import SupernetRun
from tests.ranknosh.workflows.supernet.supernet_samples import history_of

CELL = (3, 3, 1, 3, 0, 2)


def view(epochs=4, **more):
    return SupernetRun(Path("run"), history_of([CELL] * epochs, **more))


def svg(section):
    """The picture of a section; None where there are words in its place."""
    return getattr(section.blocks[0], "picture", None)


def texts(section):
    return [element.text for element in ET.fromstring(svg(section)).iter() if element.tag.endswith("text")]


def strokes(section, width):
    """Colours of lines of a width, in the order they were drawn."""
    return re.findall(rf"stroke: (#[0-9a-f]{{6}}); stroke-width: {width}", svg(section))


def test_edges_that_do_not_meet_are_numbered_and_nobody_counts_skips_that_cannot_be():
    found = view()
    found.facts["edges"] = {"normal": [[0, target] for target in range(1, 7)]}
    found.facts["candidates"] = {"normal": [["identity", "mb3", "mb6", "mb9", "mb12"]] * 6}
    assert found.edge_name("normal", 2) == "edge 3"
    assert not found.may_skip
    assert [section.id for section in curve_plots(found)] == ["entropy", "losses"]
    (figure,) = weight_plots(found)[0].blocks
    assert figure.caption.endswith("Edges that do not meet are numbered in the order of the network.")


def test_a_plot_an_edge_with_the_kept_operation_thick():
    thetas = [[[0.1, 0.1, 0.1, 0.6, 0.1]] * 6] * 4
    (section,) = weight_plots(view(thetas=thetas))
    shown = texts(section)
    for name in ("0 → 1", "0 → 2", "1 → 2", "0 → 3", "1 → 3", "2 → 3", "skip", "conv 3×3", "avg pool 3×3"):
        assert name in shown
    palette = colours(("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"))
    names = list(palette)
    assert strokes(section, "2.6") == [palette[names[place]] for place in CELL]
    assert len(strokes(section, "1.1")) == 6 * 4


def test_one_epoch_is_no_line():
    assert [svg(section) for section in weight_plots(view(1))] == [None]
    assert all(svg(section) is None for section in curve_plots(view(1)))


def test_strength_has_panels_of_its_own():
    found = view()
    for report in found.reports:
        report.strength["normal"] = [[0.0, 1.0, 2.0, 3.0, 4.0]] * 6
    assert [section.id for section in weight_plots(found)] == ["theta-normal", "strength-normal"]


def test_cells_of_two_inputs_have_a_row_a_node():
    edges = [(source, target) for target in range(2, 6) for source in range(target)]
    places, rows, columns = grid(edges, 2)
    assert (rows, columns) == (4, 5)
    assert places[:2] == [0, 1]
    assert [places[edges.index(edge)] for edge in ((0, 3), (2, 3), (4, 5))] == [5, 7, 19]
    assert grid([(0, 1), (0, 2), (1, 2)], 1) == ([0, 1, 2], 1, 3)


def test_unknown_operations_get_colours_of_their_own():
    found = colours(("skip_connect", "mine", "yours"))
    assert len(set(found.values())) == 3
    assert found["skip_connect"] == colours(("skip_connect",))["skip_connect"]


def test_half_panels_are_an_even_number():
    for more in ({}, {"truths": [0.8] * 4}):
        halves = [section for section in curve_plots(view(**more)) if section.half]
        assert len(halves) % 2 == 0
        assert ("truth" in [section.id for section in halves]) is bool(more)


def test_what_a_table_knows_is_drawn_with_its_best_and_median():
    found = view(truths=[0.7, None, 0.8, 0.9])
    assert "best of the table" not in texts(truth_plot(found))
    found.state.sessions[0].details["table"] = {"data": "CIFAR-10", "best": 0.95, "median": 0.85}
    assert {"best of the table", "median of the table"} <= set(texts(truth_plot(found)))
    assert truth_plot(view()) is None


def test_measured_series_are_named():
    found = view(measured=[{"hessian_eigenvalue": 0.1 * n, "own_number": n} for n in range(4)])
    section = measured_plot(found)
    assert {"Largest eigenvalue of the Hessian", "own number"} <= set(texts(section))
    assert "R-DARTS" in section.blocks[0].caption
    assert measured_plot(view()) is None


def test_the_landscape_says_how_far_it_rises():
    landscape = {"coordinates": [-1.0, 0.0, 1.0], "loss": [[1, 1, 1], [1, 0.5, 1], [1, 1, 3.25]], "accuracy": []}
    result = {
        "cells": {"normal": list(CELL)},
        "text": "x",
        "skips": 1,
        "epochs": 4,
        "ended": "done",
        "capped": False,
        "device_seconds": 6.0,
        "selection_seconds": 0.0,
        "lost_seconds": 0.0,
        "wall_seconds": 7.0,
        "peak_memory": {},
        "diagnostics": {"landscape": landscape},
    }
    section = landscape_plot(view(result=result))
    assert "at most 2.75 nats" in section.blocks[0].caption
    assert svg(section)
    assert landscape_plot(view()) is None


@pytest.mark.parametrize("epochs", [2, 5])
def test_equal_records_give_equal_bytes(epochs):
    first, again = (curve_plots(view(epochs)) + weight_plots(view(epochs)) for _ in range(2))
    assert first == again
