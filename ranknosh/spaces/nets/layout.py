"""Which networks may lie in channels_last."""

from torch import nn

LEAST_CHANNELS = 8
"""Numbers in a vector of AVX2."""


def bears_channels_last(network: nn.Module) -> bool:
    """Whether training a network in channels_last is safe on every CPU.

    It is not where a 1x1 convolution with a stride takes fewer channels than a vector holds numbers: oneDNN, seen with torch 2.14
    on a CPU with AVX2 and one thread, then writes beyond its buffer in the gradient of the weights, and the process dies.

    Args:
        network: any module.
    """
    return not any(
        isinstance(part, nn.Conv2d)
        and part.kernel_size == (1, 1)
        and part.stride != (1, 1)
        and part.in_channels < LEAST_CHANNELS
        for part in network.modules()
    )
