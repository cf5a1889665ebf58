"""The images of a search: parts of a training set, in batches that are a function of seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

import torch
from torch import Tensor

from ranknosh.errors import DataError
from ranknosh.streams import torch_seed
from supernet.updates.base import Batch

DataPart = Literal["weights", "alphas", "all"]
"""The half that weights are trained on, the half that alphas are trained on, and both."""


class SearchData(Protocol):
    """Images of a search. The same arguments give the same batches, so that a search can be resumed at any epoch."""

    image_shape: tuple[int, int, int]
    classes: int

    def count(self, part: DataPart) -> int:
        """How many images a part holds."""
        ...

    def batches(
        self,
        part: DataPart,
        *,
        batch: int,
        epoch: int,
        seed: int,
        augment: str,
        device: torch.device,
        channels_last: bool,
    ) -> Iterator[Batch]:
        """One pass over a part, in the order of (seed, epoch).

        Args:
            part: Which images.
            batch: Images of a batch; the last one may be smaller and is left out where it has a single image.
            epoch: Number of the epoch, from 0; any number is allowed.
            seed: Of the search.
            augment: Name of the augmentation, as in :class:`supernet.method.SupernetRecipe`.
            device: Where the batches are needed.
            channels_last: Memory layout of the images.

        Returns:
            Images (n, c, h, w) float and labels (n,) int64.
        """
        ...


class TensorData:
    """Images in memory, cut into two stratified halves.

    Args:
        images: (n, c, h, w) float, augmented and normalised already; ``augment`` other than ``none`` is refused with
            DataError.
        labels: (n,) int64.
        classes: Number of classes.
        seed: Of the cut into halves.

    Raises:
        DataError: Images and labels do not fit.
    """

    def __init__(self, images: Tensor, labels: Tensor, classes: int, *, seed: int = 0) -> None:
        if images.ndim != 4 or labels.shape != images.shape[:1]:
            raise DataError(
                f"images are {tuple(images.shape)} and labels {tuple(labels.shape)}; give (n, c, h, w) and (n,)"
            )
        self.images, self.labels, self.classes = images, labels, classes
        channels, height, width = images.shape[1:]
        self.image_shape = (int(channels), int(height), int(width))
        first, second = halves(labels, seed)
        self.parts: dict[str, Tensor] = {"weights": first, "alphas": second, "all": torch.arange(len(labels))}

    def count(self, part: DataPart) -> int:
        return len(self.parts[part])

    def batches(
        self,
        part: DataPart,
        *,
        batch: int,
        epoch: int,
        seed: int,
        augment: str,
        device: torch.device,
        channels_last: bool,
    ) -> Iterator[Batch]:
        if augment != "none":
            raise DataError(f"tensors cannot be augmented ({augment}); set the recipe's augment to none")
        layout = torch.channels_last if channels_last else torch.contiguous_format
        for chosen in epoch_order(self.parts[part], part, batch, epoch, seed).split(batch):
            images = self.images[chosen].to(device).contiguous(memory_format=layout)
            yield images, self.labels[chosen].to(device)


def halves(labels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Two index tensors that hold every image once, each class divided evenly between them, by a permutation of
    ``seed``."""
    generator = torch.Generator().manual_seed(torch_seed(seed, "halves", 0))
    order = torch.randperm(len(labels), generator=generator)
    # Sorted by class, in random order within: every second one is an even share of each class.
    by_class = order[torch.argsort(labels[order], stable=True)]
    return by_class[::2].sort().values, by_class[1::2].sort().values


def epoch_order(indices: Tensor, part: DataPart, batch: int, epoch: int, seed: int) -> Tensor:
    """The order of the images in an epoch; a last batch of one image, which has no variance for batch norms, is cut
    off.

    Args:
        indices: (n,) the images of the part.
        part: Name of the part; parts have orders of their own.
        batch: Images of a batch.
        epoch: Number of the epoch, from 0.
        seed: Of the search.

    Returns:
        ``indices`` permuted, (n,) or (n - 1,).
    """
    generator = torch.Generator().manual_seed(torch_seed(seed, f"order-{part}", epoch))
    order = indices[torch.randperm(len(indices), generator=generator)]
    # A cut instead of a larger last batch, so that every batch has at most ``batch`` images.
    return order[:-1] if len(order) % batch == 1 and len(order) > 1 else order
