"""A softmax over the edges that enter a node."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from ranknosh.spaces.topology import CellTopology
from supernet.weightings.base import EdgeWeighting


@dataclass(frozen=True)
class NodeSoftmax(EdgeWeighting):
    """Edge ``(i, j)`` has the factor ``exp(b_ij) / sum_k exp(b_kj)`` (edge normalisation of PC-DARTS, Xu et al., ICLR
    2020).

    There is one parameter for each edge, N(0, 0.001^2) at the start, as in the released code. The factors of a node's
    edges sum to 1.
    """

    def describe(self) -> str:
        return "edge softmax"

    def initial(self, topology: CellTopology, generator: torch.Generator) -> Tensor:
        return 1e-3 * torch.randn(len(topology.edges), generator=generator)

    def factors(self, parameters: Tensor, topology: CellTopology) -> Tensor:
        elsewhere = ~entering(topology).to(parameters.device)
        # Every edge enters one node: the other rows hold zeros for it.
        rows = parameters.expand(len(elsewhere), -1).masked_fill(elsewhere, -torch.inf)
        return torch.softmax(rows, dim=1).sum(dim=0)


@lru_cache(maxsize=64)
def entering(topology: CellTopology) -> Tensor:
    """(nodes, edges) bool, which edges enter a node; nodes without any are left out."""
    targets = torch.tensor([target for _, target in topology.edges])
    return targets.unique()[:, None] == targets[None, :]
