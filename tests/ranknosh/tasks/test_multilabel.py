"""Several labels: binary cross-entropy and its metrics by hand."""

import math

import pytest
import torch

from ranknosh.errors import DataError
from ranknosh.tasks.multilabel import Multilabel
from tests.ranknosh.tasks.task_samples import of, rows

WANTED = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]])


def task() -> Multilabel:
    return Multilabel(of(rows(4), WANTED))


def test_the_loss_is_the_mean_binary_cross_entropy() -> None:
    outputs = torch.tensor([[0.0, 2.0], [1.0, -1.0]])
    by_hand = (math.log(2) + math.log(1 + math.exp(2)) + math.log(1 + math.exp(-1)) + math.log(1 + math.e)) / 4
    assert task().loss(outputs, WANTED[:2]).item() == pytest.approx(by_hand, rel=1e-6)


def test_metrics_read_probabilities() -> None:
    # All logits lie in 0..1, which would be taken for probabilities: 0.2 for "no".
    outputs = torch.tensor([[0.2, -1.0], [0.2, -1.0], [-1.0, 0.2], [-1.0, 0.2]])
    found = {}
    for name, metric in task().known.items():
        meter = metric.make()
        meter.update(task().predictions(outputs), WANTED)
        found[name] = float(meter.compute())
    assert found["accuracy"] == pytest.approx(6 / 8)  # label 0: 4 of 4 right; label 1: 2 of 4
    assert found["f1"] == pytest.approx((1 + 0.5) / 2)
    assert found["auroc"] == pytest.approx((1 + 0.5) / 2)


def test_other_targets_are_refused() -> None:
    with pytest.raises(DataError, match=r"several labels are \(n, labels\)"):
        Multilabel(of(rows(), torch.arange(12) % 3))
