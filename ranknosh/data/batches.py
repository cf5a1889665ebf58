"""Batches of a split: gathered, augmented and normalised on the training device, without a Python loop over images.

Augmentation is drawn for every image on its own and applied to all at once on the images' device.
"""

from collections.abc import Iterator
from typing import Literal, get_args

import torch

from ranknosh.data.base import Split
from ranknosh.errors import DataError

Augment = Literal["none", "crop_flip", "cutout", "crop_flip_cutout"]


def batches(
    split: Split,
    *,
    batch: int,
    order: torch.Tensor | None = None,
    augment: Augment = "none",
    generator: torch.Generator | None = None,
    mean: torch.Tensor,
    std: torch.Tensor,
    device: torch.device | str = "cpu",
    channels_last: bool = False,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield (images, labels); the last batch is shorter where the images do not divide evenly.

    Crop and flip work on the raw pixels, then (pixel / 255 - mean) / std, then cutout.

    Args:
        split: the images; one that is on ``device`` already is not copied.
        batch: images at a time.
        order: (m,) indices into the split, any subset or repetition; None takes all in their order.
        augment: name of an augmentation.
        generator: for augmentation only, on its own device.
        mean: (C,).
        std: (C,).
        device: of the batches.
        channels_last: memory layout of the images, which are (b, C, H, W) float32.

    Raises:
        DataError: for an unknown augmentation, a missing generator, or a batch below 1.
    """
    if augment not in get_args(Augment):
        raise DataError(f"train.augment is {augment!r}; known are {', '.join(get_args(Augment))}")
    if augment != "none" and generator is None:
        raise DataError(f"train.augment is {augment!r} and needs a generator to draw from")
    if batch < 1:
        raise DataError(f"train.batch is {batch}; it must be 1 or more")
    indices = None if order is None else order.to(split.images.device)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    scale = (1 / (255 * std)).to(device, torch.float32)[:, None, None]
    shift = (mean / std).to(device, torch.float32)[:, None, None]

    def generate() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for start in range(0, len(split) if indices is None else len(indices), batch):
            chosen = slice(start, start + batch) if indices is None else indices[start : start + batch]
            pixels = split.images[chosen].to(device, non_blocking=True)
            labels = split.labels[chosen].to(device, non_blocking=True)
            if generator is not None and augment in ("crop_flip", "crop_flip_cutout"):
                pixels = crop_flip(pixels, generator)
            images = pixels.float().mul_(scale).sub_(shift)
            if generator is not None and augment in ("cutout", "crop_flip_cutout"):
                images = cutout(images, generator)
            yield images.contiguous(memory_format=layout), labels

    return generate()  # apart, so that a wrong setting is refused before the first batch is asked for


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
