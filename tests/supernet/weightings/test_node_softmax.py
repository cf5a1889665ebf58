"""supernet/weightings/node_softmax.py: factors of a node's edges."""

import math

import pytest
import torch

from ranknosh.spaces.nasbench201 import TOPOLOGY
from supernet.weightings import NodeSoftmax
from tests.supernet_cases import bare, tiny_darts, tiny_search


def test_the_factors_of_a_nodes_edges_are_a_softmax():
    b = torch.tensor([5.0, 0.0, math.log(3.0), 1.0, 1.0, 1.0 + math.log(2.0)], dtype=torch.float64)
    expected = [1.0, 0.25, 0.75, 0.25, 0.25, 0.5]
    assert NodeSoftmax().factors(b, TOPOLOGY).tolist() == pytest.approx(expected)


def test_gradients_stay_within_a_node():
    b = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    NodeSoftmax().factors(b, TOPOLOGY)[1].backward()
    assert b.grad.tolist() == pytest.approx([0, 0.25, -0.25, 0, 0, 0])


@pytest.mark.parametrize("case", [None, tiny_darts])
def test_a_search_weighs_and_moves_its_edges(case):
    search = tiny_search(bare(1, weighting=NodeSoftmax()), case() if case else None)
    kind = search.space.kinds[0]
    before = search.parameters[f"edges.{kind}"].detach().clone()
    theta = search.mix("evaluation", detached=True).theta[kind]
    topology = search.space.topology(kind)
    for node in range(topology.inputs, topology.nodes):
        assert float(theta[list(topology.incoming(node))].sum()) == pytest.approx(1.0)
    plain = tiny_search(bare(1), case() if case else None)
    assert plain.run_epoch().weights_loss != search.run_epoch().weights_loss
    assert not torch.equal(before, search.parameters[f"edges.{kind}"])


def test_the_factor_counts_in_the_choice_of_edges():
    search = tiny_search(bare(1, weighting=NodeSoftmax()), tiny_darts())
    search.parameters["edges.normal"].data[:] = torch.tensor([0.0, 0.0, 0.0, 2.0, 1.0])
    kept = search.method.selection.derive(search)["normal"]
    assert [place is not None for place in kept] == [True, True, False, True, True]
