"""What pairs of DARTS cells look like to predictors: rows of numbers, and graphs of both cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ranknosh.spaces.encodings import Codes, Graphs, Rows
from ranknosh.spaces.genotype import KINDS, whole_cell

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class CellRows:
    """Predictor inputs of codes (n, slots) of two cells.

    Args:
        operations: names, which rows and graphs number.
        steps: nodes of a cell.
        pairs: the pairs of sources of a node, in the order of its options.
        operation: what an option stands for: of a kind, source, target and place.
        places: options of an operation's slot.
        outputs: nodes that make the output of a kind.
    """

    operations: tuple[str, ...]
    steps: int
    pairs: Callable[[int], list[tuple[int, int]]]
    operation: Callable[[str, int, int, int], str]
    places: int
    outputs: Callable[[str], tuple[int, ...]]

    def picks(self, codes: Codes, kind: str) -> tuple[Numbers, Numbers]:
        """Sources and operations (n, 2 * steps) of the edges of a cell, by node, the lower source first."""
        cell = codes[:, 3 * self.steps * KINDS.index(kind) :][:, : 3 * self.steps]
        sources, names = [], []
        for step in range(self.steps):
            pairs, table = np.array(self.pairs(step + 2)), self._numbers[kind, step + 2]
            for which in (0, 1):
                source = pairs[cell[:, 3 * step], which]
                sources.append(source)
                names.append(table[source, cell[:, 3 * step + 1 + which]])
        return np.stack(sources, axis=1), np.stack(names, axis=1)

    @cached_property
    def _numbers(self) -> dict[tuple[str, int], Numbers]:
        """For a kind and a node the number of the operation by (source, place)."""
        index = self.operations.index
        return {
            (kind, node): np.array(
                [
                    [index(self.operation(kind, source, node, place)) for place in range(self.places)]
                    for source in range(node)
                ]
            )
            for kind in KINDS
            for node in range(2, self.steps + 2)
        }

    def features(self, codes: Codes) -> Rows:
        """(n, d) rows, for the normal cell and then for the reduction cell columns in this order:

        An indicator per edge and operation. How many paths of one operation, and of two, leave either input, by their operations:
        the path encoding of BANANAS (White et al., AAAI 2021), cut off after two, counts in place of indicators. How often
        each operation occurs; edges that leave either input; the longest path.
        """
        return np.concatenate([self._cell(*self.picks(codes, kind)) for kind in KINDS], axis=1).astype(np.float32)

    def _cell(self, sources: Numbers, names: Numbers) -> NDArray[np.float64]:
        count, kinds = len(sources), len(self.operations)
        rows, slots = np.arange(count), {edge: slot for slot, edge in enumerate(whole_cell(self.steps, (2,)).edges)}
        edges = np.zeros((count, len(slots), kinds))
        paths = np.zeros((count, 2, kinds + kinds**2))
        depth = np.zeros((count, self.steps + 2), dtype=np.int64)
        for pick in range(2 * self.steps):
            node, source, name = pick // 2 + 2, sources[:, pick], names[:, pick]
            edges[rows, [slots[int(each), node] for each in source], name] = 1
            depth[:, node] = np.maximum(depth[:, node], depth[rows, source] + 1)
            for start in (0, 1):
                paths[rows, start, name] += source == start
            for before in range(pick - pick % 2):  # what enters an earlier node, which this pick may leave
                follows = source == before // 2 + 2
                for start in (0, 1):
                    met = follows & (sources[:, before] == start)
                    paths[rows, start, kinds + names[:, before] * kinds + name] += met
        totals = (names[:, :, None] == np.arange(kinds)).sum(axis=1)
        leaving = np.stack([(sources == start).sum(axis=1) for start in (0, 1)], axis=1)
        flat = edges.reshape(count, len(slots) * kinds), paths.reshape(count, 2 * (kinds + kinds**2))
        return np.concatenate([*flat, totals, leaving, depth.max(axis=1, keepdims=True)], axis=1)

    def graphs(self, codes: Codes) -> Graphs:
        """Line graphs of both cells side by side: two inputs, the edges by node, and an output each.

        An edge's node points at the edges that leave its target, and at the output where that is part of it.
        """
        width = 2 * self.steps + 3
        adjacency = np.zeros((len(codes), 2 * width, 2 * width), dtype=np.bool_)
        labels = np.zeros((len(codes), 2 * width), dtype=np.int64)
        ends = ("c(k-2)", "c(k-1)", "output")
        targets = np.repeat(np.arange(2, self.steps + 2), 2)
        for cell, kind in enumerate(KINDS):
            sources, names = self.picks(codes, kind)
            start, first = cell * width, cell * (len(ends) + len(self.operations))
            picks = slice(start + 2, start + width - 1)
            for node in (0, 1):
                adjacency[:, start + node, picks] = sources == node
            adjacency[:, picks, picks] = targets[None, :, None] == sources[:, None, :]
            adjacency[:, picks, start + width - 1] = np.isin(targets, self.outputs(kind))
            labels[:, start : start + 2] = first, first + 1
            labels[:, picks] = first + len(ends) + names
            labels[:, start + width - 1] = first + 2
        node_kinds = tuple(f"{kind} {name}" for kind in KINDS for name in (*ends, *self.operations))
        return Graphs(adjacency, labels, np.ones(labels.shape, dtype=np.bool_), node_kinds)
