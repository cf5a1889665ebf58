"""supernet/relaxations/softmax.py: temperature and masks."""

import pytest
import torch

from supernet.mix import Moment
from supernet.relaxations import Softmax
from supernet.schedules import Constant, Exponential
from tests.supernet_cases import bare, tiny_search

ALPHAS = torch.tensor([[0.0, 1.0, -1.0], [2.0, 0.0, 0.5]])
EVERYTHING = torch.ones(2, 3, dtype=torch.bool)


def test_it_is_the_softmax_of_the_quotient():
    theta = Softmax(Constant(0.5)).mean(ALPHAS, EVERYTHING, Moment())
    assert torch.allclose(theta, torch.softmax(2 * ALPHAS, 1))
    assert torch.equal(Softmax().mean(ALPHAS, EVERYTHING, Moment()), torch.softmax(ALPHAS, 1))


def test_entropy_falls_as_it_cools():
    cooling = Softmax(Exponential(1.0, 0.05, inclusive=True))
    thetas = [cooling.mean(ALPHAS, EVERYTHING, Moment(epoch, 10)) for epoch in range(10)]
    entropies = [float(-(theta * theta.log()).sum()) for theta in thetas]
    assert entropies == sorted(entropies, reverse=True)
    assert torch.allclose(thetas[-1], torch.softmax(ALPHAS / 0.05, 1))


def test_masked_entries_are_zero_and_empty_rows_too():
    allowed = torch.tensor([[True, False, True], [False, False, False]])
    theta = Softmax().mean(ALPHAS, allowed, Moment())
    by_hand = torch.softmax(torch.tensor([0.0, -1.0]), 0)
    assert torch.allclose(theta, torch.tensor([[by_hand[0], 0.0, by_hand[1]], [0.0, 0.0, 0.0]]))


def test_the_temperature_changes_a_search():
    plain, cool = (tiny_search(bare(relaxation=Softmax(Constant(t)))) for t in (1.0, 0.01))
    assert plain.run_epoch().weights_loss != cool.run_epoch().weights_loss
    assert "temperature 0.01" in str(cool.method)


@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_gradients_of_an_edge_sum_to_zero(temperature):
    alphas = ALPHAS.double().requires_grad_()
    theta = Softmax(Constant(temperature)).mean(alphas, EVERYTHING, Moment())
    (theta * torch.arange(6.0).reshape(2, 3) ** 2).sum().backward()
    assert torch.allclose(alphas.grad.sum(1), torch.zeros(2, dtype=torch.float64))
