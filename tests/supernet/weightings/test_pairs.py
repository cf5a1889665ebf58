"""supernet/weightings/pairs.py and selections/pairs.py against sums written out."""

from itertools import combinations

import pytest
import torch

from ranknosh.spaces.genotype import whole_cell
from supernet.selections.pairs import LikeliestPairs
from supernet.weightings.pairs import DOTS_TEMPERATURE, PairSoftmax, node_pairs, pair_shares
from tests.supernet_cases import bare, tiny_darts, tiny_search

CELL = whole_cell(4, (2, 3, 4, 5))


def test_pairs_of_the_darts_cell():
    """Nodes of 2, 3, 4 and 5 edges: 1 + 3 + 6 + 10 pairs."""
    assert len(node_pairs(CELL)) == 20
    assert [edges for node, edges in node_pairs(CELL) if node == 3] == list(combinations((2, 3, 4), 2))


def test_factors_are_sums_over_pairs():
    parameters = torch.randn(20, generator=torch.Generator().manual_seed(0))
    shares = pair_shares(parameters, CELL, 0.7)
    third = torch.softmax(parameters[1:4] / 0.7, 0)
    assert torch.allclose(shares[1:4], third)
    search = tiny_search(bare(weighting=PairSoftmax()), tiny_darts())
    factors = search.method.weighting.factors(parameters[:4] * 10 / 0.7, search.space.topology("normal"))
    assert search.moment("weights").stage_epochs == 1
    expected = [1.0, 1.0, third[0] + third[1], third[0] + third[2], third[1] + third[2]]
    assert torch.allclose(factors, torch.tensor([float(v) for v in expected]), atol=1e-6)


def test_factors_of_a_node_sum_to_two_and_get_gradients():
    search = tiny_search(bare(weighting=PairSoftmax()), tiny_darts())
    mix = search.mix("alphas")
    factors = mix.edge_factors["normal"]
    assert factors[:2].tolist() == [1.0, 1.0]
    assert factors[2:].sum().item() == pytest.approx(2.0)
    assert torch.allclose(mix.theta["normal"].sum(1), factors)
    before = search.parameters["edges.normal"].detach().clone()
    search.run_epoch()
    assert not torch.equal(before[1:], search.parameters["edges.normal"][1:].detach())


def test_the_temperature_of_dots():
    assert [round(DOTS_TEMPERATURE(epoch, 20), 6) for epoch in (0, 19)] == [10.0, 0.02]


def test_the_likeliest_pair_is_kept_whatever_the_operations_say():
    search = tiny_search(bare(weighting=PairSoftmax(), selection=LikeliestPairs()), tiny_darts())
    with torch.no_grad():
        search.parameters["edges.normal"].copy_(torch.tensor([0.0, 0.1, 0.0, 0.3]))
        search.alphas["normal"][2, 4] = 9.0
    kept = [place is not None for place in search.result()["normal"]]
    assert kept == [True, True, False, True, True]
