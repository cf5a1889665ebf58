"""A softmax over the pairs of edges that a node might keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations

import torch
from torch import Tensor

from ranknosh.spaces.relaxed import Relaxed
from ranknosh.spaces.topology import CellTopology
from supernet.part import Composition, Running
from supernet.schedules import Exponential, Schedule
from supernet.weightings.base import EdgeWeighting

DOTS_TEMPERATURE = Exponential(10.0, 0.02, inclusive=True)


@dataclass
class PairSoftmax(EdgeWeighting):
    """Every pair of edges into a node has a probability, and an edge has the sum over the pairs that it is in as factor
    (DOTS, Gu et al., CVPR 2021, eq. 6 and 7).

    Probabilities are ``softmax(beta / temperature)`` over the pairs of a node. The factors of a node sum to 2; a node
    of one or two edges has factors of 1. There is one parameter for each pair, in node order, 0 at the start as in the
    released code. ``temperature`` follows the epochs of the stage.
    """

    temperature: Schedule = DOTS_TEMPERATURE
    _search: Running | None = field(default=None, repr=False, compare=False)

    def describe(self) -> str:
        return f"softmax over pairs of edges (temperature {self.temperature})"

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        if space.edges_per_node != 2:
            return f"pairs of edges are weighed where a derived node keeps two, and {space.name} does not"
        return None

    def begin(self, search: Running) -> None:
        self._search = search

    def initial(self, topology: CellTopology, generator: torch.Generator) -> Tensor:
        return torch.zeros(len(node_pairs(topology)))

    def factors(self, parameters: Tensor, topology: CellTopology) -> Tensor:
        assert self._search is not None
        moment = self._search.moment("evaluation")
        shares = pair_shares(parameters, topology, self.temperature(moment.stage_epoch, moment.stage_epochs))
        members = _members(topology).to(parameters)
        return shares @ members

    def kept_edges(self, parameters: Mapping[str, Tensor], topologies: Mapping[str, CellTopology]) -> dict[str, Tensor]:
        """(edges,) per kind: 1 for the edges of every node's likeliest pair and 0 for the others."""
        kept = {}
        for kind, topology in topologies.items():
            flags = torch.zeros(len(topology.edges))
            pairs = node_pairs(topology)
            for node in {node for node, _ in pairs}:
                best = max((i for i, (n, _) in enumerate(pairs) if n == node), key=lambda i: float(parameters[kind][i]))
                flags[list(pairs[best][1])] = 1
            kept[kind] = flags
        return kept


@lru_cache(maxsize=64)
def node_pairs(topology: CellTopology) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """``(node, edges)`` for every pair of edges into a node, nodes in order; a node of one edge has that edge alone."""
    found: list[tuple[int, tuple[int, ...]]] = []
    for node in range(topology.inputs, topology.nodes):
        slots = topology.incoming(node)
        found += [(node, pair) for pair in (combinations(slots, 2) if len(slots) > 1 else [slots] if slots else [])]
    return tuple(found)


def pair_shares(parameters: Tensor, topology: CellTopology, temperature: float) -> Tensor:
    """Probabilities of the pairs of edges of every node.

    Args:
        parameters: (pairs,) in the order of :func:`node_pairs`.
        topology: Graph of the cell.
        temperature: Divisor of the parameters, above 0.

    Returns:
        (pairs,), which sum to 1 at every node.
    """
    nodes = torch.tensor([node for node, _ in node_pairs(topology)], device=parameters.device)
    shares = torch.zeros_like(parameters)
    for node in nodes.unique():
        here = nodes == node
        logits = (parameters / temperature).masked_fill(~here, -torch.inf)
        shares = shares + torch.softmax(logits, dim=0)
    return shares


@lru_cache(maxsize=64)
def _members(topology: CellTopology) -> Tensor:
    """(pairs, edges): 1 where a pair holds an edge."""
    pairs = node_pairs(topology)
    table = torch.zeros(len(pairs), len(topology.edges))
    for row, (_, edges) in enumerate(pairs):
        table[row, list(edges)] = 1
    return table
