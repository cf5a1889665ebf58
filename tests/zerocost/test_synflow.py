"""synflow: by hand, conservation of flow, path counting, and all it must not depend on."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

import zerocost


def synflow(module: nn.Module, inputs: torch.Tensor) -> zerocost.Score:
    return zerocost.score(module, inputs, proxies=("synflow",))["synflow"]


def value(module: nn.Module, inputs: torch.Tensor) -> float:
    score = synflow(module, inputs)
    assert score.value is not None, score.reason
    return score.value


def conv_net(norm: bool = True, inplace: bool = False) -> nn.Sequential:
    torch.manual_seed(3)
    layers: list[nn.Module] = []
    for c_in, c_out in ((3, 6), (6, 6), (6, 9)):
        layers += [nn.Conv2d(c_in, c_out, 3, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(c_out)] if norm else []
        layers += [nn.ReLU(inplace=inplace)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(9, 4, bias=False))


def test_two_linear_layers_by_hand() -> None:
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[1.0, -2.0], [3.0, 4.0]]))
        net[2].weight.copy_(torch.tensor([[-1.0, 2.0]]))
    # |W1| 1 = (3, 7); R = 1*3 + 2*7 = 17, and either layer's sum of |W * dR/dW| is R again.
    assert value(net, torch.randn(5, 2)) == pytest.approx(math.log(2 * 17), rel=1e-12)


def test_biases_take_part_by_their_absolute_value() -> None:
    net = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    for parameter, number in zip(net.parameters(), (2.0, -3.0, 5.0, -7.0), strict=True):
        nn.init.constant_(parameter, number)
    # h = 2 + 3 = 5; the last bias adds nothing to any gradient: 5 * 5 for the second layer, 2 * 5 for the first.
    assert value(net, torch.zeros(1, 1)) == pytest.approx(math.log(5 * 5 + 2 * 5), rel=1e-12)


def test_a_path_counts_once_for_every_weight_on_it() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.inner, self.last = (nn.Linear(1, 1, bias=False) for _ in range(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.first(x)
            return self.last(x + self.inner(x))

    net = Residual()
    for parameter, number in zip(net.parameters(), (2.0, 3.0, 5.0), strict=True):
        nn.init.constant_(parameter, number)
    # Paths first-last (weight 10, two layers) and first-inner-last (weight 30, three layers).
    assert value(net, torch.zeros(2, 1)) == pytest.approx(math.log(10 * 2 + 30 * 3), rel=1e-12)


def test_conservation_in_a_chain_without_biases() -> None:
    net, images = conv_net(norm=False), torch.randn(4, 3, 8, 8)
    positive = copy.deepcopy(net).double()
    for parameter in positive.parameters():
        parameter.data.abs_()
    total = float(positive(torch.ones(1, 3, 8, 8, dtype=torch.float64)).sum().detach())
    assert value(net, images) == pytest.approx(math.log(4 * total), rel=1e-12)


def test_agrees_with_the_definition_spelt_out() -> None:
    net = conv_net()
    with torch.no_grad():
        for module in net:
            if isinstance(module, nn.BatchNorm2d):
                module.weight.normal_()
                module.running_mean.normal_()
    plain = nn.Sequential(*[copy.deepcopy(m) for m in net if not isinstance(m, nn.BatchNorm2d)]).double()
    for parameter in plain.parameters():
        parameter.data.abs_()
    plain(torch.ones(1, 3, 8, 8, dtype=torch.float64)).sum().backward()
    expected = sum(float((p * p.grad).abs().sum().detach()) for p in plain.parameters())
    assert value(net, torch.randn(4, 3, 8, 8)) == pytest.approx(math.log(expected), rel=1e-12)


def test_independent_of_data_batch_and_signs() -> None:
    net = conv_net()
    reference = value(net, torch.randn(4, 3, 8, 8))
    assert value(net, torch.zeros(1, 3, 8, 8)) == reference
    for parameter in net.parameters():
        parameter.data *= torch.where(torch.rand_like(parameter) < 0.5, -1.0, 1.0)
    assert value(net, torch.full((7, 3, 8, 8), 9.0)) == reference


def test_scaling_all_weights_adds_depth_times_the_logarithm() -> None:
    net, images = conv_net(), torch.randn(4, 3, 8, 8)
    before = value(net, images)
    for parameter in net.parameters():
        parameter.data *= 2.0
    assert value(net, images) == pytest.approx(before + 4 * math.log(2), rel=1e-12)


def test_in_place_activations_and_mode_change_nothing() -> None:
    images = torch.randn(4, 3, 8, 8)
    assert value(conv_net(inplace=True), images) == value(conv_net().eval(), images)


@pytest.mark.parametrize(
    "norm", [nn.BatchNorm2d(6), nn.GroupNorm(2, 6), nn.InstanceNorm2d(6, affine=True), nn.LayerNorm([6, 8, 8])]
)
def test_every_kind_of_normalisation_goes(norm: nn.Module) -> None:
    conv = nn.Conv2d(3, 6, 3, padding=1)
    images = torch.randn(4, 3, 8, 8)
    assert value(nn.Sequential(conv, norm, nn.ReLU(True)), images) == value(nn.Sequential(conv, nn.ReLU(True)), images)


def test_in_place_activation_after_a_removed_norm_keeps_the_shortcut() -> None:
    class PreActivation(nn.Module):
        def __init__(self, inplace: bool) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.norm, self.relu = nn.BatchNorm1d(3), nn.LeakyReLU(0.1, inplace=inplace)
            self.stem, self.linear = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = -self.stem(x)
            return x + self.linear(self.relu(self.norm(x)))

    assert value(PreActivation(True), torch.randn(4, 3)) == value(PreActivation(False), torch.randn(4, 3))


def test_deep_networks_do_not_overflow() -> None:
    depth, width, weight = 60, 10, 20.0
    net = nn.Sequential(*[nn.Linear(width, width, bias=False) for _ in range(depth)])
    for parameter in net.parameters():
        nn.init.constant_(parameter, weight)
    expected = math.log(depth) + math.log(width) + depth * math.log(width * weight)
    assert expected > math.log(3.4e38)  # beyond float32
    assert value(net, torch.zeros(1, width)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("weight", "word"), [(1e30, "overflows"), (math.nan, "not finite"), (0.0, "flow is zero")])
def test_reasons_in_place_of_a_value(weight: float, word: str) -> None:
    net = nn.Sequential(*[nn.Linear(2, 2, bias=False) for _ in range(12)])
    for parameter in net.parameters():
        nn.init.constant_(parameter, weight)
    score = synflow(net, torch.zeros(1, 2))
    assert score.value is None
    assert score.reason is not None
    assert word in score.reason


def test_gains_and_biases_alone_are_no_flow() -> None:
    class Gain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.ones(2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.gain

    assert "no weight of two or more dimensions" in str(synflow(Gain(), torch.zeros(1, 2)).reason)


def test_no_weights_is_a_reason() -> None:
    assert "does not depend on any weight" in str(synflow(nn.ReLU(), torch.zeros(1, 2)).reason)


def test_token_ids_stay_integers() -> None:
    net = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(20, 2, bias=False))
    total = float((net[0].weight[1].abs().repeat(5).double() @ net[2].weight.abs().double().T).sum().detach())
    assert value(net, torch.randint(0, 10, (3, 5))) == pytest.approx(math.log(2 * total), rel=1e-12)
