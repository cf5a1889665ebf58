"""logsynflow: by hand, against the definition, and all it must not depend on."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from tests.zerocost_nets import conv_net, images, reason, value


def test_two_linear_layers_by_hand() -> None:
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False))
    net[0].weight.data = torch.tensor([[1.0, -2.0], [3.0, 4.0]])
    net[2].weight.data = torch.tensor([[-1.0, 2.0]])
    # dR/dW1 is 1 in the first row and 2 in the second; dR/dW2 = |W1| 1 = (3, 7).
    expected = (1 + 2) * math.log(2) + (3 + 4) * math.log(3) + 1 * math.log(4) + 2 * math.log(8)
    assert value("logsynflow", net, torch.randn(5, 2)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_agrees_with_the_definition_without_normalisation(dtype: torch.dtype) -> None:
    net = conv_net(dtype)
    plain = nn.Sequential(*[copy.deepcopy(part) for part in net if not isinstance(part, nn.BatchNorm2d)]).double()
    for parameter in plain.parameters():
        parameter.data.abs_()
    plain(torch.ones(1, 3, 8, 8, dtype=torch.float64)).sum().backward()
    expected = 0.0
    for parameter in plain.parameters():
        if parameter.ndim > 1 and parameter.grad is not None:
            pairs = zip(parameter.flatten().tolist(), parameter.grad.flatten().tolist(), strict=True)
            expected += sum(weight * math.log1p(gradient) for weight, gradient in pairs)
    assert value("logsynflow", net, images(dtype=dtype)) == pytest.approx(expected, rel=1e-12)


def test_independent_of_data_batch_and_signs() -> None:
    net = conv_net()
    before = value("logsynflow", net, images())
    for parameter in net.parameters():
        parameter.data *= torch.where(torch.rand_like(parameter) < 0.5, -1.0, 1.0)
    assert value("logsynflow", net, torch.full((2, 3, 8, 8), 9.0)) == before


def test_grows_with_every_weight_and_layer() -> None:
    net = conv_net()
    before = value("logsynflow", net, images())
    assert value("logsynflow", nn.Sequential(*net[:6], nn.Conv2d(8, 8, 1), *net[6:]), images()) > before
    net[0].weight.data *= 1.1
    assert value("logsynflow", net, images()) > before


def test_grows_with_the_depth_where_synflow_grows_with_its_exponential() -> None:
    def chain(depth: int) -> nn.Module:
        net = nn.Sequential(*[nn.Linear(4, 4, bias=False) for _ in range(depth)])
        for parameter in net.parameters():
            nn.init.constant_(parameter, 2.0)
        return net

    # Every weight is 2, every dR/dW is 4 * 8^(depth - 1) / 4: depth * 16 * 2 terms of its logarithm.
    for depth in (1, 10, 40):
        expected = depth * 16 * 2 * math.log1p(8.0 ** (depth - 1))
        assert value("logsynflow", chain(depth), torch.zeros(1, 4)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("weight", "word"), [(1e30, "overflows"), (math.nan, "not finite"), (0.0, "flow is zero")])
def test_reasons_in_place_of_a_value(weight: float, word: str) -> None:
    net = nn.Sequential(*[nn.Linear(2, 2, bias=False) for _ in range(12)])
    for parameter in net.parameters():
        nn.init.constant_(parameter, weight)
    assert word in reason("logsynflow", net, torch.zeros(1, 2))


def test_gains_and_biases_alone_are_no_flow() -> None:
    class Gain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.ones(2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.gain

    assert "no weight of two or more dimensions" in reason("logsynflow", Gain(), torch.zeros(1, 2))


def test_no_weights_is_a_reason() -> None:
    assert "does not depend on any weight" in reason("logsynflow", nn.ReLU(), torch.zeros(1, 2))
