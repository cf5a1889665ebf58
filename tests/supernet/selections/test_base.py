"""supernet/selections/base.py: the rule that makes cells of scores."""

import torch

from supernet.selections.base import decode
from supernet.states import EdgeStates
from tests.supernet_cases import tiny_darts, triangle


def test_the_best_operation_of_every_edge_is_kept_and_ties_go_to_the_lower_place():
    space = triangle()
    rows = torch.tensor([[0.0, 2.0, 1.0, 2.0, 0.0], [1.0] * 5, [0.0, 0.0, 0.0, 3.0, 3.0]])
    assert decode(space, EdgeStates(space), {"normal": rows}) == {"normal": (1, 0, 3)}


def test_among_edges_of_equal_worth_the_lower_ones_are_kept():
    """Two inputs, two nodes, two edges a node: of the second node's three the last one goes; ``none`` is never kept."""
    space = tiny_darts()
    scores = {kind: torch.zeros(5, space.width) for kind in space.kinds}
    names = space.candidates["normal"][0]
    lowest = next(place for place, name in enumerate(names) if name not in space.excluded)
    kept = (lowest, lowest, lowest, lowest, None)
    assert decode(space, EdgeStates(space), scores) == {"normal": kept, "reduce": kept}


def test_a_value_that_is_no_number_loses():
    space = triangle()
    rows = torch.full((3, 5), float("nan"))
    rows[:, 4] = -1.0
    assert decode(space, EdgeStates(space), {"normal": rows}) == {"normal": (4, 4, 4)}
