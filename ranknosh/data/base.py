"""Images in memory: the form every data set takes before anything is trained on it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ranknosh.errors import DataError

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """One part of a data set. ``images``: (n, C, H, W) uint8. ``labels``: (n,) int64."""

    images: torch.Tensor
    labels: torch.Tensor

    def __post_init__(self) -> None:
        if self.images.dtype != torch.uint8 or self.images.ndim != 4:
            raise DataError(
                f"images are {tuple(self.images.shape)} {self.images.dtype}; they must be (n, C, H, W) torch.uint8"
            )
        if self.labels.dtype != torch.int64 or self.labels.shape != self.images.shape[:1]:
            raise DataError(
                f"labels are {tuple(self.labels.shape)} {self.labels.dtype} for {len(self.images)} images; "
                f"they must be ({len(self.images)},) torch.int64"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device | str) -> Split:
        """The same part on ``device``, so that an epoch copies nothing."""
        return Split(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True, eq=False)
class ImageData:
    """A data set ready for a search: candidates learn from ``train``, are ranked on ``validation``, and ``test`` is read once.

    ``test`` may be empty, where a caller of :func:`ranknosh.data.from_datasets` gave none. ``mean`` and ``std``: (C,) float32
    of the training images divided by 255.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    classes: tuple[str, ...]
    mean: torch.Tensor
    std: torch.Tensor

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    @cached_property
    def fingerprint(self) -> str:
        """SHA-1 of classes, shapes, pixels and labels of all three parts; the name is left out."""
        digest = hashlib.sha1(usedforsecurity=False)
        digest.update("\0".join(self.classes).encode())
        for part in (self.train, self.validation, self.test):
            digest.update(repr(tuple(part.images.shape)).encode())
            digest.update(part.images.cpu().contiguous().numpy().data)
            digest.update(part.labels.cpu().contiguous().numpy().data)
        return digest.hexdigest()

    @property
    def facts(self) -> dict[str, Any]:
        """What a run keeps of its images, as plain JSON data."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "image_shape": list(self.image_shape),
            "classes": list(self.classes),
            "images": {"train": len(self.train), "validation": len(self.validation), "test": len(self.test)},
        }

    def with_all_images(self) -> ImageData:
        """The validation images appended to the training images, with the statistics of both; they stay in ``validation`` too."""
        parts = (self.train, self.validation)
        both = Split(torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts]))
        return assemble(self.name, [both, self.validation, self.test], self.classes)


def statistics(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation (population) per channel of ``images`` (n, C, H, W) uint8 divided by 255: two (C,) float32.

    Exact: taken from a histogram of the 256 values. A constant channel gets std 1, so that normalising only centres it.
    """
    values = torch.arange(256, dtype=torch.float64) / 255
    means, deviations = [], []
    for channel in range(images.shape[1]):
        counts = torch.bincount(images[:, channel].flatten(), minlength=256).double()
        mean = (counts * values).sum() / counts.sum()
        variance = (counts * (values - mean) ** 2).sum() / counts.sum()
        means.append(mean)
        deviations.append(variance.sqrt() if (counts > 0).sum() > 1 else torch.ones_like(mean))
    return torch.stack(means).float(), torch.stack(deviations).float()


def check_labels(name: str, labels: Mapping[str, NDArray[np.int64]], classes: Sequence[str]) -> None:
    """Check the labels of one part.

    Args:
        name: of the part, for messages.
        labels: (n,) integers.
        classes: names.

    Raises:
        DataError: for an empty part, labels outside of the classes, or fewer than two classes.
    """
    if len(classes) < 2:
        raise DataError(
            f"{name}: only one class ({classes[0] if classes else 'none'}); a search needs two or more to tell apart"
        )
    for part, found in labels.items():
        if not len(found):
            raise DataError(f"{name}: the {part} part is empty; give it images or leave it out")
        if found.min() < 0 or found.max() >= len(classes):
            raise DataError(
                f"{name}: {part} labels lie in {found.min()}..{found.max()}, but with {len(classes)} classes they must lie in "
                f"0..{len(classes) - 1}"
            )


def assemble(name: str, parts: Sequence[Split], classes: Sequence[str]) -> ImageData:
    """The data set of three parts, with the statistics of the training part.

    Args:
        name: of the data set.
        parts: train, validation, test.
        classes: names.

    Raises:
        DataError: where the parts' images differ in shape or a class has no training image.
    """
    shape = tuple(parts[0].images.shape[1:])
    for part, split in zip(PARTS, parts, strict=True):
        if tuple(split.images.shape[1:]) != shape:
            raise DataError(
                f"{name}: {part} images are {tuple(split.images.shape[1:])} (C, H, W) and training images are {shape}; all must "
                f"have one shape"
            )
    counts = torch.bincount(parts[0].labels, minlength=len(classes))
    absent = [str(classes[i]) for i in (counts == 0).nonzero().flatten().tolist()]
    if absent:
        raise DataError(
            f"{name}: no training image of {len(absent)} of {len(classes)} classes ({', '.join(absent[:5])}); labels must be "
            f"0..K-1 without gaps and every class needs images to learn from"
        )
    mean, std = statistics(parts[0].images)
    return ImageData(name, parts[0], parts[1], parts[2], tuple(str(c) for c in classes), mean, std)
