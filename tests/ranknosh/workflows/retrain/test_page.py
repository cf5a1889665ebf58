"""ranknosh/workflows/retrain/page.py, plots.py and genotype_drawing.py: whole, offline, the same for the same journal."""

import re
from html.parser import HTMLParser

import pytest

from ranknosh.report.genotype_drawing import describe_genotype_cell, draw_genotype_cell
from ranknosh.workflows.retrain.journal import Record
from ranknosh.workflows.retrain.outcome import EpochLine, Retrained
from ranknosh.workflows.retrain.page import render
from ranknosh.workflows.retrain.subject import Subject
from tests.ranknosh.workflows.retrain.retrain_samples import CELL, GENOTYPE, a_recipe

VOID = {"meta", "br", "path", "use", "img", "rect", "circle"}


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def a_record(cell, epochs=3, ended=True, validated=True, **settings):
    subject = Subject(cell)
    config = {**a_recipe(space=subject.space).to_dict(), "seed": 7}
    config["train"]["all_images"] = not validated
    record = Record(
        {
            "config": config,
            "architecture": subject.text,
            "space": subject.space,
            "versions": {"python": "3"},
            "data": {"name": "<digits>", "image_shape": [1, 8, 8], "images": {"train": 9, "validation": 3, "test": 2}},
        },
        [{"device": "cpu", "command": "ranknosh retrain & more"}],
    )
    for epoch in range(1, epochs + 1):
        known = (0.5, 0.625) if validated else (None, None)
        record.add(EpochLine(epoch, 0.1 / epoch, 0.1 * (epoch - 1), 2 / epoch, 0.3, *known, 1.0))
    if ended:
        last = record.curve[-1]
        known = (last.validation_loss, last.validation_accuracy)
        record.result = Retrained(
            *(subject.text, subject.space, 7, epochs, last.train_loss, 0.3, *known, 0.4, 0.8125, not validated),
            *(1234, 56789, "cpu", 3.5, {"train": 9, "validation": 3, "test": 2}),
        )
    return record


@pytest.mark.parametrize("cell", [CELL, GENOTYPE])
@pytest.mark.parametrize(("epochs", "ended"), [(3, True), (1, False), (0, False)])
def test_it_is_whole_and_needs_nothing_from_outside(cell, epochs, ended):
    page = render("run", a_record(cell, epochs, ended))
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "http" not in page.replace("http://www.w3.org", "")
    assert render("run", a_record(cell, epochs, ended)) == page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    pictures = (1 if cell is CELL else 2) + (2 if epochs else 0)
    assert page.count("<svg") == pictures


def test_it_tells_the_result_and_how_it_came_about():
    page = render("run", a_record(GENOTYPE))
    for text in (
        "81.25\u00a0%",
        "62.50\u00a0%",
        "1,234",
        "56,789",
        "seed 7",
        "ranknosh retrain &amp; more",
        "&lt;digits&gt;",
    ):
        assert text in page
    assert "<digits>" not in page
    assert "so far" not in page


def test_an_unfinished_one_says_so():
    page = render("run", a_record(CELL, 2, ended=False))
    assert "2 of 3 epochs so far" in page
    assert "81.25" not in page


def test_validation_images_that_were_trained_on_have_no_accuracy():
    page = render("run", a_record(CELL, validated=False))
    assert "whose images were trained on" in page
    assert "because its images were trained on" in page
    assert "62.50" not in page


def test_a_genotype_is_drawn_with_every_operation_and_described():
    svg = draw_genotype_cell(GENOTYPE, "normal", "n")
    for text in ("sep conv 3×3", "skip", "max pool 3×3", "dil conv 3×3", "c(k−2)", "c(k−1)", "out"):
        assert f">{text}<" in svg
    assert describe_genotype_cell(GENOTYPE, "normal") == (
        "sep conv 3×3 from c(k−2) to node 0; skip from c(k−1) to node 0; max pool 3×3 from c(k−1) to node 1; "
        "dil conv 3×3 from node 0 to node 1; the output joins nodes 0, 1"
    )
    assert svg != draw_genotype_cell(GENOTYPE, "reduce", "n")


def test_no_two_boxes_or_nodes_of_a_drawing_overlap():
    for kind in ("normal", "reduce"):
        svg = draw_genotype_cell(GENOTYPE, kind, "n")
        rectangles = [
            tuple(map(float, found))
            for found in re.findall(r'<rect x="(.*?)" y="(.*?)" width="(.*?)" height="(.*?)"', svg)
        ]
        circles = [tuple(map(float, found)) for found in re.findall(r'<circle cx="(.*?)" cy="(.*?)" r="(.*?)"', svg)]
        boxes = rectangles + [(x - r, y - r, 2 * r, 2 * r) for x, y, r in circles]
        assert len(boxes) == 4 + 2 + 1 + 2
        for index, (x, y, w, h) in enumerate(boxes):
            for u, v, s, t in boxes[:index]:
                assert x + w <= u or u + s <= x or y + h <= v or v + t <= y
