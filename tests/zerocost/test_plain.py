"""plain: by hand, against a plain backward run, and Euler's identity, by which it is zero for normalised layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.zerocost_nets import (
    DTYPES,
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
    # Weights v = 2, w = (3, -1) with gradients 5 and (6, 8): 10 + 18 - 8.
    assert value("plain", Chain(), TWO, torch.zeros(2, 1), loss=half_square) == pytest.approx(20, rel=1e-6)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES.items())
def test_agrees_with_a_backward_run_of_a_copy(dtype: torch.dtype, tolerance: float) -> None:
    net = conv_net(dtype, norm=False)
    twin = differentiated(net, images(dtype=dtype), labels())
    products = [
        float(weight) * float(gradient)
        for layer in layers_of(twin)
        if layer.weight.grad is not None
        for weight, gradient in zip(layer.weight.detach().flatten(), layer.weight.grad.flatten(), strict=True)
    ]
    size = sum(map(abs, products))
    assert value("plain", net, images(dtype=dtype), labels()) == pytest.approx(sum(products), abs=tolerance * size)


def test_normalised_layers_cancel_so_that_the_classifier_alone_speaks() -> None:
    net, batch = conv_net(torch.float64, eps=1e-15), images(dtype=torch.float64)
    whole = value("plain", net, batch, labels())
    net[8].weight.requires_grad_(False)
    convolutions = value("plain", net, batch, labels())
    size = value("snip", net, batch, labels())
    assert abs(convolutions) < 1e-12 * size
    head = differentiated(conv_net(torch.float64, eps=1e-15), batch, labels())[8]
    assert whole == pytest.approx(float((head.weight.detach() * head.weight.grad).sum()), rel=1e-9)


def test_every_layer_of_a_chain_without_biases_contributes_the_same() -> None:
    # The outputs are homogeneous in each layer: its part is sum_n o_n dL/do_n, for all alike.
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 9, bias=False), nn.ReLU(), nn.Linear(9, 3, bias=False)).double()
    inputs, targets = torch.randn(5, 4).double(), torch.randn(5, 3).double()
    outputs = net(inputs).detach().requires_grad_(True)
    half_square(outputs, targets).backward()
    assert outputs.grad is not None
    expected = 2 * float((outputs.detach() * outputs.grad).sum())
    assert value("plain", net, inputs, targets, loss=half_square) == pytest.approx(expected, rel=1e-12)


def test_turning_the_sign_of_the_loss_turns_it() -> None:
    net = conv_net(norm=False)
    before = value("plain", net, images(), labels())
    assert value("plain", net, images(), labels(), loss=lambda o, t: -F.cross_entropy(o, t)) == -before


def test_targets_are_needed() -> None:
    assert reason("plain", conv_net(), images()) == "it needs targets: give the labels of the batch"
