"""Supernets of a user's own modules on tasks that are no classes of pictures: runs, pages, refusals."""

import pytest
import torch

from ranknosh import open_run
from ranknosh.errors import ConfigError, DataError
from ranknosh.runs.events import silent
from ranknosh.tasks.base import LOSS
from ranknosh.workflows.supernet import search_supernet
from ranknosh.workflows.supernet.assembly import judge_of
from tests.ranknosh.workflows.supernet.supernet_samples import Heard, without_report
from tests.small_tasks import NETS, Stepping, small_space, small_task

SMALL = {"recipe": {"batch": 8}, "train": {"device": "cpu"}, "events": silent, "epochs": 1}
CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "metric", "higher"),
    [("regression", "rmse", False), ("dense", "iou", True), ("tokens", "perplexity", False)],
)
def test_a_task_from_python_is_searched_judged_and_shown_in_its_own_words(tmp_path, name, metric, higher):
    run = search_supernet("darts", NETS[name], small_task(name), out=str(tmp_path), **SMALL)
    (epoch,) = run.state.epochs
    assert run.header.facts["ranked"] == metric
    assert run.quantities[metric].higher is higher
    assert run.header.facts["recipe"]["augment"] == ("crop_flip" if name == "dense" else "none")
    assert epoch.train_metric > 0
    assert run.header.data["task"]["name"] == name
    page = (run.folder / "report.html").read_text()
    assert f"{metric} of the supernet on its training examples" in page
    assert "cross-entropy" not in page
    assert open_run(run.folder).architecture == run.architecture
    assert small_space(name).network(run.architecture, small_task(name).signature) is not None


def test_a_space_object_from_python_is_searched(tmp_path):
    with without_report():
        run = search_supernet(
            "gdas", small_space("regression"), task=small_task("regression"), out=str(tmp_path), **SMALL
        )
    assert run.settings.space.name == "tests.module_nets:rows"
    assert run.architecture is not None


def test_an_interrupted_one_goes_on_with_its_task(tmp_path):
    task, folder, heard = small_task("regression"), tmp_path / "r", Heard(stop_after=1)
    settings = {**SMALL, "epochs": 2, "events": heard}
    with without_report():
        with pytest.raises(KeyboardInterrupt):
            search_supernet("darts", NETS["regression"], task, folder=folder, stop=heard.stop, **settings)
        with pytest.raises(DataError):
            open_run(folder).resume(data=small_task("regression", seed=1))
        run = open_run(folder).resume(data=task, events=silent)
        whole = search_supernet("darts", NETS["regression"], task, folder=tmp_path / "w", **{**SMALL, "epochs": 2})
    assert run.ended
    assert [epoch.theta for epoch in run.state.epochs] == [epoch.theta for epoch in whole.state.epochs]


def test_what_a_task_ranks_by_judges_its_supernet():
    judge = judge_of(small_task("regression"), CPU)
    outputs, task = torch.zeros(16, 1), small_task("regression")
    errors = task.mean - task.data.validation.targets  # outputs of 0 are the mean of the training targets
    assert judge.of(outputs, task.data.validation.targets) == pytest.approx(
        errors.square().mean().sqrt().item(), rel=1e-5
    )
    assert (judge.name, judge.higher) == ("rmse", False)
    task.rank_by = LOSS
    by_loss = judge_of(task, CPU)
    assert (by_loss.name, by_loss.higher) == (LOSS, False)
    targets = task.data.validation.targets
    assert by_loss.of(outputs, targets) == pytest.approx(task.loss(outputs, targets).item(), rel=1e-5)


@pytest.mark.parametrize(
    ("method", "task", "recipe", "error", "message"),
    [
        ("darts", Stepping, {}, ConfigError, "has a train_step of its own, and a supernet learns by the task's loss"),
        ("darts", None, {"augment": "crop_flip"}, DataError, "changes pictures, and the inputs are numbers"),
        ("r_darts_dp", None, {}, ConfigError, "cuts squares out of pictures"),
    ],
)
def test_what_cannot_be_searched_is_said_before_anything_is_written(tmp_path, method, task, recipe, error, message):
    given = small_task("regression")
    given = given if task is None else task(given.data)
    settings = {**SMALL, "recipe": {"batch": 8, **recipe}}
    with pytest.raises(error, match=message):
        search_supernet(method, NETS["regression"], given, out=str(tmp_path), **settings)
    assert list(tmp_path.iterdir()) == []
