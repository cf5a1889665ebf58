"""The base of edge weightings."""

from __future__ import annotations

import torch
from torch import Tensor

from ranknosh.spaces.topology import CellTopology
from supernet.part import Part


class EdgeWeighting(Part):
    """Makes a factor for every edge of a cell from parameters of its own, ``search.parameters["edges.KIND"]``."""

    def initial(self, topology: CellTopology, generator: torch.Generator) -> Tensor:
        """Parameters at the start of a search, (n,); ``generator`` is on the CPU."""
        raise NotImplementedError

    def factors(self, parameters: Tensor, topology: CellTopology) -> Tensor:
        """(edges,) factors from ``parameters`` (n,)."""
        raise NotImplementedError
