"""l2_norm: by hand, against the named weights, and which weights take part."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.zerocost_nets import DTYPES, conv_net, images, layers_of, reason, value


def test_norms_are_added_up_by_hand() -> None:
    net = nn.Sequential(nn.Linear(2, 1), nn.Linear(1, 2))
    net[0].weight.data = torch.tensor([[3.0, -4.0]])
    net[1].weight.data = torch.tensor([[5.0], [12.0]])
    assert value("l2_norm", net, torch.randn(4, 2)) == pytest.approx(5 + 13, rel=1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES.items())
def test_agrees_with_a_loop_over_numbers(dtype: torch.dtype, tolerance: float) -> None:
    net = conv_net(dtype)
    norms = [sum(number**2 for number in layer.weight.flatten().tolist()) ** 0.5 for layer in layers_of(net)]
    assert value("l2_norm", net, images(dtype=dtype)) == pytest.approx(sum(norms), rel=tolerance)


def test_doubling_all_weights_doubles_it() -> None:
    net = conv_net()
    before = value("l2_norm", net, images())
    for weight in net.parameters():
        weight.data *= -2
    assert value("l2_norm", net, images()) == pytest.approx(2 * before, rel=1e-12)


def test_independent_of_data_batch_mode_and_freezing() -> None:
    net = conv_net()
    before = value("l2_norm", net, images())
    assert value("l2_norm", net.eval().requires_grad_(False), torch.zeros(1, 3, 5, 5)) == before


class Parts(nn.Module):
    """Uses its weights in other ways than by calling layers, and one not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.unused = nn.Embedding(4, 3), nn.Linear(3, 3)
        self.kernel = nn.Parameter(torch.randn(3, 3))
        self.mask = nn.Parameter(torch.randn(2, 2), requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(self.embedding(x), self.kernel)


def test_weights_count_that_the_forward_run_uses() -> None:
    net = Parts()
    expected = float((net.embedding.weight.norm() + net.kernel.norm()).detach())
    assert value("l2_norm", net, torch.tensor([[0, 1], [2, 3]])) == pytest.approx(expected, rel=1e-6)


def test_recurrent_weights_count() -> None:
    net = nn.LSTM(6, 4, num_layers=2, batch_first=True)
    expected = sum(float(weight.detach().norm()) for name, weight in net.named_parameters() if "weight" in name)
    assert value("l2_norm", net, torch.randn(3, 5, 6)) == pytest.approx(expected, rel=1e-6)


def test_a_shared_weight_counts_once() -> None:
    first, second = nn.Linear(5, 5), nn.Linear(5, 5)
    second.weight = first.weight
    found = value("l2_norm", nn.Sequential(first, second), torch.randn(2, 5))
    assert found == pytest.approx(float(first.weight.detach().norm()), rel=1e-6)


def test_no_weights_is_a_reason() -> None:
    assert reason("l2_norm", nn.ReLU(), torch.randn(2, 5)) == "the network uses no weight of two or more dimensions"
