"""The page of a retraining: the same for the same record, and what is on it."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from ranknosh.config.retrain import RetrainSettings
from ranknosh.config.units import Quantity
from ranknosh.core.records import EpochPoint, Session
from ranknosh.runs.journal import Header
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.training import epoch as training_epoch
from ranknosh.workflows.retrain import retrain
from ranknosh.workflows.retrain.page import render
from ranknosh.workflows.retrain.records import Retrained, RetrainState
from tests.browser import check_page
from tests.pages import read_page
from tests.quantities import METRICS
from tests.ranknosh.workflows.retrain.retrain_samples import CELL, GENOTYPE, GENOTYPE_TEXT, a_recipe, quadrants


def a_view(cell, epochs=3, ended=True, validated=True, name="run"):
    space, text = (
        "nasbench201" if cell is CELL else "darts",
        NasBench201().format(CELL) if cell is CELL else GENOTYPE_TEXT,
    )
    settings = {**a_recipe(space=space).to_dict(), "seed": 7, "architecture": text}
    settings["train"]["all_data"] = not validated
    images = {"train": 9, "validation": 3, "test": 2}
    header = Header(
        format=2,
        workflow="retrain",
        id="run-1",
        created="",
        command="",
        settings=settings,
        data={"name": "<digits>", "inputs": [1, 8, 8], "examples": images},
        facts={"architecture": text, "space": space, "metrics": METRICS},
        versions={"python": "3"},
    )
    state = RetrainState()
    for epoch in range(1, epochs + 1):
        known = {"accuracy": 0.625, "loss": 0.5} if validated else {}
        state.apply(EpochPoint(epoch, 2 / epoch, 0.625, 1.0, known, {"accuracy": 0.3}))
    if ended:
        last = state.curve[-1]
        test, costs = {"accuracy": 0.8125, "loss": 0.4}, {"params": 1234.0, "macs": 56789.0}
        state.result = Retrained(
            *(text, space, 7, epochs, last.train_loss, last.train_metrics, last.metrics, test, not validated),
            *(costs, "cpu", 3.5, images),
        )
    sessions = [Session(1, 2, "cpu", "ranknosh retrain & more")]
    return {
        "name": name,
        "header": header,
        "sessions": sessions,
        "settings": RetrainSettings.from_dict(settings),
        "state": state,
    }


def shown(view):
    """The page of a run with the fields of ``view``."""
    quantities = Quantity.several(view["header"].facts["metrics"])
    return render(SimpleNamespace(**view, quantities=quantities), view["settings"])


@pytest.mark.parametrize("cell", [CELL, GENOTYPE])
@pytest.mark.parametrize(("epochs", "ended"), [(3, True), (1, False), (0, False)])
def test_it_has_every_section_whatever_is_known_yet(cell, epochs, ended):
    source = shown(a_view(cell, epochs, ended))
    page = read_page(source)
    assert shown(a_view(cell, epochs, ended)) == source
    assert page.sections == ["result", "curve", "schedule", "cell", "origin"]
    assert page.count("svg") == (1 if cell is CELL else 2) + (2 if epochs else 0)


def test_hostile_names_stay_text():
    bad = "<script>&$x^$"
    view = a_view(GENOTYPE, name=bad)
    header = replace(
        view["header"],
        data={**view["header"].data, "name": bad, "examples": {**view["header"].data["examples"], bad: 1}},
        facts={"architecture": bad, "space": bad, "metrics": METRICS},
        versions={bad: bad},
        git=bad,
        created=bad,
    )
    settings = view["settings"].replace([f"preset={bad!r}", f"architecture={bad!r}"])
    sessions = [replace(view["sessions"][0], device=bad, command=bad)]
    page = read_page(shown({**view, "header": header, "settings": settings, "sessions": sessions}))
    assert "<script" not in page.source
    assert page.words.count(bad) >= 15


def test_it_shows_the_result_and_how_it_came_about():
    page = read_page(shown(a_view(GENOTYPE))).words
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
    page = shown(a_view(CELL, 2, ended=False))
    assert "2 of 3 epochs so far" in page
    assert "81.25" not in page


def test_validation_that_was_trained_on_has_no_metrics():
    page = shown(a_view(CELL, validated=False))
    assert "which was trained on" in page
    assert "because it was trained on" in page
    assert "62.50" not in page


def test_the_schedule_it_shows_is_the_one_that_was_trained_by(monkeypatch, tmp_path):
    rates, drops, train = [], [], training_epoch._train_epoch

    def watched(training, *given):
        step = training.optimizer.step
        seen = []
        monkeypatch.setattr(training.optimizer, "step", lambda rate: seen.append(rate) or step(rate))
        try:
            return train(training, *given)
        finally:
            rates.append(seen)
            drops.append(training.drop_path.rate)
            monkeypatch.setattr(training.optimizer, "step", step)

    monkeypatch.setattr(training_epoch, "_train_epoch", watched)
    recipe = a_recipe("train.lr_per=step", "train.warmup_epochs=2", "train.all_data=true")
    retrain(GENOTYPE, quadrants(), recipe, tmp_path / "run")
    assert [len(seen) for seen in rates] == [5, 5, 5]  # 96 and 40 images in batches of 32
    shown = f"learning rate {rates[0][0]:.3g} to {rates[2][0]:.3g}, drop-path rate {drops[0]:.3g} to {drops[2]:.3g}."
    assert drops == [0, pytest.approx(0.1), pytest.approx(0.2)]
    assert shown in read_page((tmp_path / "run" / "report.html").read_text()).words


@pytest.mark.slow
def test_a_browser_shows_it(browser, tmp_path):
    check_page(browser, shown(a_view(CELL)), tmp_path)
