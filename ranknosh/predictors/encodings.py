"""Architectures as arrays: each view is computed when first asked for, then kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ranknosh.spaces.base import Architecture, Graphs, Space
from ranknosh.streams import stream

_VIEWS = ("codes", "onehot", "features", "rows", "graphs")
_CHUNK = 4096
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
        offsets = np.cumsum([0, *self.space.choices[:-1]])
        rows = np.zeros((len(self), sum(self.space.choices)), dtype=np.float32)
        rows[np.arange(len(self))[:, None], self.codes + offsets[None, :]] = 1.0
        return rows

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """(n, d): the space's own feature rows (indicators, paths, counts)."""
        if not len(self):
            return np.zeros((0, self.space.encode([any_architecture(self.space)], "features").shape[1]), np.float32)
        parts = [self.space.encode(self.architectures[i : i + _CHUNK], "features") for i in range(0, len(self), _CHUNK)]
        return np.ascontiguousarray(np.concatenate(parts), dtype=np.float32)

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
        for view in _VIEWS:
            if view in self.__dict__:
                whole = getattr(self, view)
                if isinstance(whole, Graphs):
                    sliced: object = Graphs(
                        whole.adjacency[rows], whole.labels[rows], whole.mask[rows], whole.node_kinds
                    )
                else:
                    sliced = whole[rows]
                taken.__dict__[view] = sliced
        return taken


def any_architecture(space: Space) -> Architecture:
    """Some architecture of the space, always the same one."""
    return space.sample(stream(0, "any architecture"))


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
