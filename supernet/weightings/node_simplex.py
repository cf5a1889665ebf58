"""Edge factors on a simplex for each node."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ranknosh.spaces.topology import CellTopology
from supernet.weightings.base import EdgeWeighting
from supernet.weightings.node_softmax import entering


@dataclass(frozen=True)
class NodeSimplex(EdgeWeighting):
    """Factors are the parameters themselves; those of a node's edges sum to 1 and start equal (GAEA, Li et al., ICLR
    2021).

    :class:`supernet.alpha_optimisers.ExponentiatedGradient` keeps them on the simplex, and every pass divides them by
    their sum.
    """

    def describe(self) -> str:
        return "edge simplex"

    def initial(self, topology: CellTopology, generator: torch.Generator) -> Tensor:
        return self.factors(torch.ones(len(topology.edges)), topology)

    def factors(self, parameters: Tensor, topology: CellTopology) -> Tensor:
        nodes = entering(topology).to(parameters.device)
        totals = (nodes * parameters).sum(dim=1, keepdim=True)
        # Spread back over the edges: each one is divided by the total of the node that it enters.
        return parameters / (nodes * totals).sum(dim=0)
