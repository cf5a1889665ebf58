"""supernet/penalties/entropy.py."""

import math

import pytest
import torch

from supernet.penalties import Entropy
from supernet.schedules import Constant
from tests.supernet_cases import bare, tiny_search


def test_it_is_the_mean_entropy():
    search = tiny_search(bare())
    search.alphas["normal"].data[:] = 0.0
    assert float(Entropy(Constant(2.0)).loss(search).detach()) == pytest.approx(2 * math.log(5))
    search.alphas["normal"].data = torch.randn(6, 5)
    theta = torch.softmax(search.alphas["normal"].detach(), 1)
    by_hand = sum(float(torch.distributions.Categorical(probs=row).entropy()) for row in theta) / 6
    assert float(Entropy(Constant(1.0)).loss(search).detach()) == pytest.approx(by_hand, rel=1e-5)


def test_its_gradient_is_finite_with_closed_operations_and_extreme_alphas():
    search = tiny_search(bare())
    search.states.forbid("normal", 0, 2)
    search.alphas["normal"].data[1, 3] = 500.0
    (gradient,) = torch.autograd.grad(Entropy().loss(search), search.alphas["normal"])
    assert torch.isfinite(gradient).all()
    assert float(gradient[0, 2]) == 0.0


@pytest.mark.parametrize("sign", [1, -1])
def test_its_sign_says_where_mixtures_go(sign):
    def spread(penalties):
        search = tiny_search(bare(penalties=penalties))
        search.alphas["normal"].data = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
        search.run_epoch()
        theta = torch.softmax(search.alphas["normal"].detach(), 1)
        return float((theta * theta.log()).sum())

    change = spread((Entropy(Constant(sign * 1e3)),)) - spread(())
    assert change * sign > 0
