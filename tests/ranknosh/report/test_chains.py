"""ranknosh/report/chains.py: what was chosen, and where it lies in the drawing."""

import numpy as np
import pytest

from ranknosh.report.chains import WIDEST, Link, describe_chain, draw_chain, links
from ranknosh.report.drawing import drawings
from ranknosh.report.page import Page, PageSection
from ranknosh.spaces import ModuleSpace
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.mobile import MobileSpace
from ranknosh.spaces.transformer import TransformerSpace
from tests.module_nets import Deep
from tests.pages import read_page

TAKEN = {
    "width": 8,
    "se": True,
    "block0": "conv",
    "block0.kernel": 3,
    "block1.op": None,
    "stage2.wide": 0.5,
    "stage2.layer1.kernel": 3,
    "stage2.layer1.expansion": 6,
    "stage2.layer2.kernel": 5,
    "file": "x" * 50,
}
CHAIN = (
    Link("width", ("8",)),
    Link("se", ("yes",)),
    Link("block0", ("conv", "kernel 3")),
    Link("block1", ("op none",)),
    Link("stage2", ("wide 0.5", "layer1 kernel 3, expansion 6", "layer2 kernel 5")),
    Link("file", ("x" * 39 + "…",)),
)


def test_the_chain_is_what_was_taken_block_by_block():
    assert links(TAKEN) == CHAIN
    assert describe_chain(CHAIN[:3]) == "width 8; se yes; block0 conv, kernel 3"


def test_nothing_chosen_is_no_chain():
    assert links({}) == ()


@pytest.mark.parametrize(
    ("space", "text", "said"),
    [
        (
            TransformerSpace(depths=[1, 2]),
            "p4 w64 | h4r2 | h2r1",
            "patches 4; width 64; depth 2; block1 heads 4, ratio 2.0; block2 heads 2, ratio 1.0.",
        ),
        (
            MobileSpace(stages=1, depths=[1, 2]),
            "r0.5 | w1 se k3e4",
            "resolution 0.5; stage1 width 1.0, squeeze yes, depth 1, layer1 kernel 3, expansion 4.",
        ),
        (FlatSpace({"lr": [0.1, 1.0], "act": ["a", "b"]}), '{"lr": 0.1, "act": "b"}', "lr 0.1; act b."),
    ],
)
def test_names_and_values_are_those_of_the_space(space, text, said):
    (figure,) = drawings(space, text)
    assert figure.caption == said


def edges_of(box):
    return box.x - box.width / 2, box.x + box.width / 2, box.y - box.height / 2, box.y + box.height / 2


@pytest.mark.parametrize("blocks", [1, 3, 40])
def test_no_boxes_overlap_and_all_lie_inside(blocks):
    check_drawing(links({f"block{i}.{name}": "a word" for i in range(blocks) for name in ("op", "kernel")}), blocks)
    check_drawing(links({f"block{i}": "a word" for i in range(blocks)}), blocks)


def check_drawing(chain, blocks):
    drawing = draw_chain(chain, "it")
    sides = np.array([edges_of(box) for box in drawing.boxes])
    assert sides[:, 0].min() >= 0
    assert sides[:, 1].max() <= drawing.width <= WIDEST + 40
    assert sides[:, 3].max() <= drawing.height
    for number, (left, right, high, low) in enumerate(sides):
        others = sides[:number]
        apart = (others[:, 1] <= left) | (right <= others[:, 0]) | (others[:, 3] <= high) | (low <= others[:, 2])
        assert apart.all()
    rows = len({box.y for box in drawing.boxes if box.text.startswith("block")})
    assert len(drawing.lines) == blocks - rows


def test_an_architecture_of_a_module_is_drawn():
    space = ModuleSpace(Deep)
    one = space.locate({"width": 8, "depth": 2, "block0.op": "conv", "block0.kernel": 3, "block1.op": "pool"})
    (figure,) = drawings(space, space.format(one), "found")
    assert figure.caption == "width 8; depth 2; block0 op conv, kernel 3; block1 op pool."
    page = read_page(Page("search", "it", "", [PageSection("cell", "The cell", [figure])]).render())
    assert "op conv" in page.words
    assert "kernel 3" in page.words
