"""Random numbers inside a pass: a mix draws the same ones whenever it runs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ranknosh.spaces.nets.ops import Noise
from supernet.mix import Current, Mix


def generator_on(mix: Mix, device: torch.device) -> torch.Generator:
    """A generator for whole feature maps: the mix's own on the CPU; elsewhere one on the device that it seeds, so that
    no map is copied there."""
    own = mix.generator()
    if device.type == "cpu":
        return own
    # One number from the mix's generator, so that successive maps get different seeds.
    seed = int(torch.randint(2**62, (), generator=own))
    return torch.Generator(device=device).manual_seed(seed)


def normal_like(x: Tensor, mix: Mix) -> Tensor:
    """N(0, 1) of the shape, type and device of ``x``, without gradient."""
    return torch.empty_like(x, requires_grad=False).normal_(generator=generator_on(mix, x.device))


def uniform_like(x: Tensor, mix: Mix) -> Tensor:
    """U(-1, 1) of the shape, type and device of ``x``, without gradient."""
    return torch.empty_like(x, requires_grad=False).uniform_(-1, 1, generator=generator_on(mix, x.device))


def kept_like(x: Tensor, keep: float, mix: Mix) -> Tensor:
    """1 with chance ``keep``, else 0, without gradient.

    Args:
        x: Gives shape, type and device.
        keep: Chance of 1, in [0, 1].
        mix: The mix of the pass, source of the draw.

    Returns:
        A tensor like ``x``.
    """
    return torch.empty_like(x, requires_grad=False).bernoulli_(keep, generator=generator_on(mix, x.device))


class RandomOperation(nn.Module):
    """The base of operations that draw random numbers; a supernet sets ``current``, whose mix they draw from."""

    current: Current

    @property
    def mix(self) -> Mix:
        """The mix of the running pass."""
        return self.current.mix


class MixNoise(RandomOperation):
    """:class:`ranknosh.spaces.nets.ops.Noise` drawn from the mix of the pass."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return normal_like(x[:, :, :: self.stride, :: self.stride], self.mix)


def drawing(module: nn.Module | None, current: Current) -> nn.Module | None:
    """The operation, its random numbers drawn from the mix of the running pass.

    Args:
        module: The operation; None is given back.
        current: Where random operations inside it find the mix.
    """
    found = MixNoise(module.stride) if isinstance(module, Noise) else module
    for part in () if found is None else found.modules():
        if isinstance(part, RandomOperation):
            part.current = current
    return found
