"""supernet/weightings/node_simplex.py."""

import pytest
import torch

from ranknosh.errors import ConfigError
from supernet.weightings import NodeSimplex
from tests.supernet_cases import TRIANGLE, bare, tiny_search


def test_edges_of_a_node_begin_alike_and_sum_to_one():
    weighting = NodeSimplex()
    initial = weighting.initial(TRIANGLE, torch.Generator())
    assert torch.allclose(initial, torch.tensor([1.0, 0.5, 0.5]))
    factors = weighting.factors(torch.tensor([0.7, 0.1, 0.3]), TRIANGLE)
    assert torch.allclose(factors, torch.tensor([1.0, 0.25, 0.75]))


def test_optimisers_that_leave_the_simplex_are_refused():
    with pytest.raises(ConfigError, match="would leave the simplex of edges"):
        tiny_search(bare(weighting=NodeSimplex()))
