"""Drop-path: whole edges left out at random while a network is trained (Larsson et al., ICLR 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ranknosh.errors import SpaceError
from ranknosh.spaces.nets.cell import Cell
from ranknosh.spaces.nets.ops import Mapped


def scheduled_rate(last: float, epoch: int, epochs: int) -> float:
    """``last * epoch / epochs`` (Liu et al., ICLR 2019).

    Args:
        last: the rate that is approached.
        epoch: from 0.
        epochs: of the whole training.
    """
    return last * epoch / epochs


class DropPath:
    """Sets what an edge carries to zero with chance ``rate``, image by image, and divides the rest by ``1 - rate``.

    So the expected value stays. Acts in training mode on every edge of every cell but identities (Zoph et al., CVPR 2018;
    the official DARTS code), which keeps each node fed. It is a hook on the edges: parameters keep their names. ``rate`` and
    ``generator`` (on the network's device, read for each edge in turn) may change between passes; at rate 0 nothing is drawn.
    Raises SpaceError for a network without cells.
    """

    def __init__(self, network: nn.Module) -> None:
        self.rate = 0.0
        self.generator: torch.Generator | None = None
        cells = [module for module in network.modules() if isinstance(module, Cell)]
        if not cells:
            raise SpaceError(
                f"{type(network).__name__} has no cells whose edges could be dropped; set train.drop_path=0"
            )
        edges = (edge for cell in cells for edge in cell.edges.values())
        self.edges = [edge for edge in edges if not (isinstance(edge, Mapped) and edge.takes == ("identity",))]
        for edge in self.edges:
            edge.register_forward_hook(self._drop)

    def _drop(self, edge: nn.Module, _: tuple[Tensor, ...], carried: Tensor) -> Tensor:
        if not edge.training or self.rate == 0:
            return carried
        keep = 1 - self.rate
        mask = carried.new_empty(len(carried), 1, 1, 1).bernoulli_(keep, generator=self.generator)
        return carried * mask.div_(keep)
