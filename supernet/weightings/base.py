"""The base of edge weightings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from supernet.part import Part

if TYPE_CHECKING:
    from ranknosh.spaces.cell import CellTopology


class EdgeWeighting(Part):
    """Makes a factor for every edge of a cell from parameters of its own, ``search.parameters["edges.KIND"]``."""

    def initial(self, topology: CellTopology, generator: torch.Generator) -> Tensor:
        """Parameters at the start of a search, (n,); ``generator`` is on the CPU."""
        raise NotImplementedError

    def factors(self, parameters: Tensor, topology: CellTopology) -> Tensor:
        """(edges,) factors from ``parameters`` (n,)."""
        raise NotImplementedError
