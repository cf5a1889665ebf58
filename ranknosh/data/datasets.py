"""Any torch dataset of images and labels, read once into memory."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from ranknosh.data.base import ImageData, Split, as_bytes, assemble, check_labels
from ranknosh.data.decode import pixels_of
from ranknosh.errors import DataError


def from_datasets(
    train: Dataset[Any],
    validation: Dataset[Any],
    test: Dataset[Any] | None = None,
    classes: Sequence[str] | None = None,
    name: str = "datasets",
) -> ImageData:
    """The images of map-style datasets (``len`` and ``[i]`` giving image and label) as one data set.

    An image is a PIL image, a tensor (C, H, W) or (H, W), or an array (H, W) or (H, W, C); uint8, or floats in [0, 1], which
    are multiplied by 255 and rounded. Give images before normalisation and random augmentation: every item is read once, and
    both are applied during training (``train.augment``). Labels are integers 0..K-1.

    Args:
        train: learned from.
        validation: ranks candidates.
        test: read once at the end; None for none, and no test accuracy.
        classes: names; by default ``train.classes`` or the numbers.
        name: of the data set.

    Raises:
        DataError: naming part and index for an item that cannot be read or breaks this, and for differing shapes.
    """
    given = {"train": train, "validation": validation} | ({} if test is None else {"test": test})
    splits = {part: _read(dataset, part) for part, dataset in given.items()}
    if test is None:
        splits["test"] = Split(splits["train"].images[:0], splits["train"].labels[:0])
    if classes is None:
        own = getattr(train, "classes", None)
        count = int(splits["train"].labels.max()) + 1
        classes = [str(label) for label in own] if own is not None else [str(label) for label in range(count)]
    check_labels(name, {part: splits[part].labels.numpy() for part in given}, classes)
    return assemble(name, [splits["train"], splits["validation"], splits["test"]], classes)


def _read(dataset: Dataset[Any], part: str) -> Split:
    try:
        count = len(dataset)  # type: ignore[arg-type]
    except (TypeError, NotImplementedError) as error:
        raise DataError(
            f"the {part} dataset ({type(dataset).__name__}) has no length; give a map-style dataset, with len() and [index]"
        ) from error
    if not count:
        raise DataError(f"the {part} dataset is empty; give it images" + (" or leave it out" if part == "test" else ""))
    images = torch.empty(0)
    labels = torch.empty(count, dtype=torch.int64)
    for index in range(count):
        where = f"{part}[{index}]"
        try:
            item = dataset[index]
        except Exception as error:  # foreign code: whatever it raises is about this item
            raise DataError(f"reading {where} failed: {type(error).__name__}: {error}") from error
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise DataError(f"{where} is a {type(item).__name__}; an item must be a pair (image, label)")
        image = _image(item[0], where)
        if index == 0:
            images = torch.empty(count, *image.shape, dtype=torch.uint8)
        elif image.shape != images.shape[1:]:
            raise DataError(
                f"{where} is {tuple(image.shape)} (C, H, W) and {part}[0] is {tuple(images.shape[1:])}; all images must have "
                f"one shape, resize them in the dataset's transform"
            )
        images[index] = image
        labels[index] = _label(item[1], where)
    return Split(images, labels)


def _image(image: Any, where: str) -> torch.Tensor:
    """(C, H, W) uint8."""
    name = f"the image of {where}"
    if isinstance(image, torch.Tensor):
        tensor = image.detach().cpu()
        array = (tensor.double() if tensor.is_floating_point() else tensor).numpy()
        array = array[None] if array.ndim == 2 else array
    else:
        if hasattr(image, "mode") and hasattr(image, "convert"):  # PIL, which need not be installed
            try:
                image = pixels_of(image)
            except ValueError as error:
                raise DataError(f"{name} cannot be used: {error}") from error
        if not isinstance(image, np.ndarray):
            raise DataError(f"{name} is a {type(image).__name__}; give a tensor, a numpy array or a PIL image")
        array = image[None] if image.ndim == 2 else image.transpose(2, 0, 1) if image.ndim == 3 else image
    if array.ndim != 3 or not array.size:
        raise DataError(
            f"{name} has shape {array.shape}; give (C, H, W) or (H, W) as a tensor, (H, W) or (H, W, C) as an array"
        )
    return torch.from_numpy(np.array(as_bytes(array, name)))


def _label(label: Any, where: str) -> int:
    if isinstance(label, (torch.Tensor, np.ndarray, np.generic)):
        if math.prod(label.shape) != 1:
            raise DataError(f"the label of {where} has shape {tuple(label.shape)}; give one integer")
        label = label.item()
    if isinstance(label, bool) or not isinstance(label, int) or label < 0:
        raise DataError(f"the label of {where} is {label!r}; give a class number, an integer 0..K-1")
    return label
