"""snip: by hand, against explicit masks, its bounds and its freedom of scale."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.func import functional_call
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
    # Weights v = 2, w = (3, -1) with gradients 5 and (6, 8): |10| + |18| + |-8|.
    assert value("snip", Chain(), TWO, torch.zeros(2, 1), loss=half_square) == pytest.approx(36, rel=1e-6)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES.items())
def test_agrees_with_the_gradient_by_masks_of_ones(dtype: torch.dtype, tolerance: float) -> None:
    net, batch = conv_net(dtype), images(dtype=dtype)
    names = [name for name, weight in net.named_parameters() if weight.ndim > 1]
    masks = {name: torch.ones_like(net.get_parameter(name), requires_grad=True) for name in names}
    masked = {name: net.get_parameter(name).detach() * mask for name, mask in masks.items()}
    F.cross_entropy(functional_call(net.train(), masked, (batch,)), labels()).backward()
    expected = sum(float(mask.grad.abs().sum()) for mask in masks.values() if mask.grad is not None)
    assert value("snip", conv_net(dtype), batch, labels()) == pytest.approx(expected, rel=tolerance)


def test_bounds() -> None:
    net = conv_net(norm=False)
    found = value("snip", net, images(), labels())
    assert found >= abs(value("plain", net, images(), labels()))
    twin = differentiated(net, images(), labels())
    pairs = [(layer.weight, layer.weight.grad) for layer in layers_of(twin)]
    assert found <= sum(float((w.norm() * g.norm()).detach()) for w, g in pairs if g is not None) * (1 + 1e-6)


def test_the_scale_of_normalised_layers_changes_nothing() -> None:
    net, batch = conv_net(torch.float64, eps=1e-15), images(dtype=torch.float64)
    before = value("snip", net, batch, labels())
    net[0].weight.data *= 3.0
    net[3].weight.data *= 0.2
    assert value("snip", net, batch, labels()) == pytest.approx(before, rel=1e-9)
    net[8].weight.data *= 3.0
    assert value("snip", net, batch, labels()) != pytest.approx(before, rel=1e-2)


def test_order_and_repetition_of_the_batch_change_nothing() -> None:
    net, batch, targets = conv_net(), images(), labels()
    reference = value("snip", net, batch, targets)
    assert value("snip", net, batch[ORDER], targets[ORDER]) == pytest.approx(reference, rel=1e-5)
    assert value("snip", net, batch.repeat(2, 1, 1, 1), targets.repeat(2)) == pytest.approx(reference, rel=1e-5)


def test_targets_are_needed() -> None:
    assert reason("snip", conv_net(), images()) == "it needs targets: give the labels of the batch"


def test_half_precision_does_not_overflow() -> None:
    net = nn.Linear(4096, 2, bias=False).half()
    nn.init.constant_(net.weight, 8.0)
    inputs, targets = torch.ones(2, 4096).half(), torch.zeros(2, 2)
    # Gradients are 8: 8,192 products of 64 add up beyond the largest number of half precision.
    found = value("snip", net, inputs, targets, loss=lambda o, t: 8 * o.float().mean(dim=0).sum())
    assert found == 8192 * 64
