"""The base of optimisers of architecture parameters, and the one that moves nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ranknosh.spaces.relaxed import Relaxed
from supernet.part import Composition, Part, Running
from supernet.relaxations.simplex import Simplex
from supernet.weightings.node_simplex import NodeSimplex


class AlphaOptimiser(Part):
    """Moves ``search.parameters`` along their gradients; rows of decided edges must not move."""

    keeps_simplex = False
    """Whether parameters that are points of a simplex stay so."""

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        if self.keeps_simplex:
            return None
        if isinstance(method.relaxation, Simplex):
            return f"{self.describe()} would leave the simplex; use ExponentiatedGradient"
        if isinstance(method.weighting, NodeSimplex):
            return f"{self.describe()} would leave the simplex of edges; use ExponentiatedGradient"
        return None

    def step(self, search: Running, gradients: Mapping[str, Tensor]) -> None:
        """One step in place; ``gradients`` holds a tensor for each parameter by name, and descending them lowers the
        loss."""
        raise NotImplementedError


@dataclass
class Frozen(AlphaOptimiser):
    """Leaves the parameters where they are."""

    keeps_simplex = True

    def describe(self) -> str:
        return "alphas frozen"

    def step(self, search: Running, gradients: Mapping[str, Tensor]) -> None: ...
