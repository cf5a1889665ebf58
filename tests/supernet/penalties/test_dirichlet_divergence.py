"""supernet/penalties/dirichlet_divergence.py: against torch's divergence."""

import pytest
import torch
from torch.distributions import Dirichlet as Distribution
from torch.distributions import kl_divergence

from ranknosh.errors import ConfigError
from supernet.penalties import DirichletDivergence
from supernet.relaxations import Dirichlet
from supernet.schedules import Constant
from tests.supernet_cases import bare, tiny_darts, tiny_search


def test_it_is_zero_where_alphas_are():
    search = tiny_search(bare(relaxation=Dirichlet()))
    search.alphas["normal"].data[:] = 0.0
    assert float(DirichletDivergence(Constant(1.0)).loss(search).detach()) == pytest.approx(0.0, abs=1e-5)


def test_it_is_the_sum_over_edges():
    search = tiny_search(bare(relaxation=Dirichlet()), tiny_darts())
    expected = 0.0
    for alphas in search.alphas.values():
        alphas.data = torch.randn(5, 8)
        c = torch.nn.functional.elu(alphas.detach()) + 1
        expected += float(kl_divergence(Distribution(c), Distribution(torch.ones_like(c))).sum())
    assert float(DirichletDivergence().loss(search).detach()) == pytest.approx(1e-3 * expected, rel=1e-4)


def test_closed_operations_are_left_out():
    search = tiny_search(bare(relaxation=Dirichlet()))
    alphas = search.alphas["normal"]
    alphas.data = torch.randn(6, 5)
    search.states.forbid("normal", 0, 3)
    for edge in range(1, 6):
        search.states.fix("normal", edge, 0)
    c = torch.nn.functional.elu(alphas.detach()[0, [0, 1, 2, 4]]) + 1
    expected = float(kl_divergence(Distribution(c), Distribution(torch.ones(4))))
    value = DirichletDivergence(Constant(1.0)).loss(search)
    assert float(value.detach()) == pytest.approx(expected, rel=1e-4)
    (gradient,) = torch.autograd.grad(value, alphas)
    assert float(gradient[0, 3]) == 0.0
    assert (gradient[0, [0, 1, 2, 4]] != 0).all()


def test_other_relaxations_are_refused():
    with pytest.raises(ConfigError, match="not defined for softmax"):
        tiny_search(bare(penalties=(DirichletDivergence(),)))
