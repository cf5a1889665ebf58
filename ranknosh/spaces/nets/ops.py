"""Operation modules, and the one table that names them.

An operation that begins with a parameter-free map of its input (ReLU, pooling) names that map in ``takes`` and receives
the mapped tensor. What runs the operation computes each map once per tensor, however many operations take it: the
numbers stay the same and the work is done once. ``takes`` is ``("identity",)`` for a module without the attribute.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ranknosh.errors import SpaceError, unknown

SOURCE_MAPS: dict[str, Callable[[], nn.Module]] = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "avg_pool_3x3": lambda: nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
    "avg_pool_3x3_stride2": lambda: nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False),
    "max_pool_3x3": lambda: nn.MaxPool2d(3, stride=1, padding=1),
    "max_pool_3x3_stride2": lambda: nn.MaxPool2d(3, stride=2, padding=1),
    "max_pool_2x2_stride2": lambda: nn.MaxPool2d(2, stride=2, ceil_mode=True),
}
NORMED = "_norm"
"""Behind the name of a map: batch norm without scale and shift follows it."""


class Channels(nn.Module):
    """The first of ``parts`` equal shares of the channels, or all the others (``rest``)."""

    def __init__(self, parts: int, rest: bool) -> None:
        super().__init__()
        self.parts, self.rest = parts, rest

    def forward(self, x: Tensor) -> Tensor:
        share = x.shape[1] // self.parts
        return x[:, share:] if self.rest else x[:, :share]


def make_source_map(name: str, channels: int) -> nn.Module:
    """The module of a map of a value of ``channels`` channels.

    ``name`` is one of ``SOURCE_MAPS``, with ``_norm`` behind it where batch norm (no scale, no shift) follows, and with
    ``/K`` or ``/rest-K`` at its end where only the first K-th of the channels, or all but those, are read.
    """
    base, _, share = name.partition("/")
    layers: list[nn.Module] = []
    if share:
        rest = share.startswith("rest-")
        parts = int(share.removeprefix("rest-"))
        layers.append(Channels(parts, rest))
        channels = channels - channels // parts if rest else channels // parts
    layers.append(SOURCE_MAPS[base.removesuffix(NORMED)]())
    if base.endswith(NORMED):
        layers.append(nn.BatchNorm2d(channels, affine=False))
    return layers[0] if len(layers) == 1 else nn.Sequential(*layers)


def source_maps(operation: nn.Module) -> tuple[str, ...]:
    """Names of the maps whose results the operation takes as its arguments."""
    return getattr(operation, "takes", ("identity",))


def standalone(operation: nn.Module) -> nn.Module:
    """The operation with its own map in front, for use outside a cell: plain tensor in, tensor out."""
    (name,) = source_maps(operation)
    return nn.Sequential(SOURCE_MAPS[name](), operation)


class PooledNorm(nn.Module):
    """Batch norm on what a pooling made of the source: a pooling of the DARTS supernet with scale and shift of its own."""

    def __init__(self, channels: int, source_map: str) -> None:
        super().__init__()
        self.takes = (source_map,)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, pooled: Tensor) -> Tensor:
        return self.bn(pooled)


class Mapped(nn.Identity):
    """Gives on what a parameter-free map made of the source."""

    def __init__(self, source_map: str) -> None:
        super().__init__()
        self.takes = (source_map,)


class NormedConv(nn.Module, ABC):
    """An operation on a source through ReLU that ends in a batch norm; a supernet may fold that norm into its mixture."""

    takes = ("relu",)
    bn: nn.BatchNorm2d

    @abstractmethod
    def before_norm(self, rectified: Tensor) -> Tensor:
        """What the last batch norm receives."""

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        """The batch norm that the operation ends in."""
        return self.bn

    def forward(self, rectified: Tensor) -> Tensor:
        return self.last_norm(self.before_norm(rectified))


class ConvBN(NormedConv):
    """Convolution and batch norm; the spatial size is divided by ``stride``, rounded up."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(c_out)

    def before_norm(self, rectified: Tensor) -> Tensor:
        return self.conv(rectified)


class SeparableConv(NormedConv):
    """Depthwise and pointwise convolution and batch norm, ``repeats`` times with ReLU between; the first one strides.

    Two repeats are the DARTS ``sep_conv``, one with dilation 2 its ``dil_conv``.
    """

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, *, repeats: int, dilation: int = 1) -> None:
        super().__init__()
        self.title = "SeparableConv" if dilation == 1 else "DilatedConv"
        layers: list[nn.Module] = []
        for repeat in range(repeats):
            last = repeat == repeats - 1
            padding = dilation * (kernel // 2)
            step = stride if repeat == 0 else 1
            layers += [] if repeat == 0 else [nn.ReLU()]
            layers += [
                nn.Conv2d(c_in, c_in, kernel, step, padding, dilation=dilation, groups=c_in, bias=False),
                nn.Conv2d(c_in, c_out if last else c_in, 1, bias=False),
                nn.BatchNorm2d(c_out if last else c_in),
            ]
        self.layers = nn.Sequential(*layers)

    def before_norm(self, rectified: Tensor) -> Tensor:
        out = rectified
        for layer in list(self.layers)[:-1]:
            out = layer(out)
        return out

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        return cast(nn.BatchNorm2d, self.layers[-1])


class EverySecondPixel(nn.Conv2d):
    """A pointwise convolution of every second pixel, without bias."""

    FEW_CHANNELS = 8
    """Below so many, torch's channels_last kernel for strided pointwise convolutions (2.14, CPU) writes outside its memory."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(c_in, c_out, 1, stride=2, bias=False)

    def forward(self, pixels: Tensor) -> Tensor:
        if self.in_channels < self.FEW_CHANNELS:
            return functional.conv2d(pixels[:, :, ::2, ::2], self.weight)
        return super().forward(pixels)


class FactorizedReduce(NormedConv):
    """Halves the spatial size by two pointwise convolutions on pixels offset by one, side by side, and batch norm.

    An odd size is rounded up; the second half then sees zeros beyond the border. Raises SpaceError for an odd ``c_out``.
    """

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        if c_out % 2:
            raise SpaceError(f"a reduction by two halves needs an even number of channels, not {c_out}")
        self.conv_even = EverySecondPixel(c_in, c_out // 2)
        self.conv_odd = EverySecondPixel(c_in, c_out // 2)
        self.bn = nn.BatchNorm2d(c_out)

    def before_norm(self, rectified: Tensor) -> Tensor:
        height, width = rectified.shape[-2:]
        shifted = functional.pad(rectified, (0, width % 2, 0, height % 2))[:, :, 1:, 1:]
        return torch.cat([self.conv_even(rectified), self.conv_odd(shifted)], dim=1)


class CrossConv7(nn.Module):
    """A 1x7 and a 7x1 convolution and batch norm; either direction strides in its own axis."""

    takes = ("relu",)

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.row = nn.Conv2d(c_in, c_in, (1, 7), stride=(1, stride), padding=(0, 3), bias=False)
        self.column = nn.Conv2d(c_in, c_out, (7, 1), stride=(stride, 1), padding=(3, 0), bias=False)
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, rectified: Tensor) -> Tensor:
        return self.bn(self.column(self.row(rectified)))


class Noise(nn.Module):
    """N(0, 1) of the shape that an operation of this stride gives, whatever its input, from torch's current generator; it passes
    no gradient. The operation by which S4 of R-DARTS (Zela et al., ICLR 2020) misleads searches."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return torch.randn_like(x[:, :, :: self.stride, :: self.stride], requires_grad=False)


def _skip(c_in: int, c_out: int, stride: int) -> nn.Module:
    return Mapped("identity") if stride == 1 and c_in == c_out else FactorizedReduce(c_in, c_out)


def _pool(kind: str) -> Callable[[int, int, int], nn.Module]:
    def make(c_in: int, c_out: int, stride: int) -> nn.Module:
        if c_in != c_out:
            raise SpaceError(f"{kind} keeps its channels, it cannot make {c_out} out of {c_in}")
        return Mapped(kind if stride == 1 else f"{kind}_stride2")

    return make


OPERATIONS: dict[str, Callable[[int, int, int], nn.Module | None]] = {
    "none": lambda c_in, c_out, stride: None,
    "noise": lambda c_in, c_out, stride: Noise(stride),
    "skip_connect": _skip,
    "avg_pool_3x3": _pool("avg_pool_3x3"),
    "max_pool_3x3": _pool("max_pool_3x3"),
    # NAS-Bench-201
    "nor_conv_1x1": lambda c_in, c_out, stride: ConvBN(c_in, c_out, 1, stride),
    "nor_conv_3x3": lambda c_in, c_out, stride: ConvBN(c_in, c_out, 3, stride),
    # DARTS
    "sep_conv_3x3": lambda c_in, c_out, stride: SeparableConv(c_in, c_out, 3, stride, repeats=2),
    "sep_conv_5x5": lambda c_in, c_out, stride: SeparableConv(c_in, c_out, 5, stride, repeats=2),
    "sep_conv_7x7": lambda c_in, c_out, stride: SeparableConv(c_in, c_out, 7, stride, repeats=2),
    "dil_conv_3x3": lambda c_in, c_out, stride: SeparableConv(c_in, c_out, 3, stride, repeats=1, dilation=2),
    "dil_conv_5x5": lambda c_in, c_out, stride: SeparableConv(c_in, c_out, 5, stride, repeats=1, dilation=2),
    "conv_7x1_1x7": CrossConv7,
}
"""Name -> factory ``(c_in, c_out, stride) -> module``; None means that the edge carries nothing. Strides are 1 or 2."""


def make_operation(name: str, c_in: int, c_out: int, stride: int) -> nn.Module | None:
    """The module of an operation, initialised from torch's current random state.

    Args:
        name: of the operation.
        c_in: channels that come in.
        c_out: channels that go out.
        stride: 1, or 2 to halve the side.

    Raises:
        SpaceError: for an unknown name.
    """
    if name not in OPERATIONS:
        raise SpaceError(unknown("operation", name, OPERATIONS))
    return OPERATIONS[name](c_in, c_out, stride)
