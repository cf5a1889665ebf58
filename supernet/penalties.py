"""Terms added to the loss of the architecture step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from supernet.part import Part

if TYPE_CHECKING:
    from supernet.search import Search


class Penalty(Part):
    """``loss(search)``: a tensor of no shape that depends on ``search.alphas``; lower is better."""

    def loss(self, search: Search) -> Tensor:
        raise NotImplementedError
