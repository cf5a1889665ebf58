"""Operations whose weight passes a threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from supernet.selections.base import decode
from supernet.selections.magnitude import Magnitude
from supernet.space import Cells

if TYPE_CHECKING:
    from supernet.search import SupernetSearch


@dataclass(frozen=True)
class Threshold(Magnitude):
    """As :class:`Magnitude`, but an edge is kept only where its operation weighs enough (FairDARTS, Chu et al., ECCV 2020).

    In spaces that keep some edges of a node: those of them with at least ``least``, so fewer edges or none; where none is left
    the best one stays (ours, a node without input is no architecture of these spaces). In spaces that keep all edges, which
    the paper does not treat, an edge where no weight reaches ``open`` becomes ``none``. Decided edges stay.
    """

    least: float = 0.85
    open: float = 0.5

    def describe(self) -> str:
        return f"magnitude, threshold {self.least:g}"

    def derive(self, search: SupernetSearch) -> Cells:
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
        self, search: SupernetSearch, kind: str, places: tuple[int | None, ...], scores: Tensor
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
        self, search: SupernetSearch, kind: str, places: tuple[int | None, ...], scores: Tensor
    ) -> tuple[int | None, ...]:
        kept: list[int | None] = []
        for edge, place in enumerate(places):
            names = search.space.candidates[kind][edge]
            mixed = search.states.kind_of(kind, edge) == "mixed"
            if mixed and place is not None and float(scores[edge, place]) < self.open:
                place = names.index("none") if "none" in names else None
            kept.append(place)
        return tuple(kept)
