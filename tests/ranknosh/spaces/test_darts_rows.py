"""ranknosh/spaces/darts_rows.py: rows and graphs of pairs of cells, against what is counted edge by edge."""

import networkx as nx
import numpy as np
import pytest

from ranknosh.spaces.darts import Darts
from ranknosh.spaces.genotype import KINDS
from ranknosh.spaces.robust import S1

SPACES = [Darts(), S1(), Darts(operations=("none", *Darts.operations), steps=2, reduce_concat=(3,))]


def drawn(space, count=40):
    rng = np.random.default_rng(0)
    return [space.sample(rng) for _ in range(count)]


def by_hand(space, picks):
    """The columns of one cell, by loops over its edges."""
    kinds = space.operations
    slots = [(source, target) for target in range(2, space.steps + 2) for source in range(target)]
    edges = [float((name, *slot) in picks) for slot in slots for name in kinds]
    paths = []
    for start in (0, 1):
        paths += [sum(name == each and source == start for name, source, _ in picks) for each in kinds]
        for first in kinds:
            for second in kinds:
                paths.append(
                    sum(
                        (a, b) == (first, second) and source == start and middle == target
                        for a, source, target in picks
                        for b, middle, _ in picks
                    )
                )
    graph = nx.MultiDiGraph((source, target) for _, source, target in picks)
    totals = [sum(name == each for name, _, _ in picks) for each in kinds]
    leaving = [sum(source == start for _, source, _ in picks) for start in (0, 1)]
    return [*edges, *paths, *totals, *leaving, nx.dag_longest_path_length(nx.DiGraph(graph))]


@pytest.mark.parametrize("space", SPACES, ids=lambda space: f"{space.name}-{space.steps}")
def test_rows_are_those_counted_by_hand(space):
    architectures = drawn(space)
    rows = space.features(space.codes(architectures))
    for row, architecture in zip(rows, architectures, strict=True):
        expected = [each for kind in KINDS for each in by_hand(space, space.picks(architecture, kind))]
        assert row.tolist() == expected
    assert len({row.tobytes() for row in rows}) == len({architecture.code for architecture in architectures})


@pytest.mark.parametrize("space", SPACES, ids=lambda space: f"{space.name}-{space.steps}")
def test_graphs_are_the_line_graphs_of_both_cells(space):
    architectures = drawn(space, 10)
    found = space.graphs(space.codes(architectures))
    assert found.mask.all()
    for index, architecture in enumerate(architectures):
        expected = nx.DiGraph()
        for kind in KINDS:
            picks = space.picks(architecture, kind)
            for one in picks:
                if one[1] < 2:
                    expected.add_edge((kind, "in", one[1]), (kind, *one))
                if one[2] in space.outputs(kind):
                    expected.add_edge((kind, *one), (kind, "out"))
                for other in picks:
                    if other[1] == one[2]:
                        expected.add_edge((kind, *one), (kind, *other))
        for node in expected:
            ends = {"in": ("c(k-2)", "c(k-1)")[node[2] if node[1] == "in" else 0], "out": "output"}
            expected.nodes[node]["label"] = f"{node[0]} {ends.get(node[1], node[1])}"
        graph = nx.from_numpy_array(found.adjacency[index], create_using=nx.DiGraph)
        for node in graph:
            graph.nodes[node]["label"] = found.node_kinds[found.labels[index, node]]
        graph.remove_nodes_from(
            [node for node in list(graph) if graph.degree(node) == 0]
        )  # an input that nothing takes
        same = nx.algorithms.isomorphism.categorical_node_match("label", None)
        assert nx.is_isomorphic(graph, expected, node_match=same)
