"""zico: by hand, against numpy on two trained-mode copies, its invariants, and how the batch is halved."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import zerocost

# Gradients of the mean output with respect to the weights of one linear unit are the means of the samples.
HALVES = torch.tensor([[1.0, 2.0], [3.0, -2.0]])


def mean_output(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return (outputs.flatten() * targets).mean()


def zico(module: nn.Module, inputs: torch.Tensor, targets: torch.Tensor, loss: object = None) -> zerocost.Score:
    return zerocost.score(module, inputs, targets, loss, proxies=("zico",))["zico"]  # type: ignore[arg-type]


def value(module: nn.Module, inputs: torch.Tensor, targets: torch.Tensor, loss: object = None) -> float:
    score = zico(module, inputs, targets, loss)
    assert score.value is not None, score.reason
    return score.value


def unit(inputs: int = 2) -> nn.Module:
    return nn.Linear(inputs, 1, bias=False)


def network(dtype: torch.dtype = torch.float64) -> nn.Sequential:
    torch.manual_seed(5)
    layers = [nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 4, 3), nn.BatchNorm2d(4), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)).to(dtype)


def batch(count: int = 12, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(count, 3, 8, 8, generator=generator, dtype=torch.float64).to(dtype)
    return images, torch.randint(0, 5, (count,), generator=generator)


def test_one_unit_by_hand() -> None:
    # Gradients (1, 2) and (3, -2): means of sizes 2 and 2, deviations 1 and 2, so 2 + 1.
    assert value(unit(), HALVES, torch.ones(2), mean_output) == pytest.approx(math.log(3), rel=1e-12)


def test_a_half_is_the_mean_over_its_samples() -> None:
    samples = torch.tensor([[0.0, 1.0], [2.0, 3.0], [5.0, -1.0], [1.0, -3.0]])  # of means (1, 2) and (3, -2)
    assert value(unit(), samples, torch.ones(4), mean_output) == pytest.approx(math.log(3), rel=1e-12)


def test_of_an_odd_batch_the_middle_sample_is_left_out() -> None:
    samples = torch.stack([HALVES[0], torch.tensor([70.0, -9.0]), HALVES[1]])
    assert value(unit(), samples, torch.ones(3), mean_output) == pytest.approx(math.log(3), rel=1e-12)


def test_targets_are_halved_with_the_samples() -> None:
    samples, targets = torch.tensor([[1.0, 2.0], [-1.5, 1.0]]), torch.tensor([1.0, -2.0])
    assert value(unit(), samples, targets, mean_output) == pytest.approx(math.log(3), rel=1e-12)


def test_entries_without_spread_add_nothing() -> None:
    samples = torch.tensor([[1.0, 3.0, 0.0], [1.0, 1.0, 0.0]])  # only the second differs: (3 + 1) / (3 - 1)
    assert value(unit(3), samples, torch.ones(2), mean_output) == pytest.approx(math.log(2), rel=1e-12)


def test_logarithms_of_weights_add_up_and_one_without_spread_adds_nothing() -> None:
    class Split(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = nn.ModuleList(unit() for _ in range(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.parts[0](x) + self.parts[1](x * torch.tensor([1.0, 0.0])) + self.parts[2](torch.ones_like(x))

    # The second sees the first column alone, (1 + 3) / (3 - 1); the third sees the same in both halves.
    expected = math.log(3) + math.log(2)
    assert value(Split(), HALVES, torch.ones(2), mean_output) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-5)])
def test_agrees_with_the_definition_in_numpy(dtype: torch.dtype, tolerance: float) -> None:
    (images, labels), gradients = batch(dtype=dtype), []
    for half in (slice(0, 6), slice(6, 12)):
        net = copy.deepcopy(network(dtype)).train()
        F.cross_entropy(net(images[half]), labels[half]).backward()
        gradients.append([net[i].weight.grad.double().numpy().ravel() for i in (0, 3, 8)])
    expected = 0.0
    for layer in zip(*gradients, strict=True):
        both = np.stack(layer)
        spread = both.std(axis=0)
        seen = spread != 0
        expected += math.log((np.abs(both).mean(axis=0)[seen] / spread[seen]).sum())
    assert value(network(dtype), images, labels) == pytest.approx(expected, rel=tolerance)


def test_a_factor_on_the_loss_changes_nothing() -> None:
    images, labels = batch()
    tripled = value(network(), images, labels, lambda outputs, targets: 3 * F.cross_entropy(outputs, targets))
    assert tripled == pytest.approx(value(network(), images, labels), rel=1e-9)


def test_the_order_of_the_halves_and_of_the_samples_in_them_changes_nothing() -> None:
    images, labels = batch()
    reference = value(network(), images, labels)
    swapped = [*range(6, 12), *range(6)]
    assert value(network(), images[swapped], labels[swapped]) == pytest.approx(reference, rel=1e-12)
    within = [3, 0, 5, 1, 4, 2, 11, 6, 9, 8, 7, 10]
    assert value(network(), images[within], labels[within]) == pytest.approx(reference, rel=1e-6)
    across = [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11]
    assert value(network(), images[across], labels[across]) != pytest.approx(reference, rel=1e-3)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = batch()
    reference = value(network(), images, labels)
    monkeypatch.setattr("zerocost.zico._BLOCK", 7)
    assert value(network(), images, labels) == pytest.approx(reference, rel=1e-12)


def test_the_second_half_does_not_see_the_buffers_of_the_first() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = unit()
            self.register_buffer("runs", torch.zeros(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.runs += 1
            return self.linear(x) * self.runs

    assert value(Counting(), HALVES, torch.ones(2), mean_output) == pytest.approx(math.log(3), rel=1e-12)


def test_a_weight_with_a_gradient_in_one_half_does_not_count() -> None:
    class Routed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.extra, self.linear = unit(), unit()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(x) + (self.extra(x) if x.sum() > 2 else 0.0)

    assert value(Routed(), HALVES, torch.ones(2), mean_output) == pytest.approx(math.log(3), rel=1e-12)
    flipped = HALVES.flip(0)
    assert value(Routed(), flipped, torch.ones(2), mean_output) == pytest.approx(math.log(3), rel=1e-12)


def test_batch_norm_uses_the_statistics_of_the_half() -> None:
    images, labels = batch()
    net = network().eval()
    for module in net:
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(1, 9)
    assert value(net, images, labels) == value(network(), images, labels)


@pytest.mark.parametrize(
    ("inputs", "word"),
    [(HALVES[:1], "batch of 2"), (HALVES[[0, 0]], "equal gradients"), (HALVES * 0, "equal gradients")],
)
def test_reasons_of_the_batch(inputs: torch.Tensor, word: str) -> None:
    score = zico(unit(), inputs, torch.ones(len(inputs)), mean_output)
    assert score.value is None
    assert word in str(score.reason)


def test_reasons_of_labels_and_weights() -> None:
    images, labels = batch()
    assert "targets" in str(zerocost.score(network(), images, proxies=("zico",))["zico"].reason)
    assert "one row a sample" in str(zico(network(), images, labels[:5]).reason)
    assert "two or more dimensions" in str(
        zico(nn.BatchNorm1d(2), HALVES[[0, 1, 0, 0]], torch.tensor([0, 1, 1, 0])).reason
    )
