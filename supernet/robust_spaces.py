"""The four spaces in which DARTS fails: few operations, chosen edge by edge (R-DARTS, Zela et al., ICLR 2020, sec. 3)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from ranknosh.spaces.nets.skeleton import EdgeContext
from supernet.draws import RandomOperation, normal_like
from supernet.space import CellSpace, darts, normed_pools

_SHORT = {
    "max": "max_pool_3x3",
    "avg": "avg_pool_3x3",
    "skip": "skip_connect",
    "sep3": "sep_conv_3x3",
    "dil3": "dil_conv_3x3",
    "dil5": "dil_conv_5x5",
}
_S1_NORMAL = (
    "skip dil3, skip dil5, skip dil5, skip sep3, skip dil3, max skip, skip sep3, "
    "skip sep3, skip dil3, skip sep3, max skip, skip dil3, dil3 dil5, dil3 dil5"
)
_S1_REDUCE = (
    "max avg, max dil3, max avg, max avg, skip dil5, max avg, max sep3, "
    "skip dil3, skip dil5, max avg, max avg, skip dil5, skip dil5, skip dil5"
)


def s1() -> CellSpace:
    """S1: two operations an edge, the two that a search by DARTS rated highest there (released code's lists)."""
    lists = {"normal": _edges(_S1_NORMAL), "reduce": _edges(_S1_REDUCE)}
    return replace(darts(name="s1"), candidates=lists)


def s2() -> CellSpace:
    """S2: a skip connection or a 3x3 separable convolution on every edge."""
    return darts(("skip_connect", "sep_conv_3x3"), name="s2")


def s3() -> CellSpace:
    """S3: S2 and ``none``, which is never derived."""
    return darts(("none", "skip_connect", "sep_conv_3x3"), name="s3")


def s4() -> CellSpace:
    """S4: a 3x3 separable convolution or noise on every edge. A search that derives noise has failed."""
    return replace(darts(("noise", "sep_conv_3x3"), name="s4"), make=with_noise)


class Noise(RandomOperation):
    """N(0, 1) of the shape that an operation of this stride gives, whatever its input; it passes no gradient."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return normal_like(x[:, :, :: self.stride, :: self.stride], self.mix)


def with_noise(name: str, context: EdgeContext, affine: bool) -> nn.Module | None:
    """As :func:`supernet.space.normed_pools`, and ``noise``.

    Args:
        name: Name of the operation.
        context: Channels and stride of the edge.
        affine: Scale and shift in batch norms.

    Returns:
        The module; None where the operation carries nothing.
    """
    return Noise(context.stride) if name == "noise" else normed_pools(name, context, affine)


def _edges(lists: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(_SHORT[short] for short in edge.split()) for edge in lists.split(", "))
