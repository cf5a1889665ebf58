"""grad_norm: by hand, against a plain backward run, and what it must and must not depend on."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.zerocost_nets import (
    DTYPES,
    ORDER,
    TWO,
    Chain,
    conv_net,
    differentiated,
    half_square,
    images,
    labels,
    layers_of,
    reason,
    value,
)


def test_two_layers_by_hand() -> None:
    # Outputs 2 and 4, loss mean(o^2) / 2, dL/do = (1, 2): dL/dv = 1 * 1 + 2 * 2 = 5, dL/dw = 2 (1, 2) + 4 (1, 1) = (6, 8).
    found = value("grad_norm", Chain(), TWO, torch.zeros(2, 1), loss=half_square)
    assert found == pytest.approx(5 + 10, rel=1e-6)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES.items())
def test_agrees_with_a_backward_run_of_a_copy(dtype: torch.dtype, tolerance: float) -> None:
    net = conv_net(dtype)
    twin = differentiated(net, images(dtype=dtype), labels())
    expected = 0.0
    for layer in layers_of(twin):
        assert layer.weight.grad is not None
        expected += sum(float(number) ** 2 for number in layer.weight.grad.flatten()) ** 0.5
    assert value("grad_norm", net, images(dtype=dtype), labels()) == pytest.approx(expected, rel=tolerance)


def test_doubling_the_loss_doubles_it() -> None:
    net = conv_net()
    once = value("grad_norm", net, images(), labels())
    twice = value("grad_norm", net, images(), labels(), loss=lambda o, t: 2 * F.cross_entropy(o, t))
    assert twice == pytest.approx(2 * once, rel=1e-6)


def test_order_and_repetition_of_the_batch_change_nothing() -> None:
    net, batch, targets = conv_net(), images(), labels()
    reference = value("grad_norm", net, batch, targets)
    assert value("grad_norm", net, batch[ORDER], targets[ORDER]) == pytest.approx(reference, rel=1e-5)
    assert value("grad_norm", net, batch.repeat(2, 1, 1, 1), targets.repeat(2)) == pytest.approx(reference, rel=1e-5)


def test_of_a_normalised_layer_it_goes_down_as_its_weights_grow() -> None:
    net = conv_net(torch.float64, eps=1e-15)
    for layer in layers_of(net)[1:]:
        layer.weight.requires_grad_(False)
    before = value("grad_norm", net, images(dtype=torch.float64), labels())
    net[0].weight.data *= 4.0
    assert value("grad_norm", net, images(dtype=torch.float64), labels()) == pytest.approx(before / 4, rel=1e-9)


def test_a_network_cut_in_two_is_zero_and_unused_layers_add_nothing() -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last, self.unused = nn.Linear(6, 4), nn.Linear(4, 3), nn.Linear(9, 9)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.first(x) * 0)

    assert value("grad_norm", Cut(), torch.randn(4, 6), torch.arange(4) % 3) == 0.0


def test_the_targets_matter_and_are_needed() -> None:
    net = conv_net()
    assert value("grad_norm", net, images(), labels()) != value("grad_norm", net, images(), labels() * 0)
    assert reason("grad_norm", net, images()) == "it needs targets: give the labels of the batch"


def test_only_trainable_weights_of_two_dimensions_count() -> None:
    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.ones(6))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.gain

    found = reason("grad_norm", Scale(), torch.randn(4, 6), torch.arange(4))
    assert found == "the loss does not depend on any trainable weight of two or more dimensions"
    frozen = conv_net().requires_grad_(False)
    assert reason("grad_norm", frozen, images(), labels()) == "the loss does not depend on any trainable weight"
    frozen[8].weight.requires_grad_(True)
    alone = float(torch.linalg.vector_norm(differentiated(conv_net(), images(), labels())[8].weight.grad))
    assert value("grad_norm", frozen, images(), labels()) == pytest.approx(alone, rel=1e-6)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda o, t: F.cross_entropy(o, t, reduction="none"), "the loss has shape (10,)"),
        (lambda o, t: F.cross_entropy(o, t) * float("nan"), "the loss is nan"),
        (lambda o, t: 1.0, "the loss returns float"),
        (lambda o, t: F.cross_entropy(o.detach(), t), "the loss does not depend on any trainable weight"),
    ],
)
def test_losses_that_are_none(loss: object, words: str) -> None:
    assert words in reason("grad_norm", conv_net(), images(), labels(), loss=loss)


def test_a_loss_may_work_in_place() -> None:
    def careless(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return 0.5 * outputs.sub_(targets.mul_(2)).square().mean()

    net, targets = conv_net(), torch.randn(10, 5)
    kept = targets.clone()
    reference = value("grad_norm", net, images(), targets, loss=lambda o, t: half_square(o, 2 * t))
    assert value("grad_norm", net, images(), targets, loss=careless) == reference
    assert torch.equal(targets, kept)
