"""A skip connection parallel to the mixture, faded out over the search (DARTS-)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ranknosh.spaces.nets.network import EdgeFactory, Read
from ranknosh.spaces.nets.ops import source_maps
from ranknosh.spaces.nets.skeleton import EdgeContext
from ranknosh.spaces.relaxed import operation as make_plain
from ranknosh.streams import torch_seed
from supernet.edges import EdgePart
from supernet.mix import Current
from supernet.schedules import Schedule


@dataclass(frozen=True)
class AuxiliarySkip(EdgePart):
    """Adds ``beta * skip(x)`` to every edge's output, whatever the alphas are (DARTS-, Chu et al., ICLR 2021).

    ``skip`` is the identity, or where an edge strides a factorised reduction whose batch norm has no scale; its weights
    are trained with the others and drawn separately, so that the rest of the supernet starts as it would without.
    ``beta`` follows the epochs of the search; at 0 the skip does not run. A pruned edge, and the supernet as one
    derived network, have no such skip.
    """

    beta: Schedule

    def describe(self) -> str:
        return f"auxiliary skip {self.beta}"

    def edge(self, context: EdgeContext, inner: EdgeFactory, current: Current) -> nn.Module | None:
        return SkippedEdge(inner(context), _skip(context), context, current, self.beta)


class SkippedEdge(nn.Module):
    """An edge and the skip parallel to it, added in ``forward``."""

    reads_lazily = True

    def __init__(
        self, inner: nn.Module | None, skip: nn.Module, context: EdgeContext, current: Current, beta: Schedule
    ) -> None:
        super().__init__()
        self.inner, self.skip = inner, skip
        self.takes = tuple(dict.fromkeys((*(() if inner is None else source_maps(inner)), *source_maps(skip))))
        self.context, self.current, self.beta = context, current, beta

    def forward(self, read: Read) -> Tensor | None:
        total: Tensor | None = None if self.inner is None else self.inner(read)
        mix = self.current.mix
        beta = self.beta(mix.moment.epoch, mix.moment.epochs)
        if beta == 0 or mix.discrete or not mix.executed[self.context.cell_kind][self.context.edge_index]:
            return total
        skipped: Tensor = self.skip(*(read(name) for name in source_maps(self.skip)))
        return skipped * beta if total is None else total.add_(skipped, alpha=beta)


def _skip(context: EdgeContext) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        # In a fork of the random state, so that the draws of the edge's own operations are those of a supernet without
        # the part.
        seed = torch_seed(torch.initial_seed(), "auxiliary-skip", context.cell_index, context.edge_index)
        torch.manual_seed(seed)
        module = make_plain("skip_connect", context, False)
    assert module is not None
    return module
