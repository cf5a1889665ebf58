"""Metrics over batches: the same whatever the batches, and whatever is held back."""

import pickle

import pytest
import torch

from ranknosh.tasks import meters
from ranknosh.tasks.catalog import make_task
from ranknosh.tasks.meters import ArgmaxAccuracy, Measured
from tests.ranknosh.tasks.task_samples import classes, of, rows

OUTPUTS = torch.randn(12, 3, generator=torch.Generator().manual_seed(5))
WANTED = torch.arange(12) % 3


def measured(batch: int, **settings: object) -> dict[str, float]:
    task = make_task(classes(), {"name": "classification", **settings})
    found = Measured(task, torch.device("cpu"))
    for outputs, targets in zip(OUTPUTS.split(batch), WANTED.split(batch), strict=True):
        found.add(outputs, targets, task.evaluation_loss(outputs, targets))
    return found.values()


def test_values_do_not_depend_on_the_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"metrics": ("f1", "accuracy")}
    whole = measured(12, **asked)
    assert list(whole) == ["f1", "accuracy", "loss"]
    assert whole["accuracy"] == int((OUTPUTS.argmax(1) == WANTED).sum()) / 12
    assert measured(5, **asked) == pytest.approx(whole)
    monkeypatch.setattr(meters, "_HELD", 4)  # every batch is taken in at once
    assert measured(5, **asked) == pytest.approx(whole)


def test_the_loss_weighs_examples_not_batches() -> None:
    wanted = torch.nn.functional.cross_entropy(OUTPUTS, WANTED).item()
    assert measured(7)["loss"] == pytest.approx(wanted)


def test_a_metric_without_a_finite_value_is_left_out() -> None:
    task = make_task(of(rows(4), torch.tensor([1.0, 1.0, 1.0, 2.0])), {"name": "regression"})
    found = Measured(task, torch.device("cpu"))
    found.add(torch.full((4, 1), float("inf")), torch.ones(4), torch.tensor(float("nan")))
    assert set(found.values()) <= {"r2"}


def test_accuracy_is_an_exact_fraction_and_counts_what_is_told() -> None:
    meter = ArgmaxAccuracy(ignored=9)
    meter.update(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 9, 1]))
    meter.update(torch.tensor([[1.0, 0.0]]), torch.tensor([1]))
    assert meter.compute() == 2 / 3
    empty = ArgmaxAccuracy(ignored=9)
    empty.update(torch.zeros(1, 2), torch.tensor([9]))
    assert empty.compute() != empty.compute()


def test_tasks_and_their_metrics_pickle() -> None:
    task = make_task(classes(), {"name": "classification", "metrics": ("f1", "auroc", "accuracy")})
    again = pickle.loads(pickle.dumps(task))
    for name, metric in again.metrics.items():
        meter = metric.make()
        meter.update(OUTPUTS, WANTED)
        assert 0 <= float(meter.compute()) <= 1, name
