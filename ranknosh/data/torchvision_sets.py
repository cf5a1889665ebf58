"""Published sets through torchvision, from a local folder; fetched only where that was asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ranknosh.data.base import ImageData, as_images
from ranknosh.data.source import Division, build
from ranknosh.errors import DataError, MissingDependency, first_line

SETS = {
    "cifar10": ("CIFAR10", "cifar-10-batches-py/"),
    "cifar100": ("CIFAR100", "cifar-100-python/"),
    "fashion_mnist": ("FashionMNIST", "FashionMNIST/raw/"),
    "svhn": ("SVHN", "train_32x32.mat and test_32x32.mat"),
}
"""The class in torchvision of each set, and what it looks for below its root."""


def published(
    name: str,
    division: Division,
    *,
    root: str | os.PathLike[str] | None = None,
    download: bool = False,
    resize: int | None = None,
) -> ImageData:
    """A published set, in the layout torchvision keeps it in. Its test part is the test part; validation is cut off train.

    Args:
        name: ``cifar10``, ``cifar100``, ``fashion_mnist`` or ``svhn``.
        division: into parts.
        root: where the files are; ``data`` in the working folder by default.
        download: whether they may be fetched.
        resize: side of the square that images are brought to; None leaves them as they are.

    Raises:
        DataError: where the files are not there (and must not be fetched), are damaged, or cannot be fetched.
    """
    try:
        import torchvision.datasets
    except ImportError as error:
        raise MissingDependency("torchvision", f"the data set {name}") from error
    class_name, sought = SETS[name]
    folder = Path("data" if root is None else root).expanduser()
    make = getattr(torchvision.datasets, class_name)
    found: dict[str, Any] = {}
    try:
        for part in ("train", "test"):
            which = {"split": part} if name == "svhn" else {"train": part == "train"}
            found[part] = make(str(folder), download=download, **which)
    except (RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        at = folder.absolute()
        reason = first_line(error)
        if download:
            raise DataError(
                f"{name} could not be fetched into {at}: {reason}; put {sought} (torchvision's layout) there by hand or set "
                "data.root to a folder that holds it"
            ) from error
        state = "which does not exist" if not folder.exists() else f"and not found there, or damaged ({reason})"
        raise DataError(
            f"{name} was looked for as {sought} in {at}, {state}; set data.root to the folder that holds it, or "
            f"data.download: true to fetch it"
        ) from error
    images, labels = {}, {}
    for part, dataset in found.items():
        images[part] = as_images(np.asarray(dataset.data), f"{name}: {part}")
        targets = dataset.targets if hasattr(dataset, "targets") else dataset.labels
        labels[part] = np.asarray(targets).astype(np.int64)
    classes = getattr(found["train"], "classes", range(int(labels["train"].max()) + 1))
    return build(name, tuple(map(str, classes)), labels, lambda part, kept: images[part][kept], division, resize=resize)
