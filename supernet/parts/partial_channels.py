"""Mixed edges over a part of the channels (PC-DARTS)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ranknosh.errors import ConfigError
from ranknosh.spaces.nets.network import EdgeFactory, Read
from ranknosh.spaces.nets.ops import source_maps
from ranknosh.spaces.nets.skeleton import EdgeContext
from supernet.accumulate import add_scaled
from supernet.edges import EdgePart
from supernet.mix import Current


@dataclass(frozen=True)
class PartialChannels(EdgePart):
    """Only the first ``1 / share`` of an edge's channels go through its operations (PC-DARTS, Xu et al., ICLR 2020).

    The other channels skip the operations, through 2x2 max pooling where the edge strides; then channels are shuffled
    in ``share`` groups, so that the next edge's operations get some of both. An edge's factor also multiplies the
    channels that skip its operations. A pruned edge gives nothing; one whose operation is ``none`` still gives the
    other channels. ``share`` 1 changes nothing.

    Raises:
        ConfigError: ``share`` is below 1, or the channels of an edge cannot be cut into ``share`` equal parts.
    """

    share: int = 4

    def __post_init__(self) -> None:
        if self.share < 1:
            raise ConfigError(f"partial channels of share {self.share}: give 1 or more, the number of equal parts")

    def describe(self) -> str:
        return f"partial channels 1/{self.share}" if self.share > 1 else ""

    def edge(self, context: EdgeContext, inner: EdgeFactory, current: Current) -> nn.Module | None:
        if self.share == 1:
            return inner(context)
        if context.c_in != context.c_out:
            raise ConfigError(
                f"partial channels need edges that keep their channels, and one of the supernet takes {context.c_in} to "
                f"{context.c_out}; take a method without partial channels"
            )
        if context.c_in % self.share:
            raise ConfigError(
                f"partial channels cut an edge's channels into {self.share} equal parts, and an edge of the supernet has "
                f"{context.c_in}; choose initial channels that {self.share} divides, or another share"
            )
        channels = context.c_in // self.share
        mixed = inner(replace(context, c_in=channels, c_out=channels))
        return None if mixed is None else PartialEdge(mixed, context, current, self.share)


class PartialEdge(nn.Module):
    """An edge that acts on the first of ``share`` equal parts of the channels."""

    reads_lazily = True

    def __init__(self, inner: nn.Module, context: EdgeContext, current: Current, share: int) -> None:
        super().__init__()
        self.inner, self.context, self.current, self.share = inner, context, current, share
        self.beside = f"{'max_pool_2x2_stride2' if context.stride == 2 else 'identity'}/rest-{share}"
        # Maps of the source that the cell computes once for all edges: NAME/k is the first of k parts of the channels,
        # NAME/rest-k all others.
        self.takes = (*(f"{name}/{share}" for name in source_maps(inner)), self.beside)

    def forward(self, read: Read) -> Tensor | None:
        mix, context = self.current.mix, self.context
        if not mix.executed[context.cell_kind][context.edge_index]:
            return None
        mixed = self.inner(lambda name: read(f"{name}/{self.share}"))
        beside = read(self.beside)
        factor = mix.edge_factor(context)
        if factor is not None:
            beside = add_scaled(None, beside, factor)
        if mixed is None:
            # All that runs is ``none``: the first part is zeros, the others still pass.
            mixed = torch.zeros_like(beside[:, : context.c_out // self.share])
        return shuffled(mixed, beside)


def shuffled(first: Tensor, rest: Tensor) -> Tensor:
    """The channels of two tensors joined and shuffled in ``k`` groups, in one copy (ShuffleNet, Zhang et al., CVPR
    2018).

    ``first`` (n, c, h, w) is group 0, ``rest`` (n, (k - 1) c, h, w) holds the others; channel ``j`` of group ``g`` goes
    to place ``j k + g`` of the result (n, k c, h, w), which has the memory layout of ``first``.
    """
    last = not first.is_contiguous() and first.is_contiguous(memory_format=torch.channels_last)
    count, channels, height, width = first.shape
    if last:
        groups = rest.permute(0, 2, 3, 1).reshape(count, height, width, -1, channels).transpose(3, 4)
        joined = torch.cat([first.permute(0, 2, 3, 1)[..., None], groups], dim=4)
        return joined.flatten(3).permute(0, 3, 1, 2)
    groups = rest.reshape(count, -1, channels, height, width).transpose(1, 2)
    return torch.cat([first[:, :, None], groups], dim=2).flatten(1, 2)
