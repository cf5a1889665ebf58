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
_MAX_CHANNELS = 16


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
            "images": {part: len(getattr(self, part)) for part in PARTS},
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
    """Check the labels of every part that a set came with.

    Args:
        name: of the data set, for messages.
        labels: (n,) integers of each part.
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
    train, validation, test = parts
    return ImageData(name, train, validation, test, tuple(str(c) for c in classes), *statistics(train.images))


def as_images(array: NDArray[np.generic], where: str) -> torch.Tensor:
    """(n, H, W), (n, H, W, C) or (n, C, H, W) of a real dtype to (n, C, H, W) uint8. Raises DataError naming ``where``."""
    if array.ndim not in (3, 4):
        raise DataError(f"{where} has shape {array.shape}; images are (n, H, W), (n, H, W, C) or (n, C, H, W)")
    if not array.size:
        raise DataError(f"{where} is empty, shape {array.shape}; give it images or leave it out")
    pixels = as_bytes(array, where)
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    elif pixels.shape[1] == pixels.shape[3] or min(pixels.shape[1], pixels.shape[3]) > _MAX_CHANNELS:
        raise DataError(
            f"{where} has shape {array.shape}, and neither axis 1 nor axis 3 is plainly that of the channels (the shorter one, "
            f"at most {_MAX_CHANNELS}); give (n, H, W, C) or (n, C, H, W)"
        )
    elif pixels.shape[3] < pixels.shape[1]:
        pixels = pixels.transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(pixels))


def as_bytes(array: NDArray[np.generic], where: str) -> NDArray[np.uint8]:
    """Pixels of any shape: integers in 0..255, or floats in [0, 1] times 255 and rounded. Raises DataError naming ``where``."""
    if array.dtype == np.uint8:
        return array.astype(np.uint8, copy=False)
    if array.dtype.kind not in "iuf":
        raise DataError(f"{where} has dtype {array.dtype}; pixels must be numbers, integers 0..255 or floats in [0, 1]")
    values = array.astype(np.float64 if array.dtype.itemsize > 4 else array.dtype, copy=False)
    low, high = float(values.min()), float(values.max())  # NaN fails both comparisons below
    limit = 1 if array.dtype.kind == "f" else 255
    if not (low >= 0 and high <= limit):
        raise DataError(
            f"{where} has dtype {array.dtype} and values in {low:g}..{high:g}; integers must lie in 0..255 and floats in [0, 1] "
            f"(undo a normalisation: it is applied during training)"
        )
    return np.rint(values * 255).astype(np.uint8) if array.dtype.kind == "f" else values.astype(np.uint8)
