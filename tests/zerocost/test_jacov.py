"""jacov: by hand, against numpy sample by sample, its bound, and batches that have no value."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from tests.zerocost_nets import DTYPES, ORDER, conv_net, images, reason, value

K = 1e-5


class Energy(nn.Module):
    """``|x|^2 / 2``: its Jacobian row is the sample itself."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 0.5 * x.square().flatten(1).sum(dim=1, keepdim=True)


def of_eigenvalues(*eigenvalues: float) -> float:
    return -sum(math.log(v + K) + 1 / (v + K) for v in eigenvalues)


def test_two_samples_by_hand() -> None:
    # Centred rows (1, 0, -1) and (0, 1, -1): correlation 1/2, eigenvalues 3/2 and 1/2.
    rows = torch.tensor([[1.0, 0.0, -1.0], [5.0, 6.0, 4.0]])
    assert value("jacov", Energy(), rows) == pytest.approx(of_eigenvalues(1.5, 0.5), rel=1e-7)


def test_uncorrelated_samples_reach_the_bound() -> None:
    rows = torch.tensor([[1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0], [3.0, -3.0, -3.0, 3.0]])
    found = value("jacov", Energy(), rows)
    assert found == pytest.approx(3 * of_eigenvalues(1.0), rel=1e-12)
    assert found == pytest.approx(-3, abs=1e-8)
    assert value("jacov", Energy(), torch.randn(3, 4)) < -3


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES.items())
@pytest.mark.parametrize("norm", [True, False])
def test_agrees_with_numpy_row_by_row(dtype: torch.dtype, tolerance: float, norm: bool) -> None:
    net, batch = conv_net(dtype, norm=norm), images(dtype=dtype)
    leaf = batch.clone().requires_grad_(True)
    outputs = copy.deepcopy(net).train()(leaf)
    rows = 0
    for n in range(len(batch)):  # one output row after the other, so that every sum over the batch is spelt out
        rows = rows + torch.autograd.grad(outputs[n].sum(), leaf, retain_graph=True)[0].double().flatten(1).numpy()
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(rows))
    assert value("jacov", net, batch) == pytest.approx(of_eigenvalues(*eigenvalues.tolist()), rel=tolerance)


def test_order_scale_and_shift_change_nothing() -> None:
    net, batch = conv_net(norm=False), images()
    reference = value("jacov", net, batch)
    assert value("jacov", net, batch[ORDER]) == pytest.approx(reference, rel=1e-5)
    net[-1].weight.data *= 7.0
    assert value("jacov", net, batch) == pytest.approx(reference, rel=1e-5)
    rows = torch.randn(4, 9)
    scale, shift = torch.tensor([[2.0], [0.1], [5.0], [1.0]]), torch.tensor([[0.0], [3.0], [-1.0], [2.0]])
    assert value("jacov", Energy(), rows * scale + shift) == pytest.approx(value("jacov", Energy(), rows), rel=1e-4)


def test_a_repeated_sample_costs_a_hundred_thousand() -> None:
    rows = torch.tensor([[1.0, 0.0, -1.0], [1.0, -2.0, 1.0], [1.0, 0.0, -1.0]])
    assert value("jacov", Energy(), rows) == pytest.approx(of_eigenvalues(2.0, 1.0, 0.0), rel=1e-7)
    assert value("jacov", Energy(), rows) < -99_000


def test_several_inputs_are_one_row() -> None:
    class Both(nn.Module):
        def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
            return Energy()(torch.cat([first, second.flatten(1)], dim=1))

    rows = torch.randn(5, 12)
    assert value("jacov", Both(), (rows[:, :4], rows[:, 4:].view(5, 2, 4))) == value("jacov", Energy(), rows)


def test_a_network_may_work_in_place_on_its_input() -> None:
    batch = images()
    reference = value("jacov", nn.Sequential(nn.LeakyReLU(0.1), conv_net()), batch)
    assert value("jacov", nn.Sequential(nn.LeakyReLU(0.1, inplace=True), conv_net()), batch) == reference


class Blind(nn.Module):
    """Does not look at the second sample."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return Energy()(torch.cat([x[:1], x[1:2].detach(), x[2:]]))


class Root(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - x.detach()).sqrt().sum(dim=1)


@pytest.mark.parametrize(
    ("net", "inputs", "words"),
    [
        (Energy(), torch.randn(1, 4), "a batch of 2 or more"),
        (Blind(), torch.randn(3, 4), "do not depend on sample 1"),
        (nn.Sequential(nn.Embedding(5, 4), nn.Flatten()), torch.randint(0, 5, (3, 2)), "floating-point"),
        (Root(), torch.randn(3, 4), "the gradient of the outputs with respect to the inputs holds NaN or infinity"),
        (nn.Identity(), torch.randn(3), "its Jacobian row is constant"),
    ],
)
def test_reasons(net: nn.Module, inputs: torch.Tensor, words: str) -> None:
    assert words in reason("jacov", net, inputs)


def test_a_linear_network_answers_alike_to_all_samples() -> None:
    assert value("jacov", nn.Linear(4, 2), torch.randn(3, 4)) == pytest.approx(of_eigenvalues(3.0, 0.0, 0.0), rel=1e-6)


def test_the_rounding_of_a_mean_is_no_gradient() -> None:
    row = torch.full((1, 3), 0.1, dtype=torch.float64)
    assert bool((row != row.mean()).any())
    assert "sample 0" in reason("jacov", Energy(), torch.cat([row, torch.randn(3, 3).double()]))


def test_outputs_without_a_way_to_the_inputs() -> None:
    class Detached(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x.detach())

    assert reason("jacov", Detached(4, 2), torch.randn(3, 4)) == "the outputs do not depend on the inputs"
