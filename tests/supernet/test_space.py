"""ranknosh/spaces/relaxed.py by way of what is derived, and its text."""

import torch

from ranknosh.spaces.darts import Darts
from ranknosh.spaces.genotype import parse
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.signature import Signature
from supernet.selections import decode
from supernet.states import EdgeStates
from tests.supernet_cases import tiny_darts, tiny_nasbench201


def test_nasbench201_cells_are_written_as_the_exchange_string():
    cells = {"normal": (3, 3, 3, 1, None, 4)}
    text = tiny_nasbench201().write(cells)
    assert text == "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
    assert NasBench201().parse(text).code == (3, 3, 3, 1, 0, 4)
    assert tiny_nasbench201().count(cells, "skip_connect") == 1


def test_darts_has_fourteen_edges_a_cell_and_seven_operations_without_none():
    space = tiny_darts(steps=4)
    assert [len(space.candidates[kind]) for kind in space.kinds] == [14, 14]
    assert space.width == 8
    without = Darts(none=False).relaxed(Signature((3, 8, 8), (4,)))
    assert without.candidates["normal"][0] == space.candidates["normal"][0][1:] == Darts.operations


def test_a_genotype_of_hand_set_scores():
    """Node 2 has edges 0-1, node 3 edges 2-4. ``none`` has the largest score everywhere and is never kept."""
    space = tiny_darts()
    scores = {kind: torch.zeros(5, 8) for kind in space.kinds}
    for kind in scores:
        scores[kind][:, 0] = 9
        scores[kind][:, 3] = torch.tensor([0.5, 0.6, 0.1, 0.3, 0.2])
    scores["normal"][2, 4] = 0.4
    cells = decode(space, EdgeStates(space), scores)
    genotype = parse(space.write(cells))
    assert genotype.normal == (("skip_connect", 0), ("skip_connect", 1), ("sep_conv_3x3", 0), ("skip_connect", 1))
    assert genotype.reduce == (("skip_connect", 0), ("skip_connect", 1), ("skip_connect", 1), ("skip_connect", 2))
    assert parse(space.write(cells)) == genotype


def test_ties_go_to_the_lower_place_and_nan_to_nobody():
    space = tiny_nasbench201()
    scores = torch.zeros(6, 5)
    scores[1, :2] = torch.nan
    assert decode(space, EdgeStates(space), {"normal": scores})["normal"] == (0, 2, 0, 0, 0, 0)


def test_decided_edges_stand_whatever_the_scores_and_win_at_their_node():
    space = tiny_darts()
    states = EdgeStates(space)
    states.fix("normal", 4, 0)
    states.prune("normal", 3)
    scores = {kind: torch.rand(5, 8) + 1 for kind in space.kinds}
    scores["normal"][4] = 0
    cells = decode(space, states, scores)
    assert cells["normal"][4] == 0
    assert cells["normal"][3] is None
    assert cells["normal"][2] is not None


def test_edge_scores_rank_edges_in_place_of_operations():
    space = tiny_darts()
    scores = {kind: torch.rand(5, 8) for kind in space.kinds}
    ranks = {kind: torch.tensor([1.0, 1.0, 3.0, 1.0, 2.0]) for kind in space.kinds}
    cells = decode(space, EdgeStates(space), scores, ranks)
    assert [place is not None for place in cells["normal"]] == [True, True, True, False, True]


def test_a_missing_edge_is_written_as_none():
    space = tiny_darts()
    cells = dict.fromkeys(space.kinds, (4, None, None, None, 3))
    assert parse(space.write(cells)).normal == (
        ("sep_conv_3x3", 0),
        ("none", 1),
        ("skip_connect", 2),
        ("none", 0),
    )
