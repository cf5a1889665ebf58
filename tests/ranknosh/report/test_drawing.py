"""ranknosh/report/drawing.py: cells from their text, and where everything lies in their drawings."""

import pytest

from ranknosh.report.drawing import (
    CellEdge,
    describe,
    describe_genotype,
    draw_edges,
    draw_genotype,
    drawings,
    live_edges,
    operation_name,
    parse_edges,
)
from ranknosh.report.page import Page, PageSection
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.genotype import format_genotype, parse
from tests.pages import read_page

TEXT = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|none~1|none~2|"


def test_edges_come_from_the_text_alone():
    assert parse_edges(TEXT) == (
        CellEdge(0, 1, "nor_conv_3x3"),
        CellEdge(0, 2, "none"),
        CellEdge(1, 2, "avg_pool_3x3"),
        CellEdge(0, 3, "skip_connect"),
        CellEdge(1, 3, "none"),
        CellEdge(2, 3, "none"),
    )


@pytest.mark.parametrize("text", ["", "Genotype(normal=[('skip_connect', 0)])", "|a~1|", "conv3x3-conv1x1", "|<b>~0|"])
def test_what_is_none_of_the_space_is_not_drawn(text):
    assert parse_edges(text) == ()
    assert drawings(get_space("nasbench201"), text) == []


def test_only_edges_on_a_path_to_the_output_are_live():
    assert live_edges(parse_edges(TEXT)) == {CellEdge(0, 3, "skip_connect")}
    assert describe(parse_edges(TEXT)) == "skip from input to output"


def test_no_live_edge_means_a_dead_cell_for_every_cell_of_the_space():
    space = get_space("nasbench201")
    for index, architecture in enumerate(space.enumerate()):
        if index % 37 == 0:
            assert (not live_edges(parse_edges(space.format(architecture)))) == space.is_dead(architecture)


def apart(boxes):
    """Whether no two boxes overlap."""
    sides = [(b.x - b.width / 2, b.x + b.width / 2, b.y - b.height / 2, b.y + b.height / 2) for b in boxes]
    return all(
        right <= left2 or right2 <= left or low <= high2 or low2 <= high
        for number, (left, right, high, low) in enumerate(sides)
        for left2, right2, high2, low2 in sides[:number]
    )


def within(drawing):
    """Whether every box lies inside the frame."""
    return all(
        b.width / 2 <= b.x <= drawing.width - b.width / 2 and b.height / 2 <= b.y <= drawing.height - b.height / 2
        for b in drawing.boxes
    )


def test_a_drawing_shows_every_operation_inside_its_frame_dead_ones_dashed():
    drawing = draw_edges(parse_edges(TEXT), "found")
    words = ["conv 3×3", "none", "none", "none", "avg pool 3×3", "skip", "in", "1", "2", "out"]
    assert sorted(box.text for box in drawing.boxes) == sorted(words)
    assert apart(drawing.boxes)
    assert within(drawing)
    assert [line.dashed for line in drawing.lines] == [True] * 5 + [False]
    assert {line.head for line in drawing.lines} <= set(drawing.heads)


def test_a_cell_without_a_drawable_text_has_no_figure_and_one_with_has_words():
    (figure,) = drawings(get_space("nasbench201"), TEXT, "found")
    assert figure.caption == "skip from input to output. Dashed grey edges carry nothing to the output."
    assert drawings(get_space("nasbench201"), "|none~0|")[0].caption.startswith("no path from input to output.")


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ("nor_conv_3x3", "conv 3×3"),
        ("skip_connect", "skip"),
        ("sep_conv_5x5", "sep conv 5×5"),
        ("conv_7x1_1x7", "conv 7×1 1×7"),
    ]
    + [("avg_pool_3x3", "avg pool 3×3"), ("none", "none"), ("mine", "mine")],
)
def test_operations_are_named_as_people_say_them(operation, said):
    assert operation_name(operation) == said


GENOTYPE = parse(
    "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1), ('max_pool_3x3', 1), ('dil_conv_3x3', 2)], "
    "normal_concat=[2, 3], reduce=[('max_pool_3x3', 0), ('skip_connect', 1), ('sep_conv_5x5', 0), ('none', 2)], "
    "reduce_concat=[3])"
)


def test_a_genotype_is_described_in_words():
    assert describe_genotype(GENOTYPE, "normal") == (
        "sep conv 3×3 from c(k−2) to node 0; skip from c(k−1) to node 0; max pool 3×3 from c(k−1) to node 1; "
        "dil conv 3×3 from node 0 to node 1; the output joins nodes 0, 1"
    )


@pytest.mark.parametrize("kind", ["normal", "reduce"])
def test_a_genotype_is_drawn_with_every_operation_apart_and_inside(kind):
    drawing = draw_genotype(GENOTYPE, kind, "n")
    operations = {"normal": ["sep conv 3×3", "skip", "max pool 3×3", "dil conv 3×3"]}
    operations["reduce"] = ["max pool 3×3", "skip", "sep conv 5×5", "none"]
    assert [box.text for box in drawing.boxes] == [*operations[kind], "c(k−2)", "c(k−1)", "0", "1", "out"]
    assert apart(drawing.boxes)
    assert within(drawing)
    joined = {"normal": 2, "reduce": 1}[kind]
    assert len(drawing.lines) == joined + 2 * 4
    assert sum(line.dashed for line in drawing.lines) == (2 if kind == "reduce" else 0)


def test_both_cells_of_a_genotype_can_be_on_one_page():
    figures = drawings(get_space("nasbench201"), format_genotype(GENOTYPE), "a")
    assert [figure.title for figure in figures] == ["Normal cell", "Reduction cell"]
    page = read_page(Page("K", "n", "s", [PageSection("cells", "Cells", figures)]).render())
    assert page.count("svg") == 2
