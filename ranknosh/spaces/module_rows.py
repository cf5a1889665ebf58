"""What architectures with conditional slots look like to predictors: typed rows, and a graph of the slots that are reached."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranknosh.spaces.declare import DeclaredSlot
from ranknosh.spaces.encodings import Codes, Graphs, Rows, onehot
from ranknosh.spaces.slots import Slots


@dataclass(frozen=True)
class ModuleRows:
    """Rows and graphs of codes of a space.

    Args:
        declared: the slots of the space.
        slots: which of them codes reach.
    """

    declared: tuple[DeclaredSlot, ...]
    slots: Slots

    def features(self, codes: Codes) -> Rows:
        """(n, d) in this order, everything of a slot that is not reached 0: an indicator per option of every slot; for each
        ordered slot the place of its option from 0 (lowest) to 1 (highest); for each conditional slot whether it is reached;
        and for slots alike (see :meth:`alike`) how many take each option."""
        counts = self.slots.counts
        reached = self.slots.reached_of(codes)
        indicators = onehot(codes, counts) * np.repeat(reached, counts, axis=1)
        ordered = [place for place, slot in enumerate(self.declared) if slot.choice.ordered]
        places = codes[:, ordered] * reached[:, ordered] / (np.array(counts)[ordered] - 1)
        conditional = [place for place, condition in enumerate(self.slots.conditions) if condition is not None]
        blocks = np.split(indicators, np.cumsum(counts)[:-1], axis=1)
        groups = [np.sum([blocks[place] for place in group], axis=0) for group in self.alike if len(group) > 1]
        return np.concatenate([indicators, places, reached[:, conditional], *groups], axis=1).astype(np.float32)

    @cached_property
    def alike(self) -> tuple[tuple[int, ...], ...]:
        """Slots by what they decide: same kind, same options, and names that differ in numbers only (``op0``, ``op1``)."""
        groups: dict[Any, list[int]] = {}
        for place, slot in enumerate(self.declared):
            groups.setdefault((slot.kind, _stem(slot.choice.name), slot.choice.options), []).append(place)
        return tuple(map(tuple, groups.values()))

    def graphs(self, codes: Codes) -> Graphs:
        """Graphs of slots + 2 nodes: a start, the slots in the order of asking, an end; those not reached are left out.

        Edges lead from each node to the next that exists, and from each slot to those that exist because of it. The label of a
        node is the option taken; slots alike share their labels.
        """
        reached = self.slots.reached_of(codes)
        here = np.pad(reached, ((0, 0), (1, 1)), constant_values=True)
        number = here.cumsum(axis=1)
        following = number[:, None, :] == number[:, :, None] + 1
        adjacency = (following | self._children) & here[:, :, None] & here[:, None, :]
        labels = np.pad(codes + self._first_kind, ((0, 0), (1, 1)), constant_values=((0, 0), (0, 1)))
        return Graphs(adjacency, np.where(here, labels, 0), here, self.node_kinds)

    @cached_property
    def node_kinds(self) -> tuple[str, ...]:
        """``start``, ``end``, then the options of each group of slots alike, such as ``op=conv``."""
        names = [
            (_stem(self.declared[group[0]].choice.name), self.declared[group[0]].choice.options) for group in self.alike
        ]
        return ("start", "end", *(f"{stem}={option}" for stem, options in names for option in options))

    @cached_property
    def _first_kind(self) -> NDArray[np.int64]:
        """(slots,) number of the kind of each slot's first option."""
        first = np.zeros(len(self.declared), dtype=np.int64)
        kinds = 2
        for group in self.alike:
            first[list(group)] = kinds
            kinds += len(self.declared[group[0]].choice.options)
        return first

    @cached_property
    def _children(self) -> NDArray[np.bool_]:
        """(slots + 2, slots + 2) from the slot of each condition to the slot that it reaches."""
        edges = np.zeros((len(self.declared) + 2,) * 2, dtype=np.bool_)
        for child, slot in enumerate(self.declared):
            for condition in slot.conditions or ():
                edges[condition.slot + 1, child + 1] = True
        return edges


def _stem(name: str) -> str:
    """The name without its numbers."""
    return re.sub(r"\d+", "", name)
