"""The page of a retraining: the same for the same record, and what is on it."""

import pytest

from ranknosh.workflows.retrain.journal import Record
from ranknosh.workflows.retrain.outcome import EpochLine, Retrained
from ranknosh.workflows.retrain.page import render
from ranknosh.workflows.retrain.subject import FoundCell
from tests.pages import read_page
from tests.ranknosh.workflows.retrain.retrain_samples import CELL, GENOTYPE, a_recipe


def a_record(cell, epochs=3, ended=True, validated=True, **settings):
    subject = FoundCell(cell)
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
def test_it_has_every_section_whatever_is_known_yet(cell, epochs, ended):
    page = read_page(render("run", a_record(cell, epochs, ended)))
    assert render("run", a_record(cell, epochs, ended)) == page.source
    assert page.sections == ["result", "curve", "schedule", "cell", "origin"]
    assert page.count("svg") == (1 if cell is CELL else 2) + (2 if epochs else 0)


def test_hostile_names_stay_text():
    bad = "<script>&$x^$"
    record = a_record(GENOTYPE)
    record.header["data"].update(name=bad, images={bad: 1})
    record.header["config"].update(preset=bad, seed=bad)
    record.header.update(architecture=bad, space=bad, git=bad, created=bad, versions={bad: bad})
    record.sessions[0].update(device=bad, command=bad)
    page = read_page(render(bad, record))
    assert "<script" not in page.source
    assert page.words.count(bad) >= 16


def test_it_shows_the_result_and_how_it_came_about():
    page = read_page(render("run", a_record(GENOTYPE))).words
    for text in (
        "81.25 %",
        "62.50 %",
        "1,234",
        "56,789",
        "seed 7",
        "ranknosh retrain & more",
        "<digits>",
    ):
        assert text in page
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
