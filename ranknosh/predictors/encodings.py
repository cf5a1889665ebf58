"""Architectures as arrays: each view is computed when first asked for, then kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ranknosh.spaces.base import Architecture, Graphs, Space
from ranknosh.spaces.encoding import onehot
from ranknosh.streams import stream

_ROWS = ("codes", "onehot", "features", "rows")
WORTH_KEEPING = 1024
"""From this many architectures on, what a predictor derives from them is kept until it is asked about another set."""


class Encodings:
    """``n`` architectures of one space, seen as codes, indicator rows, feature rows or graphs."""

    def __init__(self, space: Space, architectures: Sequence[Architecture]) -> None:
        self.space = space
        self.architectures = tuple(architectures)

    def __len__(self) -> int:
        return len(self.architectures)

    @cached_property
    def codes(self) -> NDArray[np.int64]:
        """(n, slots): the choice taken at every slot."""
        slots = len(self.space.choices)
        return np.array([a.code for a in self.architectures], dtype=np.int64).reshape(len(self), slots)

    @cached_property
    def onehot(self) -> NDArray[np.float32]:
        """(n, sum of choices): one indicator per slot and choice."""
        return onehot(self.codes, self.space.choices)

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """(n, d): the space's own feature rows (indicators, paths, counts)."""
        return np.ascontiguousarray(self.space.encode(self.architectures, "features"), dtype=np.float32)

    @cached_property
    def rows(self) -> NDArray[np.float64]:
        """``features`` in double precision."""
        return self.features.astype(np.float64)

    @cached_property
    def graphs(self) -> Graphs:
        """Dense line graphs, padded to the largest of these architectures."""
        return self.space.graphs(self.architectures)

    def take(self, indices: Sequence[int] | NDArray[np.integer]) -> Encodings:
        """These rows in this order. Views computed already are sliced, not computed again."""
        rows = np.asarray(indices, dtype=np.int64).reshape(-1)
        taken = Encodings(self.space, [self.architectures[i] for i in rows])
        views = self.__dict__
        taken.__dict__.update({view: views[view][rows] for view in _ROWS if view in views})
        if "graphs" in views:
            adjacency, labels, mask, kinds = self.graphs
            taken.__dict__["graphs"] = Graphs(adjacency[rows], labels[rows], mask[rows], kinds)
        return taken


def reference(space: Space, count: int, seed: int) -> Encodings:
    """Random architectures that can learn (dead ones are drawn again), by which scores are standardised.

    Args:
        space: of the architectures.
        count: how many; drawn with replacement, so that a small space is enough for any number.
        seed: of the draw.
    """
    rng = stream(seed, "reference")
    drawn: list[Architecture] = []
    for _ in range(20 * count):
        architecture = space.sample(rng)
        if not space.is_dead(architecture):
            drawn.append(architecture)
        if len(drawn) == count:
            break
    return Encodings(space, drawn)
