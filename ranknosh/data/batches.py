"""Batches of a split: gathered, augmented and normalised on the training device, without a Python loop over images."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from ranknosh.data.augment import AUGMENTS, Augment, crop_flip, cutout
from ranknosh.data.base import Split
from ranknosh.errors import DataError


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
    if augment not in AUGMENTS:
        raise DataError(f"train.augment is {augment!r}; known are {', '.join(AUGMENTS)}")
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
