"""What a cell looks like to predictors. No tensors."""

from dataclasses import dataclass

import numpy as np

from ranknosh.spaces.encodings import Codes, Graphs, Rows, onehot
from ranknosh.spaces.topology import CellTopology


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

    def features(self, codes: Codes) -> Rows:
        """(n, d) an indicator per slot and operation, then :meth:`paths`, then :meth:`counts`."""
        slots = onehot(codes, (len(self.names),) * len(self.topology.edges))
        return np.concatenate([slots, self.paths(codes), self.counts(codes)], axis=1)

    def paths(self, codes: Codes) -> Rows:
        """(n, sum over paths of operations^length): one block a path, 1 at the sequence of operations met along it.

        A path encoding in the manner of BANANAS (White et al. 2021), with a block of its own for each path of the
        topology, so that two paths of equal length stay apart.
        """
        paths, operations = self.topology.paths, len(self.names)
        met = [np.ravel_multi_index(tuple(codes[:, path].T), (operations,) * len(path)) for path in paths]
        return onehot(np.stack(met, axis=1), [operations ** len(path) for path in paths])

    def counts(self, codes: Codes) -> Rows:
        """(n, d) graph features, columns in this order:

        How often each operation occurs, and how often among live edges (those on a path from input to output free of
        ``none``); live edges and paths; depth = edges of the longest live path; width = the most live edges cut between two
        neighbouring nodes; live paths made of skips alone; fewest and most convolutions on a live path. All of the live
        figures are 0 in a cell without a live path.
        """
        topology = self.topology
        on_path = np.array([[slot in path for slot in range(len(topology.edges))] for path in topology.paths], np.int64)
        cuts = [[source <= node < target for source, target in topology.edges] for node in range(topology.nodes - 1)]
        lengths = on_path.sum(axis=1)
        chosen = codes[:, :, None] == np.arange(len(self.names))
        path_live = (codes == self.none) @ on_path.T == 0
        edge_live = path_live @ on_path > 0
        convolutions = np.isin(codes, self.convolutions) @ on_path.T
        fewest = np.where(path_live, convolutions, len(topology.edges)).min(axis=1)
        columns = [
            chosen.sum(axis=1),
            np.delete((chosen & edge_live[:, :, None]).sum(axis=1), self.none, axis=1),
            edge_live.sum(axis=1),
            path_live.sum(axis=1),
            np.where(path_live, lengths, 0).max(axis=1),
            (edge_live @ np.array(cuts, np.int64).T).max(axis=1),
            (path_live & ((codes == self.skip) @ on_path.T == lengths)).sum(axis=1),
            np.where(path_live.any(axis=1), fewest, 0),
            np.where(path_live, convolutions, 0).max(axis=1),
        ]
        return np.column_stack(columns).astype(np.float32)

    def line_graphs(self, codes: Codes) -> Graphs:
        """Line graphs, operations on nodes: 0 is the input, 1 .. slots the edges in slot order, the last the output.

        An edge's node points at the nodes of the edges that leave its target, or at the output. For cells of one input and
        one output node (several are merged into one).
        """
        topology, slots = self.topology, len(self.topology.edges)
        sources, targets = np.array(topology.edges).T
        adjacency = np.zeros((slots + 2, slots + 2), dtype=np.bool_)
        adjacency[0, 1:-1] = sources < topology.inputs
        adjacency[1:-1, -1] = np.isin(targets, topology.outputs)
        adjacency[1:-1, 1:-1] = targets[:, None] == sources
        ends = ((0, 0), (0, len(self.names) + 1))
        labels = np.pad(codes + 1, ((0, 0), (1, 1)), constant_values=ends)
        return Graphs(
            adjacency=np.repeat(adjacency[None], len(codes), axis=0),
            labels=labels,
            mask=np.ones(labels.shape, dtype=np.bool_),
            node_kinds=("input", *self.names, "output"),
        )
