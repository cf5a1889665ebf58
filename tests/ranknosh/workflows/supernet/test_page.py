"""The page of a supernet search."""

from dataclasses import replace
from pathlib import Path

import pytest

from ranknosh.workflows.supernet.page import render
from ranknosh.workflows.supernet.run import SupernetRun
from tests.browser import check_page
from tests.pages import read_page
from tests.ranknosh.workflows.supernet.supernet_samples import history_of, search

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
    "truth": 0.875,
}


def test_a_finished_search(tmp_path):
    page = read_page(
        render(
            SupernetRun(Path("mine"), history_of([(SKIP,) * 5 + (CONV,)] * 3, truths=[0.8, 0.9, 0.875], result=RESULT))
        )
    )
    for text in (
        "mine DARTS (Liu et al., ICLR 2019)",
        "DARTS (Liu et al., ICLR 2019) on the supernet of nasbench201",
        "The found architecture",
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
    page = render(SupernetRun(Path("mine"), history_of([(CONV,) * 6, (SKIP,) + (CONV,) * 5])))
    assert "The architecture derived so far" in page
    assert "not finished" in page
    assert "changed 1 time, for the last time in epoch 2" in page
    assert "nats" in page
    assert 'class="warning"' not in page
    assert "No epoch has ended yet" in render(SupernetRun(Path("mine"), history_of([])))


def test_hostile_names_stay_text():
    bad = "<script>&$x^$"
    history = history_of([(CONV,) * 6] * 3, measured=[{bad: 1.0}] * 3)
    facts = history.header.facts
    facts.update(title=bad, source=bad, recipe={bad: bad, "augment": bad}, space=bad)
    facts["candidates"] = {bad: [[bad, "skip_connect", "c", "d", "e"]] * 6}
    facts["edges"] = {bad: facts["edges"]["normal"]}
    images = {"name": bad, "examples": {bad: 1}}
    history.header = replace(
        history.header,
        settings={**history.header.settings, "out": bad},
        git=bad,
        created=bad,
        versions={bad: bad},
        data=images,
    )
    session, plan, *epochs = history.records
    renamed = [
        replace(each, text=bad, theta={bad: each.theta["normal"]}, cells={bad: each.cells["normal"]}) for each in epochs
    ]
    history.records = [replace(session, command=bad, device=bad), plan, *renamed]
    page = read_page(render(SupernetRun(Path(bad), history)))
    assert "<script" not in page.source
    assert page.words.count(bad) >= 20


def test_equal_records_give_equal_bytes():
    assert render(SupernetRun(Path("a"), history_of([(CONV,) * 6] * 3))) == render(
        SupernetRun(Path("a"), history_of([(CONV,) * 6] * 3))
    )


def test_it_is_written_into_the_folder(tmp_path):
    told = []
    run = search(tmp_path / "run", epochs=2, report=True, events=told.append)
    page = tmp_path / "run" / "report.html"
    assert page.exists(), told  # where it cannot be written, a message says why
    assert run.state.result.text.replace("|", "|<wbr>") in page.read_text()
    page.unlink()
    assert run.report() == page
    assert page.exists()


@pytest.mark.slow
def test_a_browser_shows_it(browser, tmp_path):
    check_page(
        browser,
        render(
            SupernetRun(Path("mine"), history_of([(SKIP,) * 5 + (CONV,)] * 3, truths=[0.8, 0.9, 0.875], result=RESULT))
        ),
        tmp_path,
    )
