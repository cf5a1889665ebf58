"""ranknosh/report/graphs.py: where vertices and edges of a cell lie, and which spaces' architectures are drawn."""

import re

import numpy as np
import pytest

from ranknosh.report.drawing import drawings
from ranknosh.report.graphs import Graph, describe_graph, draw_graph
from ranknosh.report.page import Page, PageSection
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.nasbench101 import NasBench101
from tests.pages import read_page

GRAPH = Graph(("in", "conv", "pool", "conv", "out"), ((0, 1), (0, 2), (1, 2), (1, 4), (0, 3), (2, 3), (3, 4), (0, 4)))


def test_words_number_vertices_of_one_name():
    words = "in to conv 1, pool, conv 2, out; conv 1 to pool, out; pool to conv 2; conv 2 to out"
    assert describe_graph(GRAPH) == words


def points(path):
    """Places along a straight line or a cubic curve."""
    numbers = np.array(re.findall(r"-?\d+\.\d+", path), float).reshape(-1, 2)
    at = np.linspace(0, 1, 101)[:, None]
    if len(numbers) == 2:
        return (1 - at) * numbers[0] + at * numbers[1]
    one, two, three, four = numbers
    return (1 - at) ** 3 * one + 3 * (1 - at) ** 2 * at * two + 3 * (1 - at) * at**2 * three + at**3 * four


@pytest.mark.parametrize("seed", range(5))
def test_lines_lead_from_box_to_box_inside_the_frame_and_through_none(seed):
    cell = NasBench101().cell(NasBench101().sample(np.random.default_rng(seed)))
    graph = Graph(tuple(cell.names), cell.edges)
    drawing = draw_graph(graph, ["#123456"] * (len(cell.names) - 2), "it")
    boxes = drawing.boxes
    assert [box.text for box in boxes] == list(cell.names)
    for (source, target), line in zip(graph.edges, drawing.lines, strict=True):
        way = points(line.path)
        assert (way >= 0).all()
        assert way[:, 0].max() <= drawing.width
        assert way[:, 1].max() <= drawing.height
        for box, place in ((boxes[source], way[0]), (boxes[target], way[-1])):
            assert abs(place[0] - box.x) <= box.width / 2 + 8.1
            assert abs(place[1] - box.y) <= box.height / 2 + 8.1
        for box in boxes:
            inside = (abs(way[:, 0] - box.x) < box.width / 2 - 0.1) & (abs(way[:, 1] - box.y) < box.height / 2 - 0.1)
            assert not inside.any()


def test_arcs_of_one_vertex_do_not_meet_at_its_box():
    ends = [points(line.path)[-1].round(1).tolist() for line in draw_graph(GRAPH, ["#111111"] * 3, "it").lines]
    starts = [points(line.path)[0].round(1).tolist() for line in draw_graph(GRAPH, ["#111111"] * 3, "it").lines]
    assert len({tuple(end) for end in ends}) == len({tuple(start) for start in starts}) == len(GRAPH.edges)


def test_a_cell_of_nasbench101_is_drawn_after_the_cut():
    text = '{"matrix": [[0, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]], "ops": ["input", "maxpool3x3", '
    text += '"conv3x3-bn-relu", "output"]}'
    (figure,) = drawings(NasBench101(), text)
    assert figure.caption == "in to maxpool3×3, out; maxpool3×3 to out."
    page = read_page(Page("search", "it", "", [PageSection("cell", "The cell", [figure])]).render())
    assert "maxpool3×3" in page.words
    assert "conv3×3" not in page.words


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("size", "8:16:64:32:8", "stage1 8; reduction1 16; stage2 64; reduction2 32; stage3 8."),
        (
            "chain",
            "22010000",
            "stage1 layer1 mb6_k5, layer2 mb6_k5; stage2 layer1 identity, layer2 mb3_k3, layer3 identity; ",
        ),
    ],
)
def test_choices_that_follow_each_other_are_drawn_as_a_chain(name, text, words):
    (figure,) = drawings(get_space(name), text)
    assert figure.caption.startswith(words)


@pytest.mark.parametrize(
    ("name", "text"), [("chain", "2201"), ("size", "8:16"), ("nasbench101", '{"matrix": [[0]], "ops": []}')]
)
def test_what_is_almost_an_architecture_is_not_drawn(name, text):
    assert drawings(get_space(name), text) == []
