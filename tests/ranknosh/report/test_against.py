"""Two searches beside one another, and what cannot be."""

from dataclasses import replace

import pytest

from ranknosh.core.records import Observed
from ranknosh.errors import ConfigError
from ranknosh.report.against import render, write
from ranknosh.report.search_page import render as alone
from tests.browser import check_page
from tests.pages import read_page


@pytest.fixture
def pair(build, by_hand, tmp_path):
    """The run by hand, and one with another seed and two levels that found 90 % at once."""
    shorter = [(t, r) for t, r in by_hand[:8]]
    record = shorter[-1][1]
    shorter[-1] = (2.0, Observed(0, 1, 0.9, {"accuracy": 0.9, "loss": 0.1}, 1, 1.0, record.costs))
    pyramid = {"epochs": [1, 2], "ratio": 0.5, "initial": 4, "batch": 2, "candidates": 4}
    first, second = build.view(by_hand, tmp_path), build.view(shorter, tmp_path, seed=4, name="other", pyramid=pyramid)
    data = {"name": "digits", "fingerprint": "abcdef0123456789", "examples": {"train": 10}}
    first.history.header = replace(first.header, data=data)
    second.history.header = replace(second.header, id="other-1", data=data)
    return first, second


def test_a_page_has_both_side_by_side(pair):
    page = read_page(render(*pair))
    assert page.sections == ["found", "settings", "incumbent", "pyramid", "budget", "architectures", "origin"]
    for said in (
        "tiny and other",
        "validation accuracy on digits 75.00 % 90.00 %",  # the mean of two seeds
        "test accuracy, read once 65.00 % n/a",
        "training epochs spent 12 1",
        "seed 3 4",
        "pyramid.epochs [1, 2, 4] [1, 2]",
        "1 1 1 3 of 4 1 of 4",
        "3 4 n/a 1 of 1 n/a",
        "One run each: a difference may be chance",
    ):
        assert said in page.words, said
    assert "name tiny" not in page.words
    assert '<th scope="row" class="text">training epochs spent' in page.source
    picture = next(block for block in page.all("svg"))
    assert picture
    assert page.source.count("<title>#0: 90.00 % at level 1</title>") == 3
    assert render(*pair) == render(*pair)


def test_settings_are_written_as_in_a_config(pair):
    first, second = pair
    second.settings = second.settings.replace(["objectives=[accuracy, params]", "train.nesterov=false"])
    words = read_page(render(first, second)).words
    assert "objectives [] [accuracy, params]" in words
    assert "train.nesterov true false" in words


def test_it_is_written_beside_the_first(pair):
    path = write(*pair)
    assert path.parent == pair[0].folder
    assert path.name == f"against-{pair[1].folder.name}.html"
    assert path.read_text() == render(*pair) != alone(pair[0])


def test_other_tasks_and_the_same_run_are_refused(pair):
    first, second = pair
    with pytest.raises(ConfigError, match="are one run"):
        render(first, first)
    second.history.header = replace(second.header, data={**second.header.data, "fingerprint": "000"})
    with pytest.raises(ConfigError, match=r"different tasks.*digits \(abcdef012345\), of the second digits \(000\)"):
        render(first, second)


def test_other_metrics_are_another_task(pair):
    first, second = pair
    facts = {**second.header.facts, "metrics": {"map": {"higher": True, "unit": "%"}}}
    second.history.header = replace(second.header, facts=facts)
    with pytest.raises(ConfigError, match="metrics of the first is accuracy, loss, of the second map"):
        render(first, second)


def test_a_run_without_results_has_a_page(pair, build, by_hand):
    first, second = pair
    empty = build.view(by_hand[:1], first.folder)
    empty.history.header = replace(second.header)
    words = read_page(render(first, empty)).words
    assert "not both have a candidate" in words


@pytest.mark.slow
def test_a_browser_shows_it(browser, pair, tmp_path):
    check_page(browser, render(*pair), tmp_path)
