"""params: by hand, shared and frozen tensors, and what it must not depend on."""

from __future__ import annotations

import torch
from torch import nn

import zerocost


def params(module: nn.Module, inputs: torch.Tensor | None = None) -> float | None:
    return zerocost.score(module, torch.zeros(2, 3) if inputs is None else inputs, proxies=("params",))["params"].value


def test_by_hand() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(10, 4, bias=False))
    assert params(net) == 3 * 8 * 9 + 8 + 2 * 8 + 10 * 4


def test_a_shared_weight_counts_once() -> None:
    first, second = nn.Linear(5, 5, bias=False), nn.Linear(5, 5, bias=False)
    assert params(nn.Sequential(first, second)) == 50
    second.weight = first.weight
    assert params(nn.Sequential(first, second)) == 25


def test_a_frozen_weight_does_not_count() -> None:
    net = nn.Linear(5, 5)
    net.weight.requires_grad_(False)
    assert params(net) == 5


def test_is_independent_of_mode_precision_and_input() -> None:
    net = nn.Sequential(nn.Linear(3, 7), nn.BatchNorm1d(7))
    before = params(net)
    assert params(net.double().eval(), torch.randn(1, 3)) == before
    assert params(net, torch.zeros(4, 99)) == before


def test_no_weights_is_zero() -> None:
    assert params(nn.ReLU()) == 0
