"""The page of a supernet search."""

import pytest

from ranknosh.errors import StoreError
from ranknosh.workflows.supernet.page import render, write_page
from ranknosh.workflows.supernet.view import SupernetView
from tests.pages import read_page
from tests.ranknosh.workflows.supernet.oneshot_samples import search, told

CONV, SKIP = 3, 1
RESULT = {
    "cells": {"normal": [SKIP] * 5 + [CONV]},
    "text": "|skip_connect~0|+|skip_connect~0|skip_connect~1|",
    "skips": 5,
    "epochs": 3,
    "ended": "all 3 epochs are done",
    "capped": False,
    "device_seconds": 4.5,
    "selection_seconds": 0.0,
    "lost_seconds": 0.0,
    "wall_seconds": 7.0,
    "peak_memory": {"process": 123456789},
    "true_accuracy": 0.875,
}


def test_a_finished_search(tmp_path):
    page = read_page(
        render(SupernetView("mine", told([(SKIP,) * 5 + (CONV,)] * 3, truths=[0.8, 0.9, 0.875], result=RESULT)))
    )
    for text in (
        "mine DARTS (Liu et al., ICLR 2019)",
        "DARTS (Liu et al., ICLR 2019) on the supernet of nasbench201",
        "The found cell",
        "5 of 6",
        "87.50 %",
        "123.5 MB (process)",
        "all 3 epochs are done",
        "softmax | dense | search 9",
        "The search has collapsed: since epoch 1",
        "ranknosh supernet darts <&>",
        "still that of the first one",
    ):
        assert text in page.words
    assert page.sections == ["found", "skips", "entropy", "losses", "truth", "theta-normal", "origin"]
    assert page.count("svg") == 6


def test_a_search_that_goes_on_or_has_just_begun():
    page = render(SupernetView("mine", told([(CONV,) * 6, (SKIP,) + (CONV,) * 5])))
    assert "The cell derived so far" in page
    assert "not finished" in page
    assert "changed 1 time, for the last time in epoch 2" in page
    assert "nats" in page
    assert 'class="warning"' not in page
    assert "No epoch has ended yet" in render(SupernetView("mine", told([])))


def test_hostile_names_stay_text():
    bad = "<script>&$x^$"
    record = told([(CONV,) * 6] * 3, measured=[{bad: 1.0}] * 3)
    header = record.header
    header["method"].update(title=bad, source=bad, recipe={bad: bad, "augment": bad})
    header.update(space=bad, seed=bad, git=bad, created=bad, versions={bad: bad}, config={bad: bad})
    header["data"].update(name=bad, images={bad: 1})
    header["candidates"] = {bad: [[bad, "skip_connect", "c", "d", "e"]] * 6}
    header["edges"] = {bad: header["edges"]["normal"]}
    for row in record.epochs:
        row.update(text=bad, theta={bad: row["theta"]["normal"]}, cells={bad: row["cells"]["normal"]})
    record.sessions[0].update(command=bad, device=bad)
    page = read_page(render(SupernetView(bad, record)))
    assert "<script" not in page.source
    assert page.words.count(bad) >= 20


def test_equal_records_give_equal_bytes():
    assert render(SupernetView("a", told([(CONV,) * 6] * 3))) == render(SupernetView("a", told([(CONV,) * 6] * 3)))


def test_it_is_written_into_the_folder(tmp_path):
    outcome = search(tmp_path / "run", epochs=2, report=True)
    page = tmp_path / "run" / "report.html"
    assert outcome.text.replace("|", "|<wbr>") in page.read_text()
    page.unlink()
    assert write_page(tmp_path / "run") == page
    assert page.exists()
    with pytest.raises(StoreError, match="holds no supernet search"):
        write_page(tmp_path)
