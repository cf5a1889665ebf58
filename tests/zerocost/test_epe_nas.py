"""epe_nas: by hand, against numpy class by class, and labels that have no value."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from tests.zerocost_nets import DTYPES, ORDER, conv_net, images, labels, reason, value

K = 1e-5


class Energy(nn.Module):
    """``|x|^2 / 2``: its Jacobian row is the sample itself."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 0.5 * x.square().sum(dim=1, keepdim=True)


ROWS = torch.tensor([[1.0, 0.0, -1.0], [1.0, 0.0, -1.0], [0.0, 1.0, -1.0], [1.0, -2.0, 1.0], [2.0, 0.0, 1.0]])
# Rows 0 and 2 have the correlation 1/2, rows 1 and 3 none.
CLASSES = torch.tensor([7, 3, 7, 3, 9])
HALF = 2 * math.log(1 + K) + 2 * math.log(0.5 + K)
NONE = 2 * math.log(1 + K) + 2 * math.log(K)
SINGLE = math.log(1 + K)


def test_three_classes_by_hand() -> None:
    expected = abs(HALF) + abs(NONE) + SINGLE
    assert value("epe_nas", Energy(), ROWS, CLASSES) == pytest.approx(expected, rel=1e-7)


def test_many_classes_are_compared_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zerocost.epe_nas._MANY_CLASSES", 2)
    means = [HALF / 4, NONE / 4, SINGLE]
    expected = sum(abs(a - b) for a in means for b in means) / 3
    assert value("epe_nas", Energy(), ROWS, CLASSES) == pytest.approx(expected, rel=1e-7)


def test_a_hundred_classes_are_not_many_and_one_more_is() -> None:
    rows = torch.randn(101, 8, generator=torch.Generator().manual_seed(3))
    # Classes of one sample: all s_c are alike.
    assert value("epe_nas", Energy(), rows[:100], torch.arange(100)) == pytest.approx(100 * SINGLE, rel=1e-6)
    assert value("epe_nas", Energy(), rows, torch.arange(101)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES.items())
def test_agrees_with_numpy_class_by_class(dtype: torch.dtype, tolerance: float) -> None:
    net, batch, targets = conv_net(dtype), images(24, dtype), labels(24)
    leaf = batch.clone().requires_grad_(True)
    copy.deepcopy(net).train()(leaf).sum().backward()
    assert leaf.grad is not None
    rows = leaf.grad.double().flatten(1).numpy()
    expected = 0.0
    for label in range(5):
        alike = np.atleast_2d(np.corrcoef(rows[targets.numpy() == label]))
        expected += abs(np.log(np.abs(alike) + K).sum())
    # A correlation near zero makes its logarithm feel the rounding of single precision.
    assert value("epe_nas", net, batch, targets) == pytest.approx(expected, rel=10 * tolerance)


def test_order_and_names_of_classes_change_nothing() -> None:
    net, batch, targets = conv_net(), images(), labels(classes=3)
    reference = value("epe_nas", net, batch, targets)
    assert reference >= 0
    assert value("epe_nas", net, batch[ORDER], targets[ORDER]) == pytest.approx(reference, rel=1e-4)
    assert value("epe_nas", net, batch, 40 - targets) == pytest.approx(reference, rel=1e-12)
    assert value("epe_nas", net, batch, targets.to(torch.uint8)) == reference


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (None, "it needs targets: give the labels of the batch"),
        (torch.zeros(10, dtype=torch.int64), "the batch holds one class only"),
        (torch.zeros(10), "one whole-number label for each of 10 samples, got targets torch.float32 (10,)"),
        (torch.zeros(10, 2, dtype=torch.int64), "got targets torch.int64 (10, 2)"),
        (torch.arange(4), "got targets torch.int64 (4,)"),
    ],
)
def test_reasons(targets: torch.Tensor | None, words: str) -> None:
    assert words in reason("epe_nas", conv_net(), images(), targets)


def test_a_constant_row_is_a_reason() -> None:
    rows = ROWS.clone()
    rows[2] = 4.0
    assert "its Jacobian row is constant" in reason("epe_nas", Energy(), rows, CLASSES)
