"""Cells with operations on their vertices, as NAS-Bench-101 has them: the cut, ids, encodings, and the list of all.

A code is 21 edges that are there or not, then the operations of vertices 1 to 5; vertex 0 is the input, vertex 6 the output. A
matrix is also written as a number, edge ``i`` of ``EDGES`` as its bit ``i``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise, permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranknosh.spaces.encodings import Codes, Graphs, Rows

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
CONVOLUTIONS = 2
"""So many of the operations, the first ones, convolve."""
VERTICES, MOST_EDGES = 7, 9
INNER = tuple(range(1, VERTICES - 1))
EDGES = tuple((source, target) for target in range(1, VERTICES) for source in range(target))
"""The upper triangle column by column, as in the published list."""
_SLOT = {edge: slot for slot, edge in enumerate(EDGES)}
_PATHS = tuple(path for length in range(len(INNER) + 1) for path in combinations(INNER, length))
"""The inner vertices along every path from the input to the output that a matrix can hold, shorter paths first."""
_MASKS = tuple(sum(1 << _SLOT[edge] for edge in pairwise((0, *path, VERTICES - 1))) for path in _PATHS)
_INTO = tuple(sum(1 << slot for slot, edge in enumerate(EDGES) if edge[1] == vertex) for vertex in range(VERTICES))
_BITS = np.arange(len(EDGES))
_FROM, _TO = np.array(EDGES).T
_NAMED = 3
"""Operations of the longest path that features name: 40 sequences, where all would be 364."""


def pruned(bits: Any) -> Any:
    """The matrix without the edges that lie on no path from the input to the output; 0 where there is no path.

    Args:
        bits: a matrix as a number, or an array of such.
    """
    kept = bits & 0
    for mask in _MASKS:
        kept = kept | mask * ((bits & mask) == mask)
    return kept


def kept_edges(code: Sequence[int]) -> int:
    """The matrix of a code as a number, after the cut."""
    kept: int = pruned(sum(option << slot for slot, option in enumerate(code[: len(EDGES)])))
    return kept


@dataclass(frozen=True, slots=True)
class PrunedCell:
    """What the cut leaves of a cell, vertices numbered anew in their order: 0 is the input, the last one the output.

    Args:
        edges: pairs (source, target) with source < target, in the order of ``EDGES``.
        operations: of the vertices between input and output, places in ``OPERATIONS``.
    """

    edges: tuple[tuple[int, int], ...]
    operations: tuple[int, ...]

    @property
    def output(self) -> int:
        """The number of the output."""
        return len(self.operations) + 1

    @property
    def names(self) -> tuple[str, ...]:
        """What the vertices are called, input and output included."""
        return ("input", *(OPERATIONS[operation] for operation in self.operations), "output")


@lru_cache(maxsize=65_536)
def cell_of(code: tuple[int, ...]) -> PrunedCell:
    """The cell of a code that holds a path."""
    kept = kept_edges(code)
    inner = [vertex for vertex in INNER if kept & _INTO[vertex]]
    place = {vertex: number for number, vertex in enumerate((0, *inner, VERTICES - 1))}
    edges = tuple((place[source], place[target]) for slot, (source, target) in enumerate(EDGES) if kept >> slot & 1)
    return PrunedCell(edges, tuple(code[len(EDGES) + vertex - 1] for vertex in inner))


@lru_cache(maxsize=65_536)
def canonical(code: tuple[int, ...]) -> str:
    """The operations as digits and the matrix in hexadecimal, equal for isomorphic cells and for no others.

    Of all orders of the vertices that rise in operation and numbers of edges, the one whose matrix is the least number.
    """
    cell = cell_of(code)
    groups: dict[tuple[int, int, int], list[int]] = {}
    for vertex, operation in enumerate(cell.operations, start=1):
        leaving = sum(source == vertex for source, _ in cell.edges)
        entering = sum(target == vertex for _, target in cell.edges)
        groups.setdefault((operation, leaving, entering), []).append(vertex)
    alike = [groups[kind] for kind in sorted(groups)]
    numbers = []
    for orders in product(*map(permutations, alike)):
        place = {vertex: number for number, vertex in enumerate((0, *sum(orders, ()), cell.output))}
        numbers.append(sum(1 << place[source] * VERTICES + place[target] for source, target in cell.edges))
    return f"{''.join(map(str, sorted(cell.operations))) or 'none'}-{min(numbers):x}"


def features(codes: Codes) -> Rows:
    """(n, 87) rows of what the cut leaves, columns in this order:

    An indicator per edge (21), and per vertex and operation (15). An indicator per sequence of at most three operations that is
    met along a path, shorter ones first (40), the truncated path encoding of BANANAS (White et al. 2021). How many inner
    vertices, edges, of each operation, paths; inner vertices of the longest and of the shortest path; most and fewest
    convolutions on a path; inner vertices that share the output's channels.
    """
    inner, kept, edges = codes[:, len(EDGES) :], *_matrices(codes)
    alive = (kept[:, None] & np.array(_INTO)[list(INNER)]) != 0
    operations = (inner[:, :, None] == np.arange(len(OPERATIONS))) & alive[:, :, None]
    there = (kept[:, None] & np.array(_MASKS)) == _MASKS
    inside = np.array([[vertex in path for vertex in INNER] for path in _PATHS], np.int64)
    lengths, convolutions = inside.sum(axis=1), (inner < CONVOLUTIONS) @ inside.T
    columns = [
        edges,
        operations.reshape(len(codes), int(np.prod(operations.shape[1:]))),
        _sequences(there, inner),
        alive.sum(axis=1),
        edges.sum(axis=1),
        operations.sum(axis=1),
        there.sum(axis=1),
        np.where(there, lengths, 0).max(axis=1),
        np.where(there, lengths, len(INNER)).min(axis=1),
        np.where(there, convolutions, 0).max(axis=1),
        np.where(there, convolutions, len(INNER)).min(axis=1),
        edges[:, [_SLOT[vertex, VERTICES - 1] for vertex in INNER]].sum(axis=1),
    ]
    return np.column_stack(columns).astype(np.float32)


def graphs(codes: Codes) -> Graphs:
    """The cells themselves: seven nodes in the order of the code, of which those that are cut off are padding."""
    _, edges = _matrices(codes)
    adjacency = np.zeros((len(codes), VERTICES, VERTICES), dtype=np.bool_)
    adjacency[:, _FROM, _TO] = edges
    mask = np.logical_or(adjacency.any(axis=1), adjacency.any(axis=2))
    labels = np.pad(codes[:, len(EDGES) :] + 1, ((0, 0), (1, 1)), constant_values=((0, 0), (0, len(OPERATIONS) + 1)))
    return Graphs(adjacency, labels * mask, mask, ("input", *OPERATIONS, "output"))


def all_cells() -> Iterator[Codes]:
    """One code of each of the 423,624 cells of which no two are isomorphic, in blocks (n, 26) of one matrix.

    A matrix stands for all that it becomes when inner vertices change places; of the sets of operations those that are least
    under the changes that leave the matrix as it is.
    """
    numbers = np.arange(1, 1 << len(EDGES))
    numbers = numbers[pruned(numbers) == numbers]
    numbers = numbers[((numbers[:, None] >> _BITS) & 1).sum(axis=1) <= MOST_EDGES]
    used = np.array([(numbers & _INTO[vertex]) != 0 for vertex in INNER])
    for inner in range(len(INNER) + 1):
        first = np.array([vertex <= inner for vertex in INNER])  # a cell of few vertices is listed with these only
        yield from _labelled(numbers[(used == first[:, None]).all(axis=0)], inner)


def _labelled(numbers: NDArray[np.int64], inner: int) -> Iterator[Codes]:
    """The blocks of :func:`all_cells` for matrices with so many inner vertices."""
    edges = (numbers[:, None] >> _BITS) & 1
    matrices = np.zeros((len(numbers), VERTICES, VERTICES), np.int64)
    matrices[:, _FROM, _TO] = edges
    orders = np.array([(0, *order, *range(inner + 1, VERTICES)) for order in permutations(range(1, inner + 1))])
    weights = 1 << np.arange(VERTICES**2).reshape(VERTICES, VERTICES)
    images = np.stack([(matrices[:, order][:, :, order] * weights).sum(axis=(1, 2)) for order in orders], axis=1)
    labels = np.array(list(product(range(len(OPERATIONS)), repeat=inner)), np.int64).reshape(-1 if inner else 1, inner)
    digits = len(OPERATIONS) ** np.arange(inner)
    for row in np.unique(images.min(axis=1), return_index=True)[1]:
        same = orders[images[row] == images[row, 0]]  # orders[0] changes nothing
        least = np.min([labels[:, order[1 : inner + 1] - 1] @ digits for order in same], axis=0)
        kept = labels[least == labels @ digits]
        block = np.zeros((len(kept), len(EDGES) + len(INNER)), np.int64)
        block[:, : len(EDGES)], block[:, len(EDGES) : len(EDGES) + inner] = edges[row], kept
        yield block


def _matrices(codes: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(n,) matrices as numbers, and (n, 21) their edges, both after the cut."""
    kept = pruned(codes[:, : len(EDGES)] @ (1 << _BITS))
    return kept, (kept[:, None] >> _BITS) & 1


def _sequences(there: NDArray[np.bool_], inner: Codes) -> NDArray[np.bool_]:
    """(n, 40): which sequences of at most three operations are met along a path.

    Args:
        there: (n, 32), which paths there are.
        inner: (n, 5), operations of the inner vertices.
    """
    kinds = len(OPERATIONS)
    starts = np.cumsum([0] + [kinds**length for length in range(_NAMED + 1)])
    found, rows = np.zeros((len(inner), starts[-1]), dtype=np.bool_), np.arange(len(inner))
    for path, holds in zip(_PATHS, there.T, strict=True):
        if len(path) <= _NAMED:
            number = inner[:, [vertex - 1 for vertex in path]] @ kinds ** np.arange(len(path))[::-1]
            found[rows, starts[len(path)] + number] |= holds
    return found
