"""Blocks that networks of several spaces are made of."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

_SQUEEZE = 4
_DIVISOR = 8


def squeezed(channels: int) -> int:
    """Channels between the two layers of a squeeze-and-excite: a quarter, rounded to a multiple of 8, at least 8.

    Never below 90 % of the quarter, as in the code of Howard et al., ICCV 2019.
    """
    wanted = channels // _SQUEEZE
    rounded = max(_DIVISOR, (wanted + _DIVISOR // 2) // _DIVISOR * _DIVISOR)
    return rounded + _DIVISOR if rounded < 0.9 * wanted else rounded


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch norm, and an activation (None for none); the side is divided by ``stride``, rounded up."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        activation: Callable[[], nn.Module] | None = nn.Hardswish,
    ) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(c_out),
            *([] if activation is None else [activation()]),
        )


class SqueezeExcite(nn.Module):
    """Weighs channels by what they are on average: pooling, two pointwise layers, hard sigmoid (Hu et al., CVPR 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed(channels), 1)
        self.excite = nn.Conv2d(squeezed(channels), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.excite(F.relu(self.squeeze(x.mean((2, 3), keepdim=True))))
        return x * (F.relu6(weights + 3) / 6)  # F.hardsigmoid cannot be differentiated twice, which proxies do


class InvertedResidual(nn.Module):
    """A pointwise convolution to more channels, a depthwise one, squeeze-and-excite, and a linear pointwise one back.

    What comes in is added where the shape stays. Source: Sandler et al., CVPR 2018; with squeeze-and-excite and hard-swish
    Howard et al., ICCV 2019.

    Args:
        c_in: channels that come in.
        c_out: channels that go out.
        kernel: side of the depthwise kernel, odd.
        expansion: the depthwise convolution has ``expansion * c_in`` channels; 1 leaves the first convolution out.
        stride: 1, or 2 to halve the side (rounded up).
        squeeze: with squeeze-and-excite.
        activation: behind the first two convolutions.
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int,
        expansion: int,
        stride: int,
        squeeze: bool,
        activation: Callable[[], nn.Module] = nn.Hardswish,
    ) -> None:
        super().__init__()
        wide = expansion * c_in
        self.expand = ConvNorm(c_in, wide, 1, activation=activation) if expansion > 1 else nn.Identity()
        self.depthwise = ConvNorm(wide, wide, kernel, stride=stride, groups=wide, activation=activation)
        self.weigh = SqueezeExcite(wide) if squeeze else nn.Identity()
        self.project = ConvNorm(wide, c_out, 1, activation=None)
        self.residual = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        carried = self.project(self.weigh(self.depthwise(self.expand(x))))
        return x + carried if self.residual else carried
