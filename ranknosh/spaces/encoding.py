"""Feature rows of codes, and of cells with one operation per edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranknosh.spaces.base import Graphs
from ranknosh.spaces.cell import CellTopology

Codes = NDArray[np.int64]
Rows = NDArray[np.float32]


def onehot(codes: Codes, choices: Sequence[int]) -> Rows:
    """(n, sum(choices)): one block a slot, 1 at the option taken."""
    offsets = np.concatenate([[0], np.cumsum(choices)[:-1]])
    rows = np.zeros((len(codes), int(sum(choices))), dtype=np.float32)
    np.put_along_axis(rows, codes + offsets, 1.0, axis=1)
    return rows


@dataclass(frozen=True)
class CellFeatures:
    """What cells of a topology look like to predictors. Every method takes codes (n, edges) of operations.

    Args:
        topology: of the cell.
        names: of the operations.
        none: the operation that carries nothing.
        skip: the identity.
        convolutions: operations that convolve.
    """

    topology: CellTopology
    names: tuple[str, ...]
    none: int
    skip: int
    convolutions: tuple[int, ...]

    def paths(self, codes: Codes) -> Rows:
        """(n, sum over paths of operations^length): one block a path, 1 at the sequence of operations met along it.

        A path encoding in the manner of BANANAS (White et al. 2021), with a block of its own for each path of the
        topology, so that two paths of equal length stay apart.
        """
        topology, operations = self.topology, len(self.names)
        widths = [operations ** len(path) for path in topology.paths]
        rows = np.zeros((len(codes), sum(widths)), dtype=np.float32)
        start = 0
        for path, width in zip(topology.paths, widths, strict=True):
            column = np.ravel_multi_index(tuple(codes[:, slot] for slot in path), (operations,) * len(path))
            rows[np.arange(len(codes)), start + column] = 1.0
            start += width
        return rows

    def live_paths(self, codes: Codes) -> NDArray[np.bool_]:
        """(n, paths): True where no edge of the path is ``none``."""
        carries = codes != self.none
        return np.stack([carries[:, list(path)].all(axis=1) for path in self.topology.paths], axis=1)

    def counts(self, codes: Codes) -> Rows:
        """(n, d) graph features, columns in this order:

        How often each operation occurs, and how often among live edges (those on a path from input to output free of
        ``none``); live edges and paths; depth = edges of the longest live path; width = the most live edges cut between two
        neighbouring nodes; live paths made of skips alone; fewest and most convolutions on a live path. All of the live
        figures are 0 in a cell without a live path.
        """
        topology = self.topology
        path_live = self.live_paths(codes)
        on_path = np.zeros((len(topology.paths), len(topology.edges)), dtype=np.int64)
        for row, path in enumerate(topology.paths):
            on_path[row, list(path)] = 1
        edge_live = np.asarray((path_live[:, :, None] & (on_path[None] > 0)).any(axis=1))
        any_live = path_live.any(axis=1)
        of_path = np.isin(codes, self.convolutions).astype(np.int64) @ on_path.T
        lengths = on_path.sum(axis=1)
        skips = (codes == self.skip).astype(np.int64) @ on_path.T
        cuts = [[source <= node < target for source, target in topology.edges] for node in range(topology.nodes - 1)]
        per_operation = np.stack([codes == index for index in range(len(self.names))], axis=2)
        alive = (per_operation & edge_live[:, :, None]).sum(axis=1)
        columns = [
            per_operation.sum(axis=1),
            np.delete(alive, self.none, axis=1),
            edge_live.sum(axis=1),
            path_live.sum(axis=1),
            np.where(path_live, lengths, 0).max(axis=1),
            (edge_live.astype(np.int64) @ np.array(cuts, dtype=np.int64).T).max(axis=1),
            (path_live & (skips == lengths)).sum(axis=1),
            np.where(any_live, np.where(path_live, of_path, len(topology.edges)).min(axis=1), 0),
            np.where(path_live, of_path, 0).max(axis=1),
        ]
        return np.column_stack(columns).astype(np.float32)

    def line_graphs(self, codes: Codes) -> Graphs:
        """Line graphs, operations on nodes: 0 is the input, 1 .. slots the edges in slot order, the last the output.

        An edge's node points at the nodes of the edges that leave its target, or at the output. For cells of one input and
        one output node (several are merged into one).
        """
        topology, slots = self.topology, len(self.topology.edges)
        adjacency = np.zeros((slots + 2, slots + 2), dtype=np.bool_)
        for slot, (source, target) in enumerate(topology.edges):
            adjacency[0, slot + 1] = source < topology.inputs
            adjacency[slot + 1, -1] = target in topology.outputs
            for follower, (leaves, _) in enumerate(topology.edges):
                adjacency[slot + 1, follower + 1] = leaves == target
        labels = np.empty((len(codes), slots + 2), dtype=np.int64)
        labels[:, 0] = 0
        labels[:, 1:-1] = codes + 1
        labels[:, -1] = len(self.names) + 1
        return Graphs(
            adjacency=np.repeat(adjacency[None], len(codes), axis=0),
            labels=labels,
            mask=np.ones(labels.shape, dtype=np.bool_),
            node_kinds=("input", *self.names, "output"),
        )
