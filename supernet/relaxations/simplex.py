"""Weights that are the parameters themselves, on the simplex."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from supernet.mix import Moment
from supernet.relaxations.base import Relaxation, masked_shares


@dataclass(frozen=True)
class Simplex(Relaxation):
    """``theta = alpha``, points of the simplex that start at its centre (GAEA, Li et al., ICLR 2021).

    :class:`supernet.alpha_optimisers.ExponentiatedGradient` keeps them on it. Weights are divided by the sum over the
    allowed operations, which shifts the gradients of an edge by a constant; such a shift changes no exponentiated step.
    """

    def describe(self) -> str:
        return "simplex"

    def initial(self, edges: int, operations: int, generator: torch.Generator) -> Tensor:
        return torch.full((edges, operations), 1 / operations)

    def mean(self, alphas: Tensor, allowed: Tensor, moment: Moment) -> Tensor:
        return masked_shares(alphas, allowed)
