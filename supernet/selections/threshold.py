"""Magnitude with a threshold below which an edge is not kept."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ranknosh.spaces.relaxed import Cells
from supernet.part import Running
from supernet.selections.base import decode
from supernet.selections.magnitude import Magnitude


@dataclass(frozen=True)
class Threshold(Magnitude):
    """As :class:`Magnitude`, but an edge is kept only where its operation has enough weight (FairDARTS, Chu et al.,
    ECCV 2020).

    Decided edges stay. Deviations: a node always keeps its best edge, because a node without input is no architecture
    of these spaces; spaces that keep all edges are not treated by the paper, the rule for them is ours.

    Args:
        least: In spaces that keep some edges of a node, the least weight of a kept edge; there may be fewer edges than
            usual.
        open: In spaces that keep all edges, the least weight; below it the edge becomes ``none``.
    """

    least: float = 0.85
    open: float = 0.5

    def describe(self) -> str:
        return f"magnitude, threshold {self.least:g}"

    def derive(self, search: Running) -> Cells:
        scores, space = self.scores(search), search.space
        cells = decode(space, search.states, scores)
        some = space.edges_per_node is not None
        return {
            kind: self._some(search, kind, places, scores[kind])
            if some
            else self._closed(search, kind, places, scores[kind])
            for kind, places in cells.items()
        }

    def _some(
        self, search: Running, kind: str, places: tuple[int | None, ...], scores: Tensor
    ) -> tuple[int | None, ...]:
        topology, kept = search.space.topology(kind), list(places)
        for node in range(topology.inputs, topology.nodes):
            weights = {
                slot: float(scores[slot, p]) for slot in topology.incoming(node) if (p := places[slot]) is not None
            }
            passing = [s for s, w in weights.items() if w >= self.least or search.states.kind_of(kind, s) == "fixed"]
            if not passing and weights:
                passing = [max(weights, key=lambda slot: (weights[slot], -slot))]
            for slot in weights:
                if slot not in passing:
                    kept[slot] = None
        return tuple(kept)

    def _closed(
        self, search: Running, kind: str, places: tuple[int | None, ...], scores: Tensor
    ) -> tuple[int | None, ...]:
        kept: list[int | None] = []
        for edge, place in enumerate(places):
            names = search.space.candidates[kind][edge]
            mixed = search.states.kind_of(kind, edge) == "mixed"
            if mixed and place is not None and float(scores[edge, place]) < self.open:
                place = names.index("none") if "none" in names else None
            kept.append(place)
        return tuple(kept)
