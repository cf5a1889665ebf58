"""Rows and graphs of module spaces, by hand: ranknosh/spaces/module_rows.py"""

from itertools import pairwise

import networkx as nx
import numpy as np

from ranknosh.predictors.base import Encodings
from ranknosh.spaces.module import ModuleSpace
from tests.module_nets import Deep

SPACE = ModuleSpace(Deep)
ONE = {"width": 8, "depth": 2, "block0.op": "conv", "block0.kernel": 3, "block1.op": "pool"}


def test_features_by_hand():
    (row,) = SPACE.features(np.array([SPACE.locate(ONE).code]))
    ops, kernels = [1, 0, 0, 0, 0, 1, 0, 0, 0], [0, 1, 0, 0, 0, 0]
    indicators = [0, 1, 0, 1, 0, *ops[:3], *kernels[:2], *ops[3:6], *kernels[2:4], *ops[6:], *kernels[4:]]
    # width 8 is the last of two, depth 2 the middle of three, kernels: the last of two, and twice not there.
    places = [1, 0.5, 1, 0, 0]
    reached = [1, 1, 0, 0, 0]  # block0.kernel, block1.op, block1.kernel, block2.op, block2.kernel
    alike = [1, 0, 1, 0, 1]  # one conv, no skip, one pool; no kernel of 1, one of 3
    assert row.tolist() == [*indicators, *places, *reached, *alike]


def test_equal_rows_are_equal_architectures():
    rows = SPACE.features(SPACE.codes(list(SPACE.enumerate())))
    assert len(np.unique(rows, axis=0)) == SPACE.size


def test_graph_by_hand():
    graphs = SPACE.graphs(np.array([SPACE.locate(ONE).code]))
    names = ["start", *(choice.name for choice in SPACE.choices), "end"]
    graph = nx.DiGraph([(names[i], names[j]) for i, j in np.argwhere(graphs.adjacency[0])])
    chain = ["start", "width", "depth", "block0.op", "block0.kernel", "block1.op", "end"]
    assert set(graph.edges) == {*pairwise(chain), ("depth", "block1.op")}
    labels = {name: graphs.node_kinds[kind] for name, kind in zip(names, graphs.labels[0], strict=True)}
    there = [name for name, here in zip(names, graphs.mask[0], strict=True) if here]
    assert there == chain
    assert [labels[name] for name in chain] == [
        "start", "width=8", "depth=2", "block.op=conv", "block.kernel=3", "block.op=pool", "end",
    ]  # fmt: skip


def test_equal_graphs_are_equal_architectures():
    listed = list(SPACE.enumerate())
    graphs = Encodings(SPACE, listed).graphs
    seen = {
        (labels[mask].tobytes(), adjacency[np.ix_(mask, mask)].tobytes())
        for adjacency, labels, mask in zip(graphs.adjacency, graphs.labels, graphs.mask, strict=True)
    }
    assert len(seen) == len(listed)
    assert not graphs.adjacency[~graphs.mask].any()
