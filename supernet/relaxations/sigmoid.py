"""An independent gate for every operation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from supernet.mix import Moment
from supernet.relaxations.base import Relaxation


@dataclass(frozen=True)
class Sigmoid(Relaxation):
    """``theta = sigmoid(alpha)``, each operation independent of the others (FairDARTS, Chu et al., ECCV 2020). Gates
    start at one half.

    Weights of an edge do not sum to 1: outputs grow with the number of open gates.
    """

    def describe(self) -> str:
        return "sigmoid"

    def initial(self, edges: int, operations: int, generator: torch.Generator) -> Tensor:
        return torch.zeros(edges, operations)

    def mean(self, alphas: Tensor, allowed: Tensor, moment: Moment) -> Tensor:
        return torch.sigmoid(alphas).masked_fill(~allowed, 0.0)
