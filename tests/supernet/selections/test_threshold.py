"""supernet/selections/threshold.py: cells of gates set by hand."""

import torch

from supernet.relaxations import Sigmoid
from supernet.selections import Magnitude, Threshold
from tests.supernet_cases import bare, tiny_darts, tiny_search

OPERATIONS = ("none", "skip_connect", "sep_conv_3x3")


def darts_gates(rows, selection):
    """Cells of the two-node DARTS space; edges 0, 1 enter the first node and 2, 3, 4 the second."""
    search = tiny_search(bare(relaxation=Sigmoid(), selection=selection), tiny_darts(OPERATIONS))
    for alphas in search.alphas.values():
        alphas.data = torch.logit(torch.tensor(rows))
    return search


ROWS = [[0.99, 0.86, 0.1], [0.99, 0.2, 0.84], [0.9, 0.9, 0.95], [0.1, 0.87, 0.1], [0.1, 0.1, 0.88]]


def test_at_most_two_edges_a_node_and_only_those_above_the_threshold():
    cells = darts_gates(ROWS, Threshold()).result()
    assert cells["normal"] == cells["reduce"] == (1, None, 2, None, 2)
    assert darts_gates(ROWS, Magnitude()).result()["normal"] == (1, 2, 2, None, 2)


def test_a_node_without_any_keeps_its_best():
    low = [[0.99, 0.5, 0.1], [0.99, 0.2, 0.6], *ROWS[2:]]
    search = darts_gates(low, Threshold())
    assert search.result()["normal"] == (None, 2, 2, None, 2)
    assert "('none', 0)" in search.space.write(search.result())


def test_decided_edges_stay():
    search = darts_gates(ROWS, Threshold())
    search.states.fix("normal", 1, 1)
    assert search.result()["normal"] == (1, 1, 2, None, 2)
    search.states.prune("normal", 4)
    assert search.result()["normal"] == (1, 1, 2, 1, None)


def test_nasbench201_closes_an_edge_of_low_gates():
    search = tiny_search(bare(relaxation=Sigmoid(), selection=Threshold()))
    gates = torch.full((6, 5), 0.3)
    gates[0, 3], gates[1, 4], gates[2, 0] = 0.6, 0.49, 0.55
    search.alphas["normal"].data = torch.logit(gates)
    search.states.fix("normal", 3, 2)
    assert search.result()["normal"] == (3, 0, 0, 2, 0, 0)
    assert search.space.write(search.result()) == "|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"
