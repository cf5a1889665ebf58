"""Random changes of a batch, drawn for every image on its own and applied to all at once on the images' device."""

from __future__ import annotations

from typing import Literal, get_args

import torch

Augment = Literal["none", "crop_flip", "cutout", "crop_flip_cutout"]
AUGMENTS: tuple[str, ...] = get_args(Augment)


def crop_flip(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Windows of the images padded with zeros (black) by an eighth of the side, at least 1, every second one mirrored.

    The CIFAR recipe (He et al., CVPR 2016, section 4.2: 4 pixels at 32). ``images``: (n, C, H, W), any dtype, any strides.
    """
    count, _, height, width = images.shape
    pads = (max(1, height // 8), max(1, width // 8))
    tops, lefts = (_integers(2 * pad + 1, count, generator, images.device) for pad in pads)
    flips = _integers(2, count, generator, images.device).bool()
    rows = tops[:, None] + torch.arange(height, device=images.device)
    across = torch.arange(width, device=images.device).expand(count, width)
    columns = lefts[:, None] + torch.where(flips[:, None], across.flip(1), across)
    padded = torch.nn.functional.pad(images, (pads[1], pads[1], pads[0], pads[0]))
    picked = padded.movedim(1, 3)[
        torch.arange(count, device=images.device)[:, None, None], rows[:, :, None], columns[:, None, :]
    ]
    return picked.movedim(3, 1)


def cutout(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """One square of every image set to zero; its centre is any pixel, and what lies outside of the image is cut off.

    Cutout (DeVries and Taylor, arXiv 1708.04552) with half the shorter side, which is its 16 pixels at 32. Apply it after
    normalisation, where zero is the mean colour. ``images``: (n, C, H, W).
    """
    count, _, height, width = images.shape
    side = min(height, width) // 2
    centres = (_integers(height, count, generator, images.device), _integers(width, count, generator, images.device))
    inside = []
    for centre, length in zip(centres, (height, width), strict=True):
        first = centre[:, None] - side // 2
        place = torch.arange(length, device=images.device)
        inside.append((place >= first) & (place < first + side))
    square = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return images.masked_fill(square, 0)


def _integers(high: int, count: int, generator: torch.Generator, device: torch.device) -> torch.Tensor:
    """``count`` integers in 0..high-1, drawn where the generator lives: a CPU generator gives the same ones on any device."""
    return torch.randint(high, (count,), generator=generator, device=generator.device).to(device)
