"""Scores of operations and the rule that makes cells of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from supernet.part import Part
from supernet.space import Cells, CellSpace
from supernet.states import EdgeStates

if TYPE_CHECKING:
    from supernet.search import SupernetSearch


class Selection(Part):
    """``scores`` gives (edges, operations) per kind, higher is better; the best allowed operation of an edge is kept.

    ``derive`` is cheap and is asked after every epoch; ``finish`` gives the search's result and may take its time.
    """

    def scores(self, search: SupernetSearch) -> Mapping[str, Tensor]:
        raise NotImplementedError

    def derive(self, search: SupernetSearch) -> Cells:
        return decode(search.space, search.states, self.scores(search))

    def finish(self, search: SupernetSearch) -> Cells:
        return self.derive(search)


def decode(
    space: CellSpace,
    states: EdgeStates,
    scores: Mapping[str, Tensor],
    edge_scores: Mapping[str, Tensor] | None = None,
) -> Cells:
    """Cells that keep the best operation of every edge and, in spaces with ``edges_per_node``, the best edges of every node.

    Decided edges stay as they are, excluded operations are never kept, ties go to the lower place. Edges are ranked by
    ``edge_scores[kind]`` (edges,), or by the score of their best operation.
    """
    cells: dict[str, tuple[int | None, ...]] = {}
    for kind in space.kinds:
        picks = [_best(space, states, kind, edge, row) for edge, row in enumerate(scores[kind].detach().double().cpu())]
        kept = [place for place, _ in picks]
        if space.edges_per_node is not None:
            ranks = [rank for _, rank in picks] if edge_scores is None else edge_scores[kind].tolist()
            topology = space.topology(kind)
            for node in range(topology.inputs, topology.nodes):
                slots = [slot for slot in topology.incoming(node) if kept[slot] is not None]
                order = sorted(slots, key=lambda s: (states.kind_of(kind, s) != "fixed", -ranks[s], s))
                for slot in order[space.edges_per_node :]:
                    kept[slot] = None
        cells[kind] = tuple(kept)
    return cells


def _best(space: CellSpace, states: EdgeStates, kind: str, edge: int, row: Tensor) -> tuple[int | None, float]:
    """The place of an edge's best usable operation and its score; None where the edge has none."""
    decided = states.kind_of(kind, edge) == "fixed"
    names = space.candidates[kind][edge]
    usable = [
        place
        for place in states.allowed[kind][edge].nonzero().flatten().tolist()
        if decided or names[place] not in space.excluded
    ]
    if not usable:
        return None, -math.inf
    values = [-math.inf if math.isnan(value) else value for value in row[usable].tolist()]
    top = max(range(len(usable)), key=lambda i: (values[i], -i))
    return usable[top], values[top]
