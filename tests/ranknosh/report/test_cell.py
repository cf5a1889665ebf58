import xml.etree.ElementTree as ET

import pytest

from ranknosh.report.cell import Edge, describe, draw_cell, live_edges, parse_edges
from ranknosh.spaces.catalog import get_space

TEXT = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|none~1|none~2|"


def test_edges_come_from_the_text_alone():
    assert parse_edges(TEXT) == (
        Edge(0, 1, "nor_conv_3x3"),
        Edge(0, 2, "none"),
        Edge(1, 2, "avg_pool_3x3"),
        Edge(0, 3, "skip_connect"),
        Edge(1, 3, "none"),
        Edge(2, 3, "none"),
    )


@pytest.mark.parametrize("text", ["", "Genotype(normal=[('skip_connect', 0)])", "|a~1|", "conv3x3-conv1x1", "|<b>~0|"])
def test_other_notations_are_not_drawn(text):
    assert parse_edges(text) == ()
    assert draw_cell(text, "x") == ""


def test_only_edges_on_a_path_to_the_output_are_live():
    assert live_edges(parse_edges(TEXT)) == {Edge(0, 3, "skip_connect")}
    assert describe(parse_edges(TEXT)) == "skip from input to output"


def test_no_live_edge_means_a_dead_cell_for_every_cell_of_the_space():
    space = get_space("nasbench201")
    for index, architecture in enumerate(space.enumerate()):
        if index % 37 == 0:
            assert (not live_edges(parse_edges(space.format(architecture)))) == space.is_dead(architecture)


def test_the_drawing_is_well_formed_and_shows_every_operation_inside_its_frame():
    svg = draw_cell(TEXT, "found")
    root = ET.fromstring(svg)
    space = "{http://www.w3.org/2000/svg}"
    texts = [element.text for element in root.iter(f"{space}text")]
    assert sorted(texts) == sorted(["conv 3×3", "none", "none", "none", "avg pool 3×3", "skip", "in", "1", "2", "out"])
    _, _, width, height = (float(value) for value in root.get("viewBox").split())
    for box in root.iter(f"{space}rect"):
        x, y, w, h = (float(box.get(name)) for name in ("x", "y", "width", "height"))
        assert x >= 0
        assert x + w <= width
        assert y >= 0
        assert y + h <= height
    boxes = [tuple(float(box.get(name)) for name in ("x", "y", "width", "height")) for box in root.iter(f"{space}rect")]
    for i, (x, y, w, h) in enumerate(boxes):
        for x2, y2, w2, h2 in boxes[:i]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y, "two labels overlap"
    assert root.get("aria-label") == "skip from input to output"
    identities = [element.get("id") for element in root.iter() if element.get("id")]
    assert all(identity.startswith("found-") for identity in identities)
