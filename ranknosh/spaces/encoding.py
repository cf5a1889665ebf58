"""Feature rows of cells with one operation per edge. Every function takes codes (n, slots) and gives (n, d) float32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranknosh.spaces.base import Graphs
from ranknosh.spaces.cell import CellTopology

Codes = NDArray[np.int64]
Rows = NDArray[np.float32]


@dataclass(frozen=True)
class OperationRoles:
    """What the operations of a space mean to the graph features, as indices into ``names``."""

    names: tuple[str, ...]
    none: int
    skip: int
    convolutions: tuple[int, ...]


def onehot(codes: Codes, choices: Sequence[int]) -> Rows:
    """(n, sum(choices)): one block a slot, 1 at the option taken."""
    offsets = np.concatenate([[0], np.cumsum(choices)[:-1]])
    rows = np.zeros((len(codes), int(sum(choices))), dtype=np.float32)
    np.put_along_axis(rows, codes + offsets, 1.0, axis=1)
    return rows


def paths(codes: Codes, topology: CellTopology, operations: int) -> Rows:
    """(n, sum over paths of operations^length): one block a path, 1 at the sequence of operations met along it.

    A path encoding in the manner of BANANAS (White et al. 2021), with a block of its own for each path of the
    topology, so that two paths of equal length stay apart.

    Args:
        codes: (n, edges) operations.
        topology: of the cell.
        operations: how many there are.
    """
    widths = [operations ** len(path) for path in topology.paths]
    rows = np.zeros((len(codes), sum(widths)), dtype=np.float32)
    start = 0
    for path, width in zip(topology.paths, widths, strict=True):
        column = np.zeros(len(codes), dtype=np.int64)
        for slot in path:
            column = column * operations + codes[:, slot]
        rows[np.arange(len(codes)), start + column] = 1.0
        start += width
    return rows


def live_paths(codes: Codes, topology: CellTopology, roles: OperationRoles) -> NDArray[np.bool_]:
    """(n, paths): True where no edge of the path is ``none``.

    Args:
        codes: (n, edges) operations.
        topology: of the cell.
        roles: which operation is ``none``.
    """
    carries = codes != roles.none
    return np.stack([carries[:, list(path)].all(axis=1) for path in topology.paths], axis=1)


def counts(codes: Codes, topology: CellTopology, roles: OperationRoles) -> Rows:
    """(n, d) graph features, columns in this order:

    How often each operation occurs, and how often among live edges (those on a path from input to output free of
    ``none``); live edges and paths; depth = edges of the longest live path; width = the most live edges cut between two
    neighbouring nodes; live paths made of skips alone; fewest and most convolutions on a live path. All of the live
    figures are 0 in a cell without a live path.

    Args:
        codes: (n, edges) operations.
        topology: of the cell.
        roles: which operations are ``none``, skips and convolutions.
    """
    path_live = live_paths(codes, topology, roles)
    on_path = np.zeros((len(topology.paths), len(topology.edges)), dtype=np.int64)
    for row, path in enumerate(topology.paths):
        on_path[row, list(path)] = 1
    edge_live = np.asarray((path_live[:, :, None] & (on_path[None] > 0)).any(axis=1))
    any_live = path_live.any(axis=1)
    of_path = np.isin(codes, roles.convolutions).astype(np.int64) @ on_path.T
    lengths = on_path.sum(axis=1)
    skips = (codes == roles.skip).astype(np.int64) @ on_path.T
    cuts = [[source <= node < target for source, target in topology.edges] for node in range(topology.nodes - 1)]
    per_operation = np.stack([codes == index for index in range(len(roles.names))], axis=2)
    columns = [per_operation.sum(axis=1)]
    alive = (per_operation & edge_live[:, :, None]).sum(axis=1)
    columns.append(np.delete(alive, roles.none, axis=1))
    columns.append(
        np.stack(
            [
                edge_live.sum(axis=1),
                path_live.sum(axis=1),
                np.where(path_live, lengths, 0).max(axis=1),
                (edge_live.astype(np.int64) @ np.array(cuts, dtype=np.int64).T).max(axis=1),
                (path_live & (skips == lengths)).sum(axis=1),
                np.where(any_live, np.where(path_live, of_path, len(topology.edges)).min(axis=1), 0),
                np.where(path_live, of_path, 0).max(axis=1),
            ],
            axis=1,
        )
    )
    return np.concatenate(columns, axis=1).astype(np.float32)


def line_graphs(codes: Codes, topology: CellTopology, roles: OperationRoles) -> Graphs:
    """Line graphs, operations on nodes: 0 is the input, 1 .. slots the edges in slot order, the last the output.

    An edge's node points at the nodes of the edges that leave its target, or at the output. For cells of one input and
    one output node (several are merged into one).

    Args:
        codes: (n, edges) operations.
        topology: of the cell.
        roles: names of the operations.
    """
    slots = len(topology.edges)
    adjacency = np.zeros((slots + 2, slots + 2), dtype=np.bool_)
    for slot, (source, target) in enumerate(topology.edges):
        adjacency[0, slot + 1] = source < topology.inputs
        adjacency[slot + 1, -1] = target in topology.outputs
        for follower, (leaves, _) in enumerate(topology.edges):
            adjacency[slot + 1, follower + 1] = leaves == target
    labels = np.empty((len(codes), slots + 2), dtype=np.int64)
    labels[:, 0] = 0
    labels[:, 1:-1] = codes + 1
    labels[:, -1] = len(roles.names) + 1
    return Graphs(
        adjacency=np.repeat(adjacency[None], len(codes), axis=0),
        labels=labels,
        mask=np.ones(labels.shape, dtype=np.bool_),
        node_kinds=("input", *roles.names, "output"),
    )
