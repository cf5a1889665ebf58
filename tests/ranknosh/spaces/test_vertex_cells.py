"""ranknosh/spaces/vertex_cells.py, against networkx and the definition of the cut."""

from collections import Counter
from itertools import combinations, permutations

import networkx as nx
import numpy as np
import pytest

from ranknosh.spaces.vertex_cells import EDGES, OPERATIONS, all_cells, canonical, cell_of, features, graphs, pruned

ENDS = {0: "input", 6: "output"}


def graph_of(code):
    """The seven vertices and their edges, nothing cut off."""
    graph = nx.DiGraph()
    for vertex in range(7):
        graph.add_node(vertex, name=ENDS.get(vertex) or OPERATIONS[code[20 + vertex]])
    graph.add_edges_from(edge for edge, there in zip(EDGES, code[:21], strict=True) if there)
    return graph


def cut(graph):
    """The vertices that can be reached from the input and reach the output."""
    return graph.subgraph((nx.descendants(graph, 0) | {0}) & (nx.ancestors(graph, 6) | {6}))


def drawn(count, seed):
    """Random codes that hold a path, with every number of edges."""
    rng = np.random.default_rng(seed)
    codes = []
    while len(codes) < count:
        code = (*(int(bit) for bit in rng.random(21) < rng.uniform(0.2, 0.7)), *map(int, rng.integers(0, 3, 5)))
        if nx.has_path(graph_of(code), 0, 6):
            codes.append(code)
    return codes


def ones(numbers):
    return sum((numbers >> slot) & 1 for slot in range(21))


def same(first, second):
    return nx.is_isomorphic(first, second, node_match=lambda one, other: one["name"] == other["name"])


def refined(graph):
    """The idea of the published hash: labels and degrees, refined by the labels of sources and of targets, as often as there are
    vertices; then their multiset."""
    label = {v: (graph.out_degree(v), graph.in_degree(v), graph.nodes[v]["name"]) for v in graph}
    for _ in graph:
        seen = {
            v: (sorted(label[s] for s in graph.pred[v]), sorted(label[t] for t in graph.succ[v]), label[v])
            for v in graph
        }
        label = {v: hash(repr(text)) for v, text in seen.items()}
    return tuple(sorted(label.values()))


def test_the_cut_keeps_what_lies_on_a_path():
    for code in drawn(200, seed=1):
        left = cut(graph_of(code))
        kept = pruned(sum(bit << slot for slot, bit in enumerate(code[:21])))
        assert {edge for slot, edge in enumerate(EDGES) if kept >> slot & 1} == set(left.edges)
        order = sorted(left)
        cell = cell_of(code)
        assert set(cell.edges) == {(order.index(s), order.index(t)) for s, t in left.edges}
        assert cell.names == tuple(left.nodes[v]["name"] for v in order)


def test_the_cut_leaves_nothing_without_a_path():
    no_way = [slot for slot, (source, _) in enumerate(EDGES) if source != 0]
    assert pruned(sum(1 << slot for slot in no_way)) == 0


def test_the_cut_of_an_array_is_that_of_its_numbers():
    numbers = np.random.default_rng(2).integers(0, 1 << 21, 300)
    assert pruned(numbers).tolist() == [pruned(int(number)) for number in numbers]


def test_there_are_as_many_matrices_as_the_space_says():
    kept = pruned(np.arange(1 << 21))
    assert int(((kept > 0) & (ones(kept) <= 9)).sum()) == 1_538_083


def test_ids_are_equal_exactly_for_isomorphic_cells():
    """Among codes an edit or two apart, where cells are alike and often equal."""
    rng = np.random.default_rng(3)
    codes = []
    for code in drawn(40, seed=4):
        for slot in rng.integers(0, 26, 6):
            options = 2 if slot < 21 else 3
            changed = (*code[:slot], (code[slot] + 1) % options, *code[slot + 1 :])
            codes += [changed] if pruned(sum(bit << at for at, bit in enumerate(changed[:21]))) else []
    cells = [cut(graph_of(code)) for code in codes]
    equal = 0
    for (first, one), (second, other) in combinations(zip(codes, cells, strict=True), 2):
        if len(one) == len(other) and one.size() == other.size():
            assert (canonical(first) == canonical(second)) == same(one, other)
            equal += canonical(first) == canonical(second)
    assert equal > 100


def test_ids_stay_where_inner_vertices_change_places():
    for code in drawn(40, seed=5):
        graph = cut(graph_of(code))
        moved = 0
        for order in permutations(range(1, 6)):
            place = {0: 0, 6: 6, **dict(zip(order, range(1, 6), strict=True))}
            edges = {(place[source], place[target]) for source, target in graph.edges}
            if all(source < target for source, target in edges):
                names = [code[20 + vertex] for vertex in order]
                other = (*(int(edge in edges) for edge in EDGES), *names)
                assert canonical(other) == canonical(code)
                moved += 1
        assert moved >= 1


def test_the_cells_are_the_423_624_of_the_paper():
    blocks = list(all_cells())
    assert sum(map(len, blocks)) == 423_624
    codes = np.concatenate(blocks)
    kept = pruned(codes[:, :21] @ (1 << np.arange(21)))
    assert (kept > 0).all()
    assert (ones(kept) <= 9).all()
    drawn = codes[np.random.default_rng(6).choice(len(codes), 1000, replace=False)]
    listed = [tuple(map(int, code)) for code in drawn]
    assert len({canonical(code) for code in listed}) == len({refined(cut(graph_of(code))) for code in listed}) == 1000


@pytest.mark.slow
def test_no_two_of_all_cells_share_an_id_and_every_cell_is_among_them():
    ids = Counter(canonical(tuple(map(int, code))) for block in all_cells() for code in block)
    assert len(ids) == 423_624
    assert ids.most_common(1)[0][1] == 1
    for code in drawn(2000, seed=7):
        assert (canonical(code) in ids) == (cut(graph_of(code)).size() <= 9)


def test_features_by_walking_every_path():
    codes = drawn(60, seed=8)
    rows = features(np.array(codes))
    assert rows.shape == (60, 87)
    assert rows.dtype == np.float32
    sequences = [(), *((a,) for a in range(3)), *((a, b) for a in range(3) for b in range(3))]
    sequences += [(a, b, c) for a in range(3) for b in range(3) for c in range(3)]
    for code, row in zip(codes, rows, strict=True):
        graph = cut(graph_of(code))
        operation = {v: OPERATIONS.index(graph.nodes[v]["name"]) for v in graph if v not in ENDS}
        paths = [path[1:-1] for path in nx.all_simple_paths(graph, 0, 6)]
        met = {tuple(operation[v] for v in path) for path in paths}
        convolutions = [sum(operation[v] < 2 for v in path) for path in paths]
        expected = [edge in graph.edges for edge in EDGES]
        expected += [operation.get(v) == option for v in range(1, 6) for option in range(3)]
        expected += [sequence in met for sequence in sequences]
        expected += [len(operation), graph.size(), *(list(operation.values()).count(option) for option in range(3))]
        expected += [len(paths), max(map(len, paths)), min(map(len, paths)), max(convolutions), min(convolutions)]
        expected.append(sum(v in operation for v in graph.pred[6]))
        assert row.tolist() == [float(value) for value in expected]


def test_graphs_are_the_cells():
    codes = drawn(50, seed=9)
    found = graphs(np.array(codes))
    assert found.node_kinds == ("input", *OPERATIONS, "output")
    for row, code in enumerate(codes):
        left = cut(graph_of(code))
        assert set(zip(*np.nonzero(found.adjacency[row]), strict=True)) == set(left.edges)
        assert np.flatnonzero(found.mask[row]).tolist() == sorted(left)
        assert [found.node_kinds[found.labels[row, v]] for v in sorted(left)] == [
            left.nodes[v]["name"] for v in sorted(left)
        ]
        assert (found.labels[row][~found.mask[row]] == 0).all()


def test_the_edge_from_input_to_output_alone_is_a_cell():
    code = (*(int(edge == (0, 6)) for edge in EDGES), *[0] * 5)
    assert cell_of(code).names == ("input", "output")
    assert canonical(code) == "none-2"
    assert features(np.array([code]))[0, 36] == 1  # the empty sequence
    assert graphs(np.array([code])).mask.sum() == 2
