"""supernet/penalties/zero_one.py."""

import pytest
import torch

from supernet.penalties import ZeroOne
from supernet.relaxations import Sigmoid
from supernet.schedules import Constant
from tests.supernet_cases import bare, tiny_search


def loss(gates, power=2, weight=10.0):
    search = tiny_search(bare(relaxation=Sigmoid()))
    search.alphas["normal"].data = torch.logit(gates)
    value = ZeroOne(Constant(weight), power).loss(search)
    (gradient,) = torch.autograd.grad(value, search.alphas["normal"])
    return float(value.detach()), gradient


def test_it_is_zero_at_one_half_and_least_at_the_ends():
    half, _ = loss(torch.full((6, 5), 0.5))
    ends, _ = loss(torch.tensor([0.0, 1.0]).repeat(15).reshape(6, 5).clamp(1e-7, 1 - 1e-7))
    between, _ = loss(torch.full((6, 5), 0.2))
    assert half == 0.0
    assert ends == pytest.approx(-2.5, abs=1e-4)
    assert ends < between < half
    assert between == pytest.approx(-10 * 0.3**2)
    assert loss(torch.full((6, 5), 0.2), power=1)[0] == pytest.approx(-10 * 0.3)


def test_its_gradient_by_hand():
    gates = torch.linspace(0.1, 0.9, 30).reshape(6, 5)
    _, gradient = loss(gates)
    assert torch.allclose(gradient, -10 * 2 * (gates - 0.5) / 30 * gates * (1 - gates), atol=1e-6)


def test_only_what_still_mixes_counts():
    search = tiny_search(bare(relaxation=Sigmoid()))
    search.alphas["normal"].data[:] = 2.0
    search.alphas["normal"].data[0] = 0.0
    search.states.fix("normal", 0, 1)
    gate = float(torch.sigmoid(torch.tensor(2.0)))
    assert float(ZeroOne().loss(search).detach()) == pytest.approx(-10 * (gate - 0.5) ** 2)
