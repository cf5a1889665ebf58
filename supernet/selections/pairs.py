"""The pair of edges that a node's softmax over pairs prefers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ranknosh.spaces.relaxed import Cells, Relaxed
from supernet.part import Composition, Running
from supernet.selections.base import Selection, decode
from supernet.weightings.pairs import PairSoftmax


@dataclass(frozen=True)
class LikeliestPairs(Selection):
    """Every node keeps the edges of its likeliest pair, each with its operation of largest weight (DOTS, Gu et al.,
    CVPR 2021).

    In stages whose weighting is not :class:`supernet.weightings.pairs.PairSoftmax`, edges are ranked by their best
    operation.
    """

    def describe(self) -> str:
        return "likeliest pairs"

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        if space.edges_per_node != 2:
            return f"pairs of edges are chosen where a derived node keeps two, and {space.name} does not"
        return None

    def scores(self, search: Running) -> Mapping[str, Tensor]:
        # The factors of edges are in theta; they do not change which operation of an edge is largest.
        return search.mix("evaluation", detached=True).theta

    def derive(self, search: Running) -> Cells:
        weighting = search.method.weighting
        if not isinstance(weighting, PairSoftmax):
            return super().derive(search)
        topologies = {kind: search.space.topology(kind) for kind in search.space.kinds}
        parameters = {kind: search.parameters[f"edges.{kind}"].detach() for kind in search.space.kinds}
        kept = weighting.kept_edges(parameters, topologies)
        return decode(search.space, search.states, self.scores(search), kept)
