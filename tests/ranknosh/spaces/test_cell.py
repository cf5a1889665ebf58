"""ranknosh/spaces/cell.py; what predictors see, on NAS-Bench-201 by an oracle that walks the cell."""

import itertools

import networkx
import numpy as np
import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.topology import CellTopology

DIAMOND = CellTopology(inputs=1, nodes=4, edges=((0, 1), (0, 2), (1, 3), (2, 3)), outputs=(3,))
SPACE = NasBench201()
OPS = SPACE.operations
EDGES = SPACE.topology.edges
SAMPLE = list(SPACE.enumerate())[::61]
ROWS = SPACE.features(SPACE.codes(SAMPLE))
COUNTS = (
    *OPS,
    *(f"live {op}" for op in OPS if op != "none"),
    *("live edges", "live paths", "depth", "width", "skip paths", "min convolutions", "max convolutions"),
)


def test_paths_of_a_diamond():
    assert DIAMOND.paths == ((0, 2), (1, 3))


@pytest.mark.parametrize(
    ("carries", "live"),
    [
        ((1, 1, 1, 1), (1, 1, 1, 1)),
        ((0, 1, 1, 1), (0, 1, 0, 1)),  # node 1 is never fed, so the edge out of it is dead
        ((1, 1, 0, 1), (0, 1, 0, 1)),  # node 1 leads nowhere
        ((1, 0, 0, 1), (0, 0, 0, 0)),
    ],
)
def test_live_edges(carries, live):
    assert DIAMOND.live([bool(c) for c in carries]) == tuple(bool(v) for v in live)


def test_live_agrees_with_the_paths():
    cell = CellTopology(
        inputs=2, nodes=5, edges=((0, 2), (1, 2), (0, 3), (2, 3), (2, 4), (3, 4), (1, 4)), outputs=(3, 4)
    )
    for bits in range(2 ** len(cell.edges)):
        carries = [bool(bits >> slot & 1) for slot in range(len(cell.edges))]
        expected = {slot for path in cell.paths if all(carries[s] for s in path) for slot in path}
        assert {slot for slot, live in enumerate(cell.live(carries)) if live} == expected


@pytest.mark.parametrize(
    "parts",
    [
        {"edges": ((1, 0),)},
        {"edges": ((0, 2),)},
        {"outputs": ()},
        {"outputs": (2,)},
        {"inputs": 2},
    ],
)
def test_what_is_no_cell_is_refused(parts):
    good = {"inputs": 1, "nodes": 2, "edges": ((0, 1),), "outputs": (1,)}
    with pytest.raises(SpaceError):
        CellTopology(**{**good, **parts})


def feature_names():
    edges = [f"{target}<-{source}" for source, target in EDGES]
    names = [f"{edge} {op}" for edge in edges for op in OPS]
    for path in SPACE.topology.paths:
        where = ", ".join(edges[slot] for slot in path)
        names += [f"path {where}: {' '.join(ops)}" for ops in itertools.product(OPS, repeat=len(path))]
    return (*names, *COUNTS)


NAMES = feature_names()


def walk(architecture, node=3):
    """Every path from the input to ``node`` as a list of (slot, operation), ``none`` included."""
    if node == 0:
        return [[]]
    return [
        path + [(slot, OPS[architecture.code[slot]])]
        for slot, (source, target) in enumerate(EDGES)
        if target == node
        for path in walk(architecture, source)
    ]


def test_shapes_and_types():
    assert ROWS.shape == (len(SAMPLE), 226)
    assert ROWS.dtype == np.float32
    assert SPACE.features(SPACE.codes([])).shape == (0, 226)
    assert len(NAMES) == len(set(NAMES)) == 226


def test_onehot_names_the_operation_of_every_edge():
    for a, row in zip(SAMPLE, ROWS[:, :30], strict=True):
        expected = {f"{t}<-{s} {OPS[op]}" for op, (s, t) in zip(a.code, EDGES, strict=True)}
        assert {NAMES[column] for column in np.flatnonzero(row)} == expected


def test_path_columns_are_the_paths_of_the_cell():
    for a, row in zip(SAMPLE, ROWS[:, 30:210], strict=True):
        expected = set()
        for path in walk(a):
            where = ", ".join(f"{EDGES[slot][1]}<-{EDGES[slot][0]}" for slot, _ in path)
            expected.add(f"path {where}: {' '.join(op for _, op in path)}")
        assert {NAMES[30 + column] for column in np.flatnonzero(row)} == expected


def test_counts_agree_with_a_walk_through_the_cell():
    for a, row in zip(SAMPLE, ROWS[:, 210:], strict=True):
        live = [path for path in walk(a) if all(op != "none" for _, op in path)]
        edges = {slot for path in live for slot, _ in path}
        convs = [sum(op.startswith("nor_conv") for _, op in path) for path in live]
        expected = {name: float(count) for name, count in SPACE.operation_counts(a).items()}
        for op in OPS[1:]:
            expected[f"live {op}"] = sum(OPS[a.code[slot]] == op for slot in edges)
        expected |= {
            "live edges": len(edges),
            "live paths": len(live),
            "depth": max((len(path) for path in live), default=0),
            "width": max(sum(EDGES[slot][0] <= cut < EDGES[slot][1] for slot in edges) for cut in range(3)),
            "skip paths": sum(all(op == "skip_connect" for _, op in path) for path in live),
            "min convolutions": min(convs, default=0),
            "max convolutions": max(convs, default=0),
        }
        assert dict(zip(COUNTS, row.tolist(), strict=True)) == expected


def test_line_graph_has_the_published_edges():
    graphs = SPACE.graphs(SPACE.codes(SAMPLE))
    expected = {(0, 1), (0, 2), (0, 4), (1, 3), (1, 5), (2, 6), (3, 6), (4, 7), (5, 7), (6, 7)}
    assert {(int(i), int(j)) for i, j in np.argwhere(graphs.adjacency[0])} == expected
    assert graphs.adjacency.shape == (len(SAMPLE), 8, 8)
    assert (graphs.adjacency == graphs.adjacency[0]).all()
    assert graphs.mask.all()
    assert graphs.node_kinds == ("input", *OPS, "output")
    for a, labels in zip(SAMPLE, graphs.labels, strict=True):
        assert [graphs.node_kinds[label] for label in labels] == ["input", *(OPS[op] for op in a.code), "output"]


def test_line_graph_is_the_one_of_the_other_edge_order():
    """Edges taken by source, as another common implementation orders them, give the same labelled graph."""
    by_source = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    graphs = SPACE.graphs(SPACE.codes(SAMPLE))
    for row in range(0, len(SAMPLE), 16):
        ours = networkx.DiGraph(list(map(tuple, np.argwhere(graphs.adjacency[row]))))
        networkx.set_node_attributes(ours, dict(enumerate(graphs.labels[row].tolist())), "op")
        other = networkx.DiGraph([(0, 1), (0, 2), (0, 3), (1, 4), (1, 5), (2, 6), (3, 7), (4, 6), (5, 7), (6, 7)])
        ops = [SAMPLE[row].code[EDGES.index(edge)] + 1 for edge in by_source]
        networkx.set_node_attributes(other, dict(enumerate([0, *ops, 6])), "op")
        assert networkx.is_isomorphic(ours, other, node_match=lambda a, b: a["op"] == b["op"])
