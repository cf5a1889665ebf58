"""The cell of the size space: one of NAS-Bench-201, between layers of different channels."""

from torch import nn

from ranknosh.spaces.nets.ops import ConvBN, make_operation
from ranknosh.spaces.nets.skeleton import EdgeContext

OPERATIONS = ("nor_conv_3x3", "nor_conv_3x3", "nor_conv_3x3", "skip_connect", "nor_conv_3x3", "nor_conv_3x3")
"""In the order of the edges."""


class LinearConvBN(ConvBN):
    """A 1x1 convolution and batch norm without ReLU: what a skip edge is where channels change."""

    takes = ("identity",)

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(c_in, c_out, 1)


def published_edge(context: EdgeContext) -> nn.Module | None:
    """What sits on an edge of the cell."""
    name, c_in, c_out = OPERATIONS[context.edge_index], context.c_in, context.c_out
    if name == "skip_connect" and c_in != c_out:
        return LinearConvBN(c_in, c_out)
    return make_operation(name, c_in, c_out, context.stride)
