"""Where a search gets its images: parts of a training set, in batches that are a function of seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

import torch
from torch import Tensor

from ranknosh.errors import DataError
from ranknosh.streams import torch_seed
from supernet.updates.base import Batch

DataPart = Literal["weights", "alphas", "all"]
"""The half that weights learn from, the half that alphas learn from, and both."""


class SearchData(Protocol):
    """Images of a search. The same arguments give the same batches, so that a search can begin again at any epoch."""

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
        """One pass over a part in the order of (seed, epoch). The last batch is left out where it has a single image."""
        ...


class TensorData:
    """Images (n, c, h, w) float and labels (n,) int64 that are in memory, cut into two stratified halves by ``seed``.

    Augmentation is what the images went through before; ``augment`` other than ``none`` is refused with DataError.
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
    """Two index tensors that hold every image once, each class shared out evenly, by a permutation of ``seed``."""
    generator = torch.Generator().manual_seed(torch_seed(seed, "halves", 0))
    order = torch.randperm(len(labels), generator=generator)
    by_class = order[torch.argsort(labels[order], stable=True)]
    return by_class[::2].sort().values, by_class[1::2].sort().values


def epoch_order(indices: Tensor, part: DataPart, batch: int, epoch: int, seed: int) -> Tensor:
    """``indices`` in the order of an epoch; a last batch of one image, which has no variance, is cut off."""
    generator = torch.Generator().manual_seed(torch_seed(seed, f"order-{part}", epoch))
    order = indices[torch.randperm(len(indices), generator=generator)]
    return order[:-1] if len(order) % batch == 1 and len(order) > 1 else order
