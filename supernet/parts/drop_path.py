"""Drop-path on the outputs of mixed edges."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ranknosh.spaces.nets.network import EdgeFactory, Read
from ranknosh.spaces.nets.ops import source_maps
from ranknosh.spaces.nets.skeleton import EdgeContext
from supernet.edges import EdgePart
from supernet.mix import Current
from supernet.schedules import Schedule


@dataclass(frozen=True)
class EdgeDropPath(EdgePart):
    """Sets an edge's output to zero with chance ``rate``, example by example, and divides the rest by ``1 - rate``.

    The expected value stays. ``rate`` follows the epochs of the search. Acts in weight and architecture passes, on
    every edge of every cell, as the released code of R-DARTS does (Zela et al., ICLR 2020); not in evaluation.
    """

    rate: Schedule

    def describe(self) -> str:
        return f"drop-path {self.rate}"

    def edge(self, context: EdgeContext, inner: EdgeFactory, current: Current) -> nn.Module | None:
        made = inner(context)
        return None if made is None else DroppedEdge(made, current, self.rate)


class DroppedEdge(nn.Module):
    """An edge whose output is set to zero for some examples."""

    reads_lazily = True

    def __init__(self, inner: nn.Module, current: Current, rate: Schedule) -> None:
        super().__init__()
        self.inner, self.current, self.rate = inner, current, rate
        self.takes = source_maps(inner)

    def forward(self, read: Read) -> Tensor | None:
        carried: Tensor | None = self.inner(read)
        mix = self.current.mix
        rate = self.rate(mix.moment.epoch, mix.moment.epochs)
        if carried is None or rate == 0 or mix.moment.phase == "evaluation":
            return carried
        keep = 1 - rate
        # On the CPU, by the mix's own generator: a few numbers, and the same on every device.
        kept = torch.empty(len(carried), *(1,) * (carried.ndim - 1), dtype=carried.dtype).bernoulli_(
            keep, generator=mix.generator()
        )
        return carried.mul_(kept.div_(keep).to(carried.device))
