"""supernet/alpha_optimisers/exponentiated.py: mirror descent by hand."""

import pytest
import torch

from ranknosh.errors import ConfigError
from supernet.alpha_optimisers import ExponentiatedGradient
from supernet.relaxations import Simplex
from supernet.weightings import NodeSimplex, NodeSoftmax
from tests.supernet_cases import bare, tiny_search

NODES = ([0], [1, 2], [3, 4, 5])
"""Edges of NAS-Bench-201 by the node they enter."""


def searching(lr=0.1, **parts):
    return tiny_search(bare(2, relaxation=Simplex(), alpha_optimiser=ExponentiatedGradient(lr), **parts))


def step(search, **gradients):
    zeros = {name: torch.zeros_like(p) for name, p in search.parameters.items()}
    search.method.alpha_optimiser.step(search, zeros | gradients)


def test_it_is_gradient_descent_on_the_logits_of_a_softmax():
    search, logits = searching(0.3), torch.log(torch.full((6, 5), 0.2))
    for _ in range(5):
        gradient = torch.randn(6, 5)
        step(search, normal=gradient)
        logits -= 0.3 * gradient
        assert torch.allclose(search.alphas["normal"], torch.softmax(logits, 1), atol=1e-5)
        assert torch.allclose(search.alphas["normal"].sum(1), torch.ones(6))


def test_no_gradient_moves_nothing_and_a_shift_neither():
    search = searching()
    step(search, normal=torch.randn(6, 5))
    before = search.alphas["normal"].detach().clone()
    step(search)
    assert torch.allclose(before, search.alphas["normal"], atol=1e-6)
    step(search, normal=torch.full((6, 5), 3.0))
    assert torch.allclose(before, search.alphas["normal"], atol=1e-6)


def test_a_linear_loss_ends_at_its_best_vertex_above_the_floor():
    search, costs = searching(1.0), torch.arange(5.0).flip(0).repeat(6, 1)
    for _ in range(60):
        step(search, normal=costs)
    theta = search.alphas["normal"].detach()
    assert (theta[:, 4] > 0.999).all()
    assert (theta >= 0.99e-5).all()
    step(search, normal=torch.tensor([-1e4, 0.0, 0.0, 0.0, 0.0]).repeat(6, 1))
    assert torch.isfinite(search.alphas["normal"]).all()
    assert (search.alphas["normal"][:, 0] > 0.999).all()


def test_edges_of_a_node_share_a_simplex():
    search = searching(0.5, weighting=NodeSimplex())
    gradient = torch.tensor([1.0, 1.0, -1.0, 0.0, 2.0, 1.0])
    step(search, **{"edges.normal": gradient})
    found = search.parameters["edges.normal"].detach()
    for edges in NODES:
        assert torch.allclose(found[edges], torch.softmax(-0.5 * gradient[edges], 0))


def test_what_no_longer_mixes_does_not_move():
    search = searching(0.5, weighting=NodeSimplex())
    search.states.fix("normal", 3, 2)
    search.states.forbid("normal", 1, 0)
    step(search, **{"normal": torch.randn(6, 5), "edges.normal": torch.randn(6)})
    alphas, edges = search.alphas["normal"].detach(), search.parameters["edges.normal"].detach()
    assert torch.allclose(alphas[3], torch.full((5,), 0.2))
    assert float(alphas[1, 0]) == pytest.approx(0.2)
    assert float(alphas[1, 1:].sum()) == pytest.approx(0.8)
    assert float(edges[3]) == pytest.approx(1 / 3)
    assert float(edges[4:].sum()) == pytest.approx(2 / 3)
    assert not torch.allclose(edges[4], edges[5])
    assert float(search.mix("alphas", detached=True).theta["normal"][1].sum()) == pytest.approx(float(edges[1]))


def test_what_it_cannot_move_is_refused():
    with pytest.raises(ConfigError, match="not the parameters of softmax"):
        tiny_search(bare(alpha_optimiser=ExponentiatedGradient()))
    with pytest.raises(ConfigError, match="not those of edge softmax"):
        searching(weighting=NodeSoftmax())
