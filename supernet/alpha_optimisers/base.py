"""What an optimiser of architecture parameters gives, and the one that does nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from supernet.part import Part

if TYPE_CHECKING:
    from supernet.search import SupernetSearch


class AlphaOptimiser(Part):
    """``step`` moves ``search.parameters`` by their gradients. Rows of decided edges do not move."""

    keeps_simplex = False
    """Whether parameters that are points of a simplex stay so."""

    def step(self, search: SupernetSearch, gradients: Mapping[str, Tensor]) -> None:
        raise NotImplementedError


@dataclass
class Frozen(AlphaOptimiser):
    """Parameters stay where they are."""

    keeps_simplex = True

    def describe(self) -> str:
        return "alphas frozen"

    def step(self, search: SupernetSearch, gradients: Mapping[str, Tensor]) -> None: ...
