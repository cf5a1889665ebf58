"""Architectures as arrays: their codes, rows of numbers, and graphs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
Rows = NDArray[np.float32]


class Graphs(NamedTuple):
    """Dense line graphs of ``n`` architectures, padded to ``V`` nodes: operations sit on nodes.

    adjacency: (n, V, V) bool, ``[a, i, j]`` is an edge from node i to node j.
    labels: (n, V) int64, index into ``node_kinds``. mask: (n, V) bool, False on padding.
    """

    adjacency: NDArray[np.bool_]
    labels: NDArray[np.int64]
    mask: NDArray[np.bool_]
    node_kinds: tuple[str, ...]


def onehot(codes: Codes, counts: Sequence[int]) -> Rows:
    """(n, sum(counts)): one block a slot, 1 at the option taken."""
    offsets = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    rows = np.zeros((len(codes), int(sum(counts))), dtype=np.float32)
    np.put_along_axis(rows, codes + offsets, 1.0, axis=1)
    return rows


def chain_graphs(labels: Sequence[NDArray[np.str_]], codes: Codes, present: NDArray[np.bool_]) -> Graphs:
    """Architectures as chains: node i+1 follows node i; absent ones are left out.

    Args:
        labels: of each node the label of every option.
        codes: (n, nodes) the option of each.
        present: (n, nodes) which nodes there are; the first one always is.
    """
    kinds = tuple(dict.fromkeys(label for each in labels for label in each.tolist()))
    numbers = {kind: number for number, kind in enumerate(kinds)}
    taken = np.stack([np.array([numbers[o] for o in each])[codes[:, i]] for i, each in enumerate(labels)], axis=1)
    # A stable sort of "absent" brings the nodes there are to the front, in their order.
    order = np.argsort(~present, axis=1, kind="stable")
    mask = np.take_along_axis(present, order, axis=1)
    longest = int(mask.sum(axis=1).max(initial=1))
    mask = mask[:, :longest]
    adjacency = np.zeros((len(codes), longest, longest), dtype=np.bool_)
    follows = np.arange(longest - 1)
    adjacency[:, follows, follows + 1] = mask[:, 1:]
    return Graphs(adjacency, np.where(mask, np.take_along_axis(taken, order, axis=1)[:, :longest], 0), mask, kinds)
