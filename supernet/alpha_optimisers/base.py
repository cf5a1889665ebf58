"""The base of optimisers of architecture parameters, and the one that moves nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from supernet.part import Part

if TYPE_CHECKING:
    from supernet.search import SupernetSearch


class AlphaOptimiser(Part):
    """Moves ``search.parameters`` along their gradients; rows of decided edges must not move."""

    keeps_simplex = False
    """Whether parameters that are points of a simplex stay so."""

    def step(self, search: SupernetSearch, gradients: Mapping[str, Tensor]) -> None:
        """One step in place; ``gradients`` holds a tensor for each parameter by name, and descending them lowers the
        loss."""
        raise NotImplementedError


@dataclass
class Frozen(AlphaOptimiser):
    """Leaves the parameters where they are."""

    keeps_simplex = True

    def describe(self) -> str:
        return "alphas frozen"

    def step(self, search: SupernetSearch, gradients: Mapping[str, Tensor]) -> None: ...
