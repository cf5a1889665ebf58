"""supernet/relaxations/dirichlet.py: moments, the simplex, pathwise gradients."""

import pytest
import torch

from supernet.mix import Moment
from supernet.relaxations import Dirichlet
from supernet.relaxations.dirichlet import sample_dirichlet

ALPHAS = torch.tensor([[0.0, 1.0, -1.0], [3.0, 0.5, -0.5]])
EVERYTHING = torch.ones(2, 3, dtype=torch.bool)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def draws(count, allowed=EVERYTHING, alphas=ALPHAS):
    source = generator()
    return torch.stack([Dirichlet().weights(alphas, allowed, Moment(), source) for _ in range(count)])


def test_concentrations_are_elu_plus_one():
    by_hand = torch.tensor([[1.0, 2.0, 0.36787944], [4.0, 1.5, 0.60653066]])
    assert torch.allclose(Dirichlet().concentration(ALPHAS), by_hand)
    assert torch.allclose(Dirichlet().mean(ALPHAS, EVERYTHING, Moment()), by_hand / by_hand.sum(1, keepdim=True))


def test_samples_are_on_the_simplex_with_the_mean_and_variance_of_the_distribution():
    found = draws(6000)
    assert torch.allclose(found.sum(2), torch.ones(6000, 2), atol=1e-6)
    assert (found > 0).all()
    concentration = Dirichlet().concentration(ALPHAS)
    total = concentration.sum(1, keepdim=True)
    mean = concentration / total
    assert torch.allclose(found.mean(0), mean, atol=0.02)
    assert torch.allclose(found.var(0), mean * (1 - mean) / (total + 1), atol=0.01)


def test_gradients_are_those_of_the_expectation():
    """E[theta_0^2] of a Dirichlet is c (c + 1) / (s (s + 1)); its slope is met by the mean of pathwise gradients."""
    concentration = torch.tensor([[1.5, 2.0, 0.8]], dtype=torch.float64)
    repeated = concentration.expand(20000, -1).clone().requires_grad_()
    (sample_dirichlet(repeated, generator())[:, 0] ** 2).sum().backward()
    exact = concentration.clone().requires_grad_()
    c, s = exact[0, 0], exact.sum()
    (c * (c + 1) / (s * (s + 1))).backward()
    assert torch.allclose(repeated.grad.mean(0), exact.grad[0], atol=0.01)


def test_gradients_are_finite_at_the_ends():
    alphas = torch.tensor([[-50.0, 50.0, 0.0], [-50.0, -50.0, -50.0], [1e6, 0.0, -1e6]], requires_grad=True)
    theta = Dirichlet().weights(alphas, torch.ones(3, 3, dtype=torch.bool), Moment(), generator())
    (gradient,) = torch.autograd.grad((theta * torch.arange(3.0)).sum(), alphas)
    assert torch.isfinite(theta).all()
    assert torch.isfinite(gradient).all()


def test_what_is_not_allowed_is_zero_and_the_rest_is_a_smaller_dirichlet():
    allowed = torch.tensor([[True, True, False], [False, False, False]])
    found = draws(4000, allowed)
    assert (found[:, ~allowed] == 0).all()
    assert torch.allclose(found[:, 0].sum(1), torch.ones(4000), atol=1e-6)
    assert float(found[:, 0, 0].mean()) == pytest.approx(1 / 3, abs=0.02)
    assert float(found[:, 0, 0].var()) == pytest.approx(2 / 36, abs=0.01)


def test_draws_follow_the_generator_and_leave_the_global_one_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, source = draws(1), generator()
    assert torch.equal(torch.rand(3), expected)
    again = Dirichlet().weights(ALPHAS, EVERYTHING, Moment(), source)
    assert torch.equal(first[0], again)
    assert not torch.equal(again, Dirichlet().weights(ALPHAS, EVERYTHING, Moment(), source))
