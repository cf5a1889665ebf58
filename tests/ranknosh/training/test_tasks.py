"""Every task is trained by the one trainer: its loss goes down, its metrics are read off, and its direction is kept."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ranknosh.errors import ConfigError
from ranknosh.spaces.signature import Signature
from ranknosh.tasks import Data, Metric, Task
from ranknosh.tasks.catalog import make_task
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.evaluate import evaluate, test_candidate, trained_network
from ranknosh.training.proxies import proxy_scorer
from ranknosh.training.rung import train_rung
from tests.image_sets import load
from tests.ranknosh.training.task_networks import drawn, even, everywhere, parts, reading, recipe_of, shaped, tags
from tests.ranknosh.training.train_samples import CELL, BuiltSpace, a_job, failed, trained

JOB = a_job(0, 8)


def weather() -> Data:
    """Two numbers of very different units, linear in three inputs of very different units."""
    rows = torch.randn(200, 3, generator=drawn())
    targets = torch.stack([rows[:, 0] * 300 + 5000, rows[:, 1] * 0.01 - rows[:, 2] * 0.02], dim=1)
    return parts(rows * torch.tensor([1.0, 1e3, 1e-3]), targets)


def text() -> Data:
    """A token is followed by the next one, counted round, in nine cases of ten."""
    tokens = torch.zeros(150, 12, dtype=torch.int64)
    tokens[:, 0] = torch.randint(0, 7, (150,), generator=drawn())
    jump = torch.rand(150, 12, generator=drawn(1)) < 0.1
    for place in range(1, 12):
        other = torch.randint(0, 7, (150,), generator=drawn(place))
        tokens[:, place] = torch.where(jump[:, place], other, (tokens[:, place - 1] + 1) % 7)
    return parts(tokens[:, :-1], tokens[:, 1:])


def brighter() -> Data:
    """Pictures to the same pictures, turned around."""
    pictures = torch.randint(0, 256, (100, 1, 6, 6), dtype=torch.uint8, generator=drawn())
    return parts(pictures, 255.0 - pictures.float())


def masks() -> Data:
    return load("digit_masks", options={"train_images": 200, "validation_images": 60, "test_images": 60})


CASES = {
    "regression": (weather, shaped, "rmse", {"rmse", "mae", "r2", "loss"}),
    "multilabel": (tags, shaped, "f1", {"f1", "accuracy", "loss"}),
    "tokens": (text, reading, "perplexity", {"perplexity", "accuracy", "loss"}),
    "dense": (masks, everywhere, "iou", {"iou", "accuracy", "loss"}),
    "pictures": (brighter, everywhere, "rmse", {"rmse", "mae", "r2", "loss"}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_task_is_learned_judged_ranked_and_tested(case: str, tmp_path: Path) -> None:
    make, build, ranks, names = CASES[case]
    task = make_task(make(), {})
    recipe = recipe_of(task, build, ema=0.5)
    outcome, store = trained(JOB, recipe, tmp_path)
    first, last = outcome.curve[0], outcome.curve[-1]
    assert last.train_loss < first.train_loss
    assert set(last.metrics) == set(outcome.metrics) == names
    assert set(last.train_metrics) == names - {"loss"}
    sign = 1 if task.metrics[ranks].higher else -1
    assert outcome.metric == sign * outcome.metrics[ranks]
    assert outcome.metric > first.metric
    network = trained_network(7, store, BuiltSpace(build))
    assert evaluate(network, task.data.validation, recipe) == pytest.approx(outcome.metrics, rel=1e-5)
    tested = test_candidate(JOB, recipe, store)
    assert tested.metrics == pytest.approx(evaluate(network, task.data.test, recipe), rel=1e-5)
    assert tested.metrics != outcome.metrics


def test_regression_is_learned_in_units_that_are_far_apart(tmp_path: Path) -> None:
    outcome, _ = trained(a_job(0, 8), recipe_of(make_task(weather(), {}), shaped), tmp_path)
    assert outcome.metrics["r2"] > 0.5  # the mean of both targets, one of which is 30,000 times the other


def test_ranking_by_the_loss_and_by_a_metric_where_less_is_better(tmp_path: Path) -> None:
    task = make_task(weather(), {"name": "regression", "metrics": ("r2", "mae")})
    for metric, expected in (("auto", "r2"), ("mae", "mae"), ("loss", "loss")):
        recipe = recipe_of(task, shaped, metric=metric)
        outcome, _ = trained(a_job(0, 1), recipe, tmp_path / metric)
        assert recipe.ranked == expected
        assert outcome.metric == (1 if expected == "r2" else -1) * outcome.metrics[expected]
    with pytest.raises(ConfigError, match=r"train\.metric is 'rmse', and the task regression measures r2, mae, loss"):
        recipe_of(task, shaped, metric="rmse")


def test_all_data_are_learned_by_other_tasks_too(tmp_path: Path) -> None:
    outcome, _ = trained(a_job(0, 2), recipe_of(make_task(weather(), {}), shaped, all_data=True), tmp_path)
    assert outcome.metrics == {}
    assert outcome.metric == -outcome.curve[-1].train_metrics["rmse"]


class Apart(Task):
    """A step of its own: outputs for the inputs and for their mirror images, which shall agree."""

    def __init__(self, data: Data, weight: float = 1.0) -> None:
        super().__init__(data)
        self.weight, self.steps = weight, 0
        self.signature = Signature(data.input_shape, (1,))
        self.metrics = {"off": Metric("off", False, "mm", Off)}
        self.rank_by = "off"

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs[:, 0] - targets).square().mean()

    def train_step(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        self.steps += 1
        outputs = model(inputs)
        return self.loss(outputs, targets) + self.weight * (outputs - model(-inputs)).square().mean(), outputs


class Off:
    def __init__(self) -> None:
        self.most = 0.0

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        self.most = max(self.most, float((outputs[:, 0] - targets).abs().max()))

    def compute(self) -> float:
        return self.most


def test_ones_own_step_decides_what_is_learned(tmp_path: Path) -> None:
    found = {}
    for weight in (0.0, 2.0):
        task = Apart(even(), weight)
        recipe = recipe_of(task, shaped, lr=0.02)
        _, store = trained(a_job(0, 8), recipe, tmp_path / str(weight))
        assert task.steps == 8 * 4  # 60 examples in batches of 16
        network = trained_network(7, store, BuiltSpace(shaped))
        rows = task.data.preparation(task.data.test.inputs, task.data.test.targets, "none", None)[0]
        with torch.no_grad():
            found[weight] = float((network(rows) - network(-rows)).abs().mean())
    assert found[2.0] < 0.7 * found[0.0]


def test_a_metric_without_a_finite_value_ends_the_training(tmp_path: Path) -> None:
    task = Apart(even())
    task.metrics = {"off": Metric("off", False, "", Never)}
    outcome = failed(train_rung(a_job(0, 1), recipe_of(task, shaped), CheckpointStore(tmp_path)))
    assert (outcome.kind, outcome.message) == ("diverged", "validation off is not finite after epoch 1")


class Never(Off):
    def compute(self) -> float:
        return math.nan


def test_a_lazy_part_is_trained_as_one_in_memory(tmp_path: Path) -> None:
    from ranknosh.tasks.data import from_datasets

    pictures = torch.randint(0, 256, (60, 1, 8, 8), dtype=torch.uint8, generator=drawn())
    labels = (pictures.float().mean((1, 2, 3)) > 127.5).long()
    items = [(picture, int(label)) for picture, label in zip(pictures, labels, strict=True)]
    curves = []
    for kept in (True, False):
        data = from_datasets(items[:40], items[40:50], items[50:], in_memory=kept)  # type: ignore[arg-type]
        recipe = recipe_of(make_task(data, {}), shaped, augment="crop_flip_cutout", ema=0.9)
        outcome, _ = trained(a_job(0, 3), recipe, tmp_path / str(kept))
        curves.append([dataclasses.replace(point, seconds=0.0) for point in outcome.curve])
    assert curves[0] == curves[1]


@pytest.mark.parametrize("case", ["regression", "multilabel", "dense"])
def test_proxies_score_networks_of_other_tasks_by_their_loss(case: str) -> None:
    make, build, _, _ = CASES[case]
    task = make_task(make(), {})
    scores = proxy_scorer(BuiltSpace(build), task, ("params", "grad_norm"), batch=16, seed=0)(CELL)[0]
    assert scores["params"] == sum(weight.numel() for weight in build(CELL, task.signature).parameters())
    assert scores["grad_norm"] is not None
    assert scores["grad_norm"] > 0
