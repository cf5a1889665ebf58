"""The images of a data set as a supernet takes them: the training images alone, cut into two halves, augmented as asked."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import cast

import torch

from ranknosh.data import Augment, ImageData, Split, batches
from ranknosh.errors import DataError
from ranknosh.streams import torch_seed
from supernet.data import DataPart, SearchData, epoch_order, halves
from supernet.updates.base import Batch


class SupernetData:
    """``supernet.data.SearchData`` over ``data.train``; validation and test images are never looked at.

    ``split_seed``: of the stratified cut into the weights' and the alphas' half. Augmentation is drawn anew for every
    (seed, part, epoch). Images are uint8 in memory and are copied to the device once. Raises DataError where a half would be
    empty.
    """

    def __init__(self, data: ImageData, *, split_seed: int = 0) -> None:
        if len(data.train) < 4:
            raise DataError(f"{data.name} has {len(data.train)} training images; a supernet needs at least 2 a half")
        self.data = data
        self.image_shape = data.image_shape
        self.classes = len(data.classes)
        first, second = halves(data.train.labels, split_seed)
        self._parts = {"weights": first, "alphas": second, "all": torch.arange(len(data.train))}
        self._placed: dict[torch.device, Split] = {}

    def count(self, part: DataPart) -> int:
        return len(self._parts[part])

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
        if device not in self._placed:
            self._placed[device] = self.data.train.to(device)
        generator = torch.Generator().manual_seed(torch_seed(seed, f"augment-{part}", epoch))
        return batches(
            self._placed[device],
            batch=batch,
            order=epoch_order(self._parts[part], part, batch, epoch, seed),
            augment=cast(Augment, augment),
            generator=generator,
            mean=self.data.mean,
            std=self.data.std,
            device=device,
            channels_last=channels_last,
        )


class FirstBatches:
    """The same data cut to the first ``most`` batches of every pass, for timing. ``cut``: passes that would have gone on."""

    def __init__(self, data: SearchData, most: int, batch: int) -> None:
        self._data, self.most, self._images = data, most, most * batch
        self.image_shape, self.classes = data.image_shape, data.classes
        self.cut = 0

    def count(self, part: DataPart) -> int:
        return min(self._data.count(part), self._images)

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
        found = self._data.batches(
            part, batch=batch, epoch=epoch, seed=seed, augment=augment, device=device, channels_last=channels_last
        )
        yield from itertools.islice(found, self.most)
        self.cut += self._data.count(part) > self.most * batch
