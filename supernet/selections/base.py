"""The base of selections: scores of operations, and the rule that makes cells of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from ranknosh.spaces.relaxed import Cells, Relaxed
from supernet.part import Part, Running
from supernet.states import EdgeStates


class Selection(Part):
    """From the state of a search to a derived architecture: by default the best allowed operation of every edge is
    kept.

    ``derive`` is cheap and is called after every epoch; ``finish`` gives the result of the search and may take long.
    """

    def scores(self, search: Running) -> Mapping[str, Tensor]:
        """(edges, operations) per kind; higher is better."""
        raise NotImplementedError

    def derive(self, search: Running) -> Cells:
        """The architecture that would be derived now."""
        return decode(search.space, search.states, self.scores(search))

    def finish(self, search: Running) -> Cells:
        """The result of the search."""
        return self.derive(search)


def decode(
    space: Relaxed,
    states: EdgeStates,
    scores: Mapping[str, Tensor],
    edge_scores: Mapping[str, Tensor] | None = None,
) -> Cells:
    """Cells that keep the best operation of every edge and, in spaces with ``edges_per_node``, the best edges of every
    node.

    Decided edges stay as they are, excluded operations are never kept, and ties go to the lower place.

    Args:
        space: The space.
        states: Which operations every edge still has.
        scores: (edges, operations) per kind; higher is better, NaN is worst.
        edge_scores: (edges,) per kind, the rank of the edges of a node; None for the score of each edge's best
            operation.

    Returns:
        The kept operation of every edge, None where the edge is not kept.
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
                # Fixed edges first, whatever their scores: a decision of the search is never undone.
                order = sorted(slots, key=lambda s: (states.kind_of(kind, s) != "fixed", -ranks[s], s))
                for slot in order[space.edges_per_node :]:
                    kept[slot] = None
        cells[kind] = tuple(kept)
    return cells


def _best(space: Relaxed, states: EdgeStates, kind: str, edge: int, row: Tensor) -> tuple[int | None, float]:
    """The place of an edge's best usable operation and its score; None and minus infinity where the edge has none."""
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
