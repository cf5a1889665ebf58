"""The page of finals: the same for the same journal, what is on it, and what it says before anything is known."""

from pathlib import Path

import pytest

from ranknosh.core.records import Session
from ranknosh.runs.journal import Header, History
from ranknosh.workflows.finals import FinalsRun
from ranknosh.workflows.finals.records import FinalTrained, Picked
from tests.browser import check_page
from tests.pages import read_page
from tests.quantities import METRICS
from tests.ranknosh.workflows.retrain.retrain_samples import a_recipe

TEXTS = [
    "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|",
    "|skip_connect~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|",
]
COSTS = {"params": 1234.0, "macs": 56789.0}
ENDED = (
    FinalTrained(1, 0, 3, {"accuracy": 0.5, "loss": 1.0}, COSTS, 2.0),
    FinalTrained(2, 0, 3, {"accuracy": 0.6, "loss": 0.9}, COSTS, 2.0),
    FinalTrained(1, 1, 3, {"accuracy": 0.55, "loss": 0.9}, COSTS, 2.0),
    FinalTrained(2, 1, 3, {"accuracy": 0.7, "loss": 0.8}, COSTS, 2.0),
)


def a_run(*records):
    settings = a_recipe(space="nasbench201").to_dict()
    del settings["architecture"]
    settings |= {"architectures": TEXTS, "seeds": 2, "data": {"name": "digits"}}
    data = {"name": "<digits>", "inputs": [1, 8, 8], "examples": {"train": 9, "validation": 3, "test": 2}}
    facts = {
        "architectures": TEXTS,
        "space": "nasbench201",
        "metrics": METRICS,
        "ranked": "accuracy",
        "augment": "none",
    }
    header = Header(
        format=2, workflow="finals", id="finals-1", created="", command="", settings=settings, data=data, facts=facts,
        versions={},
    )  # fmt: skip
    return FinalsRun(Path("finals-001"), History(header, (Session(1, 2, "cpu", "ranknosh retrain"), *records), 9.0))


@pytest.mark.parametrize("known", [0, 1, 4])
def test_it_has_every_section_whatever_is_known_yet(known):
    source = a_run(*ENDED[:known]).page()
    page = read_page(source)
    assert a_run(*ENDED[:known]).page() == source
    assert page.sections == ["result", "final", "table", "cell", "runs", "origin"]
    assert page.count("svg") == (1 if known else 0)
    assert f"{known} of 4 trainings so far" in page.words


def test_it_shows_what_was_picked_and_every_training():
    page = read_page(a_run(*ENDED, Picked(2, 1, {"accuracy": 0.6543, "loss": 0.9}, 0.5, "trained")).page())
    for text in (
        "65.43 %",
        "70.00 %",
        "65.00 %",
        "5.00 points",
        "architecture 2, seed 1",
        "1,234",
        TEXTS[1],
        "<digits>",
    ):
        assert text in page.words
    assert "so far" not in page.words
    assert page.count("svg") == 2


def test_a_failure_stands_in_its_row():
    page = read_page(a_run(ENDED[0], FinalTrained(2, 0, 3, seconds=1.0, failed="it diverged & ended")).page())
    assert "it diverged & ended" in page.words


@pytest.mark.slow
def test_a_browser_shows_it(browser, tmp_path):
    check_page(browser, a_run(*ENDED, Picked(2, 1, {"accuracy": 0.6543, "loss": 0.9}, 0.5, "trained")).page(), tmp_path)
