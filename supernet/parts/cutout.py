"""Cutout with a chance that grows over the search."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ranknosh.errors import ConfigError
from supernet.part import Part, Running
from supernet.schedules import Linear, Schedule

RAMP = Linear(0.0, 1.0, inclusive=True)


@dataclass(frozen=True)
class Cutout(Part):
    """Sets a square of each training image to 0, the mean of normalised images, with some chance.

    The centre of the square is any pixel, and what lies outside of the image is lost (DeVries & Taylor, arXiv
    1708.04552). It acts after the recipe's own augmentation, on the batches of weights and of alphas, not in
    evaluation. Default chance: R-DARTS (Zela et al., ICLR 2020, released code).

    Args:
        chance: Chance in [0, 1] over the epochs of the search.
        side: Side of the square in pixels.
    """

    chance: Schedule = RAMP
    side: int = 16

    def describe(self) -> str:
        return f"cutout {self.side} with chance {self.chance}"

    def begin(self, search: Running) -> None:
        shape = search.data.input_shape
        if len(shape) != 3:
            raise ConfigError(
                f"{search.method.name} cuts squares out of pictures (C, H, W), and an input here is {tuple(shape)}; take a "
                "method without cutout (r_darts_dp: --option cutout=false)"
            )

    def training_inputs(self, search: Running, images: Tensor, generator: torch.Generator) -> Tensor:
        chance = self.chance(search.epoch, search.method.epochs)
        if chance == 0:
            return images
        count, _, height, width = images.shape
        chosen = torch.rand(count, generator=generator) < chance
        # The square as a product of one covered stretch on each axis.
        hidden = chosen[:, None, None] & _covered(count, height, self.side, generator)[:, :, None]
        hidden = hidden & _covered(count, width, self.side, generator)[:, None, :]
        return images.masked_fill(hidden[:, None].to(images.device), 0)


def _covered(count: int, length: int, side: int, generator: torch.Generator) -> Tensor:
    """(count, length) bool: which places of one axis lie in a stretch of ``side`` around a random centre."""
    centres = torch.randint(length, (count, 1), generator=generator)
    places = torch.arange(length)[None, :]
    return (places >= centres - side // 2) & (places < centres - side // 2 + side)
