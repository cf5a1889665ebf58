"""grasp: by hand, against differences of gradients, scale-invariant layers, and networks that are hard to differentiate twice."""

from __future__ import annotations

import copy
import warnings

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from tests.zerocost_nets import (
    DTYPES,
    ORDER,
    TWO,
    conv_net,
    differentiated,
    half_square,
    images,
    labels,
    layers_of,
    reason,
    value,
)


def by_differences(net: nn.Module, inputs: torch.Tensor, targets: torch.Tensor, step: float) -> float:
    """The formula with H g from gradients at W +- step * g, by Richardson's rule exact to the fourth order in the step."""
    net = copy.deepcopy(net).train()
    names = [name for name, weight in net.named_parameters() if weight.ndim > 1]

    def gradient(at: float) -> list[torch.Tensor]:
        moved = {
            name: (net.get_parameter(name).detach() + at * g).requires_grad_(True)
            for name, g in zip(names, directions, strict=True)
        }
        return list(
            torch.autograd.grad(F.cross_entropy(functional_call(net, moved, (inputs,)), targets), list(moved.values()))
        )

    directions = [torch.zeros_like(net.get_parameter(name)) for name in names]
    directions = gradient(0.0)
    at = {factor: gradient(factor * step) for factor in (-2, -1, 1, 2)}
    total = 0.0
    for index, name in enumerate(names):
        near, far = at[1][index] - at[-1][index], at[2][index] - at[-2][index]
        product = (8 * near - far) / (12 * step)
        total -= float((net.get_parameter(name).detach() * product).sum())
    return total


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES.items())
@pytest.mark.parametrize("norm", [True, False])
def test_agrees_with_differences_of_gradients(dtype: torch.dtype, tolerance: float, norm: bool) -> None:
    net = conv_net(dtype, norm=norm)
    expected = by_differences(copy.deepcopy(net).double(), images(dtype=dtype).double(), labels(), 1e-3)
    assert value("grasp", net, images(dtype=dtype), labels()) == pytest.approx(expected, rel=tolerance)


def test_one_layer_with_a_square_loss_by_hand() -> None:
    # Outputs (1, 2), g = X^T o / 2 = (1.5, 2), H = X^T X / 2 and H w = g: -w H g = -|g|^2 = -6.25.
    net = nn.Linear(2, 1, bias=False)
    net.weight.data = torch.tensor([[3.0, -1.0]])
    assert value("grasp", net, TWO, torch.zeros(2, 1), loss=half_square) == pytest.approx(-6.25, rel=1e-6)


def test_of_a_layer_free_of_scale_it_is_the_squared_norm_of_the_gradient() -> None:
    net, batch = conv_net(torch.float64, eps=1e-15), images(dtype=torch.float64)
    twin = differentiated(net, batch, labels())
    for index in (0, 3):
        alone = copy.deepcopy(net).requires_grad_(False)
        alone[index].weight.requires_grad_(True)
        assert layers_of(twin)[0] is twin[0]
        gradient = twin[index].weight.grad
        assert gradient is not None
        assert value("grasp", alone, batch, labels()) == pytest.approx(float(gradient.square().sum()), rel=1e-9)


def test_doubling_the_loss_makes_it_four_times_as_large() -> None:
    net = conv_net()
    once = value("grasp", net, images(), labels())
    assert value("grasp", net, images(), labels(), loss=lambda o, t: 2 * F.cross_entropy(o, t)) == pytest.approx(
        4 * once, rel=1e-5
    )


def test_order_and_repetition_of_the_batch_change_nothing() -> None:
    net, batch, targets = conv_net(torch.float64), images(dtype=torch.float64), labels()
    reference = value("grasp", net, batch, targets)
    assert value("grasp", net, batch[ORDER], targets[ORDER]) == pytest.approx(reference, rel=1e-9)
    assert value("grasp", net, batch.repeat(2, 1, 1, 1), targets.repeat(2)) == pytest.approx(reference, rel=1e-9)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.layer, self.head = nn.LSTM(6, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(x)[0][:, -1])


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.into, self.head = nn.Linear(6, 12), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key, values = self.into(x).chunk(3, dim=-1)
        return self.head(
            F.scaled_dot_product_attention(query[:, None], key[:, None], values[:, None])[:, 0].mean(dim=1)
        )


@pytest.mark.parametrize("make", [Recurrent, Attention])
def test_fused_kernels_are_taken_apart(make: type[nn.Module]) -> None:
    inputs, targets = torch.randn(4, 5, 6), torch.tensor([0, 1, 2, 1])
    expected = by_differences(make().double(), inputs.double(), targets, 1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert value("grasp", make(), inputs, targets) == pytest.approx(expected, rel=1e-4)


def test_recurrent_kernels_of_cudnn_are_off_while_it_runs_and_only_then() -> None:
    seen = []

    class Looking(Recurrent):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(torch.backends.cudnn.enabled)
            return super().forward(x)

    value("grasp", Looking(), torch.randn(4, 5, 6), torch.tensor([0, 1, 2, 1]))
    assert seen == [False]
    assert torch.backends.cudnn.enabled


@pytest.mark.skipif(not hasattr(torch.backends.cudnn, "conv"), reason="this torch has one precision for all of cuDNN")
def test_a_mixed_setting_of_tensor_cores_is_no_obstacle() -> None:
    precision = torch.backends.cudnn.conv.fp32_precision
    torch.backends.cudnn.conv.fp32_precision = "ieee"
    try:
        assert value("grasp", Recurrent(), torch.randn(4, 5, 6), torch.tensor([0, 1, 2, 1])) != 0
        assert torch.backends.cudnn.conv.fp32_precision == "ieee"
        assert torch.backends.cudnn.enabled
    finally:
        torch.backends.cudnn.conv.fp32_precision = precision


def test_in_place_activations_change_nothing() -> None:
    reference = value("grasp", conv_net(), images(), labels())
    assert value("grasp", conv_net(activation=lambda: nn.ReLU(True)), images(), labels()) == reference


def test_reasons() -> None:
    assert reason("grasp", conv_net(), images()) == "it needs targets: give the labels of the batch"
    linear = reason("grasp", nn.Linear(2, 1), TWO, torch.zeros(2), loss=lambda o, t: o.sum())
    assert linear == "the gradient of the loss does not depend on the weights: the network is linear in them"


def test_an_operation_without_a_second_derivative() -> None:
    net = nn.Sequential(nn.Linear(6, 5), nn.Hardsigmoid(), nn.Linear(5, 3))
    found = reason("grasp", net, torch.randn(4, 6), torch.arange(4) % 3)
    assert found.startswith("the network cannot be differentiated twice: derivative for aten::hardsigmoid_backward")


class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
        return x * 2

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: object, gradient: torch.Tensor) -> torch.Tensor:
        return gradient * 2


def test_an_operation_that_refuses_its_second_derivative_is_no_silent_zero() -> None:
    class Custom(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(6, 5), nn.Linear(5, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(Once.apply(self.first(x)).tanh())

    found = reason("grasp", Custom(), torch.randn(4, 6), torch.arange(4) % 3)
    assert found == "the network cannot be differentiated twice: it or the loss uses a function that refuses it"
