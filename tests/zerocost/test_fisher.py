"""fisher: by hand, against a loop over layers and channels, its scaling, and outputs that are changed in place."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import zerocost
from tests.zerocost_nets import (
    DTYPES,
    ORDER,
    TWO,
    Chain,
    conv_net,
    half_square,
    images,
    labels,
    reason,
    value,
)


def defined(net: nn.Sequential, inputs: torch.Tensor, targets: torch.Tensor) -> float:
    """The formula by loops over the layers of a chain, their channels and the samples."""
    hidden, kept = inputs, []
    for part in copy.deepcopy(net).train():
        hidden = part(hidden)
        if isinstance(part, (nn.Conv2d, nn.Linear)):
            hidden.retain_grad()
            kept.append((part, hidden))
    F.cross_entropy(hidden, targets).backward()
    total = 0.0
    for layer, z in kept:
        assert z.grad is not None
        for channel in range(z.shape[1]):
            felt = [float((z[n, channel].detach() * z.grad[n, channel]).double().sum()) for n in range(len(z))]
            per_weight = 0.5 * sum(number**2 for number in felt) / len(felt)
            total += per_weight * layer.weight[0].numel()
    return total


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES.items())
@pytest.mark.parametrize("norm", [True, False])
def test_agrees_with_the_definition_in_loops(dtype: torch.dtype, tolerance: float, norm: bool) -> None:
    net, batch = conv_net(dtype, norm=norm), images(dtype=dtype)
    assert value("fisher", net, batch, labels()) == pytest.approx(defined(net, batch, labels()), rel=tolerance)


def test_two_linear_layers_by_hand() -> None:
    # z of w is (1, 2) with dL/dz = (2, 4): products 2 and 8, squares 4 and 64, half their mean 17, two weights behind: 34.
    # z of v is (2, 4) with dL/dz = (1, 2): products 2 and 8 again, one weight behind: 17.
    assert value("fisher", Chain(), TWO, torch.zeros(2, 1), loss=half_square) == pytest.approx(34 + 17, rel=1e-6)


def test_a_convolution_adds_up_pixels_before_squaring() -> None:
    net = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(net.weight, 2.0)
    inputs = torch.tensor([[1.0, 2.0], [5.0, 0.0]]).view(2, 1, 1, 2)
    # z = (2, 4) and (10, 0), dL/dz = 1/2: products 3 and 5, squares 9 and 25, half their mean 8.5.
    found = value("fisher", net, inputs, torch.zeros(2), loss=lambda o, t: o.sum() / 2)
    assert found == pytest.approx(8.5, rel=1e-6)


def test_tokens_of_a_linear_layer_are_positions() -> None:
    net = nn.Linear(1, 2, bias=False)
    net.weight.data = torch.tensor([[2.0], [1.0]])
    inputs = torch.tensor([[1.0, 2.0], [5.0, 0.0]]).view(2, 2, 1)
    # Channel 0 as the convolution above; channel 1 has half its z: squares 2.25 and 6.25, half their mean 2.125.
    found = value("fisher", net, inputs, torch.zeros(2), loss=lambda o, t: o.sum() / 2)
    assert found == pytest.approx(8.5 + 2.125, rel=1e-6)


def test_goes_with_one_over_the_square_of_the_batch() -> None:
    net = conv_net()
    once = value("fisher", net, images(), labels())
    twice = value("fisher", net, images().repeat(2, 1, 1, 1), labels().repeat(2))
    assert twice == pytest.approx(once / 4, rel=1e-5)


def test_order_unused_layers_and_frozen_classifiers_change_nothing() -> None:
    class Unused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.unused = conv_net(), nn.Linear(3, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.unused(x.mean(dim=(2, 3)))
            return self.net(x)

    reference = value("fisher", conv_net(), images(), labels())
    assert value("fisher", conv_net(), images()[ORDER], labels()[ORDER]) == pytest.approx(reference, rel=1e-5)
    assert value("fisher", Unused(), images(), labels()) == reference
    frozen = conv_net()
    frozen[8].requires_grad_(False)
    assert value("fisher", frozen, images(), labels()) == reference


def test_a_layer_that_runs_twice_counts_twice() -> None:
    class Twice(nn.Module):
        def __init__(self, shared: bool) -> None:
            super().__init__()
            torch.manual_seed(1)
            self.first, self.head = nn.Linear(6, 6), nn.Linear(6, 3)
            self.second = self.first if shared else copy.deepcopy(self.first)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.second(self.first(x).relu()).relu())

    inputs, targets = torch.randn(5, 6), torch.arange(5) % 3
    assert value("fisher", Twice(True), inputs, targets) == value("fisher", Twice(False), inputs, targets)


def test_frozen_layers_before_the_first_trainable_one_do_not_count_in_any_company() -> None:
    net = conv_net(norm=False)
    net[0].requires_grad_(False)
    found = value("fisher", net, images(), labels())
    assert 0 < found < value("fisher", conv_net(norm=False), images(), labels())
    company = zerocost.score(net, images(), labels(), None, tuple(zerocost.PROXIES))
    assert company["fisher"].value == found


IN_PLACE: dict[str, Callable[[bool], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky relu": lambda inplace: nn.LeakyReLU(0.2, inplace),
    "silu": nn.SiLU,
    "elu": lambda inplace: nn.ELU(1.0, inplace),
    "hardswish": nn.Hardswish,
    "shortcut": lambda inplace: Shortcut(inplace),
    "through a view": lambda inplace: Viewed(inplace),
    "one half": lambda inplace: Half(inplace),
    "twice": lambda inplace: nn.Sequential(nn.ReLU6(inplace), Shortcut(inplace), nn.ReLU(inplace)),
}


class Shortcut(nn.Module):
    def __init__(self, inplace: bool) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        other = x.tanh()
        return x.add_(other).mul_(1.5) if self.inplace else (x + other) * 1.5


class Viewed(nn.Module):
    def __init__(self, inplace: bool) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = x.flatten(1)
        return (F.leaky_relu_(flat, 0.3) if self.inplace else F.leaky_relu(flat, 0.3)).view_as(x)


class Half(nn.Module):
    def __init__(self, inplace: bool) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.inplace:
            return torch.cat([x[:, :2].relu(), x[:, 2:]], dim=1)
        x[:, :2].relu_()
        return x


def tokens(activation: nn.Module) -> nn.Module:
    """Its first layer hands on a view of its result."""
    return nn.Sequential(nn.Linear(6, 4), activation, nn.Flatten(), nn.Linear(20, 3))


def signal(activation: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv1d(5, 4, 3), activation, nn.Flatten(), nn.Linear(16, 3))


def picture(activation: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), activation, nn.Flatten(), nn.Linear(48, 3))


@pytest.mark.parametrize("make", [tokens, signal, picture])
@pytest.mark.parametrize("name", IN_PLACE)
def test_outputs_changed_in_place_have_the_value_of_those_that_are_not(
    make: Callable[[nn.Module], nn.Module], name: str
) -> None:
    inputs, targets = torch.randn(4, 5, 6), torch.tensor([0, 1, 2, 1])
    inputs = inputs[:, None] if make is picture else inputs
    found = []
    for inplace in (True, False):
        torch.manual_seed(5)
        net = make(IN_PLACE[name](inplace))
        scores = zerocost.score(net, inputs, targets, proxies=("fisher", "jacov", "grad_norm"))
        assert scores["fisher"].value == value("fisher", net, inputs, targets)
        found.append(scores.values_by_name)
    assert found[0]["fisher"] is not None
    assert found[0] == pytest.approx(found[1], rel=1e-6)


def test_a_loss_that_works_in_place_changes_nothing() -> None:
    net, targets = conv_net(), torch.randn(10, 5)
    reference = value("fisher", net, images(), targets, loss=half_square)
    careless = value("fisher", net, images(), targets, loss=lambda o, t: 0.5 * o.sub_(t).square().mean())
    assert careless == reference


def test_not_zero_for_a_network_that_is_cut_in_two() -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(6, 4), nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.first(x) * 0)

    assert value("fisher", Cut(), torch.randn(4, 6), torch.arange(4) % 3) > 0


def test_functional_convolutions_have_no_layer() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = nn.Parameter(torch.randn(3, 1, 3, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.conv2d(x, self.kernel).amax(dim=(2, 3))

    found = reason("fisher", Functional(), torch.randn(4, 1, 6, 6), torch.arange(4) % 3)
    assert found == (
        "no gradient reaches the output of a convolution or linear layer whose first dimension is the batch of 4"
    )


def test_half_precision_does_not_underflow() -> None:
    net = nn.Linear(1, 1, bias=False).half()
    nn.init.constant_(net.weight, 2.0**-10)
    # z = 2^-10 and dL/dz = 2^-16: half precision has no number for their product, 2^-26.
    found = value("fisher", net, torch.ones(2, 1).half(), torch.zeros(2), loss=lambda o, t: o.float().sum() * 2.0**-16)
    assert found == 0.5 * 2.0**-52


def test_targets_are_needed() -> None:
    assert reason("fisher", conv_net(), images()) == "it needs targets: give the labels of the batch"


class Cut(torch.autograd.Function):
    """A step that gives no gradient back."""

    @staticmethod
    def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return x.clone()

    @staticmethod
    def backward(ctx: object, gradient: torch.Tensor) -> None:  # type: ignore[override]
        return None


def test_a_layer_that_no_gradient_reaches_adds_nothing() -> None:
    class Step(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = Cut.apply(x)  # type: ignore[no-untyped-call]
            return result

    torch.manual_seed(0)
    first, last, batch, targets = nn.Linear(6, 5), nn.Linear(5, 3), torch.randn(8, 6), torch.arange(8) % 3
    found = value("fisher", nn.Sequential(first, Step(), last), batch, targets)
    assert found == pytest.approx(value("fisher", nn.Sequential(last), first(batch).detach(), targets), rel=1e-6)
