"""The supernet of inverted residual networks: kernel and expansion of every block, which keep the shape of what comes out.

Resolution, depth and widths change shapes, and squeeze-and-excite is a stage's: all four are fixed, so that what is found is one
of the architectures of the space with these options. As in ProxylessNAS (Cai et al., ICLR 2019), without its zero layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import nn

from ranknosh.spaces.nets.blocks import InvertedResidual
from ranknosh.spaces.nets.mobile import MobileNetwork, MobilePlan
from ranknosh.spaces.nets.network import EdgeFactory
from ranknosh.spaces.nets.skeleton import EdgeContext
from ranknosh.spaces.relaxed import Cells, Relaxed, without_scale
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.topology import independent

Block = tuple[int, int]
"""Kernel and expansion."""


def relaxed_blocks(
    name: str,
    signature: Signature,
    plan: MobilePlan,
    options: Mapping[str, Block],
    write: Callable[[Sequence[Block]], str],
) -> Relaxed:
    """What a supernet is built of.

    Args:
        name: of the space.
        signature: of the networks.
        plan: all but kernels and expansions.
        options: of every block, by name.
        write: the exchange string of the architecture with these blocks, from the stem on.
    """
    squeezes = [stage.squeeze for stage in plan.stages for _ in stage.layers]

    def build(edges: EdgeFactory) -> nn.Module:
        return MobileNetwork(plan, signature.images(name)[0], signature.outputs, edges)

    def make(option: str, context: EdgeContext, affine: bool) -> nn.Module | None:
        squeeze = squeezes[context.edge_index]
        block = InvertedResidual(context.c_in, context.c_out, *options[option], context.stride, squeeze)
        return block if affine else without_scale(block)

    def written(cells: Cells) -> str:
        return write([blocks[place or 0] for place in cells["normal"]])

    blocks = list(options.values())
    edges = {"normal": (tuple(options),) * len(squeezes)}
    return Relaxed(name, edges, {"normal": independent(len(squeezes))}, build, written, make=make)
