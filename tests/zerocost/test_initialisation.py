"""Fresh weights: which parameters are drawn, from what, and that they are the same everywhere."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import register_parametrization

from zerocost.initialisation import draw_weights, installed
from zerocost.passes.network import install
from zerocost.proxy import Subject
from zerocost.state import preserved


def drawn(module: nn.Module, seed: int = 0) -> dict[str, torch.Tensor]:
    """The fresh parameters by name; the module keeps its own."""
    subject = Subject.of(module, (torch.zeros(1, 1),))
    with preserved(subject.parts, subject.tensors()):
        install(subject, torch.clone)
        draw_weights(subject, torch.Generator().manual_seed(seed))
        return {name: tensor.clone() for name, tensor in module.named_parameters()}


def test_numbers_are_those_of_the_generator_in_the_order_of_the_tree() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 5), nn.BatchNorm2d(4), nn.Linear(6, 7))
    generator = torch.Generator().manual_seed(3)
    found = drawn(net, seed=3)
    torch.testing.assert_close(found["0.weight"], torch.randn(4, 3, 5, 5, generator=generator) * math.sqrt(2 / 75))
    torch.testing.assert_close(found["2.weight"], torch.randn(7, 6, generator=generator) * math.sqrt(2 / 6))
    assert not torch.equal(drawn(net, seed=4)["2.weight"], found["2.weight"])


@pytest.mark.parametrize(
    ("layer", "name", "fan_in"),
    [
        (nn.Conv2d(8, 64, 3), "weight", 72),
        (nn.Conv2d(64, 64, 5, groups=64), "weight", 25),
        (nn.Linear(200, 50), "weight", 200),
        (nn.LSTM(40, 60), "weight_hh_l0", 60),
        (nn.MultiheadAttention(40, 2), "in_proj_weight", 40),
    ],
)
def test_deviation_follows_the_fan_in(layer: nn.Module, name: str, fan_in: int) -> None:
    weight = drawn(layer)[name]
    assert float(weight.std()) == pytest.approx(math.sqrt(2 / fan_in), rel=0.06)
    assert abs(float(weight.mean())) < 4 * math.sqrt(2 / fan_in / weight.numel())


def test_biases_are_0_and_gains_1() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.LayerNorm(4), nn.GroupNorm(2, 4), nn.LSTM(4, 2))
    for parameter in net.parameters():
        nn.init.constant_(parameter, 0.3)
    found = drawn(net)
    assert all(bool((tensor == 0).all()) for name, tensor in found.items() if "bias" in name)
    assert all(bool((found[f"{i}.weight"] == 1).all()) for i in (1, 2, 3))
    assert sum("bias" in name for name in found) == 6
    assert all(bool((parameter == 0.3).all()) for parameter in net.parameters())


def test_what_is_neither_weight_nor_bias_stays() -> None:
    net = nn.Sequential(nn.PReLU(3), nn.Linear(3, 3))
    net.position = nn.Parameter(torch.randn(1, 5, 3))
    found = drawn(net)
    torch.testing.assert_close(found["0.weight"], torch.full((3,), 0.25))
    torch.testing.assert_close(found["position"], net.position.detach())
    assert not torch.equal(found["1.weight"], net[1].weight)


def test_the_numbers_are_the_same_in_every_precision_and_of_shared_weights_drawn_once() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 2))
    net[1].weight = net[0].weight
    single, double = drawn(net), drawn(net.double())
    assert double["2.weight"].dtype == torch.float64
    for name, tensor in single.items():
        torch.testing.assert_close(double[name].float(), tensor)
    generator = torch.Generator().manual_seed(0)
    torch.randn(3, 3, generator=generator)
    torch.testing.assert_close(single["2.weight"], torch.randn(2, 3, generator=generator) * math.sqrt(2 / 3))


@pytest.mark.parametrize("kind", [nn.Linear, nn.PReLU])
def test_a_parametrised_weight_is_drawn_as_if_it_were_not(kind: type[nn.Module]) -> None:
    net = nn.Sequential(nn.Linear(5, 4), kind(4, 4) if kind is nn.Linear else kind(4))
    plain = drawn(net)
    for name in ("weight", "bias") if kind is nn.Linear else ("weight",):
        register_parametrization(net[1], name, nn.Identity())
        found = drawn(net)
        assert torch.equal(found[f"1.parametrizations.{name}.original"], plain[f"1.{name}"])
    assert torch.equal(found["0.weight"], plain["0.weight"])


def test_installed_are_the_copies_once_each_in_the_order_of_the_tree() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 3, bias=False))
    net[2].weight = net[0].weight
    net.register_parameter("none", None)
    net.whole = nn.Parameter(torch.ones(2, dtype=torch.int64), requires_grad=False)
    subject = Subject.of(net, (torch.zeros(1, 3),))
    with preserved(subject.parts, subject.tensors()):
        install(subject, lambda tensor: tensor + 1)
        found = list(installed(subject))
        assert [(part, name) for part, name, _ in found] == [
            *((net[0], "weight"), (net[0], "bias")),
            *((net[1], "weight"), (net[1], "bias")),
        ]
        assert found[0][2] is net[0].weight is net[2].weight
    torch.testing.assert_close(found[0][2], net[0].weight + 1)
