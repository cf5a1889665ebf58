"""Published sets through torchvision, from a local folder; fetched only where that was asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ranknosh.data.arrays import as_images
from ranknosh.data.base import ImageData
from ranknosh.data.partition import Division
from ranknosh.data.source import ImageSource, build
from ranknosh.errors import DataError, MissingDependency

DEFAULT_ROOT = "data"


@dataclass(frozen=True)
class Published:
    """A torchvision data set class, what it looks for below its root, and how its two parts are named."""

    class_name: str
    looks_for: str
    parts: Callable[[bool], dict[str, Any]]


SETS = {
    "cifar10": Published("CIFAR10", "cifar-10-batches-py/", lambda train: {"train": train}),
    "cifar100": Published("CIFAR100", "cifar-100-python/", lambda train: {"train": train}),
    "fashion_mnist": Published("FashionMNIST", "FashionMNIST/raw/", lambda train: {"train": train}),
    "svhn": Published(
        "SVHN", "train_32x32.mat and test_32x32.mat", lambda train: {"split": "train" if train else "test"}
    ),
}


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
    entry = SETS[name]
    folder = Path(DEFAULT_ROOT if root is None else root).expanduser()
    make = getattr(torchvision.datasets, entry.class_name)
    try:
        found = {
            part: make(str(folder), download=download, **entry.parts(part == "train")) for part in ("train", "test")
        }
    except (RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        raise DataError(_message(name, entry, folder, download, error)) from error
    parts = {}
    for part, dataset in found.items():
        labels = dataset.targets if hasattr(dataset, "targets") else dataset.labels
        images = as_images(np.asarray(dataset.data), f"{name}: {part}")
        parts[part] = (images, torch.from_numpy(np.asarray(labels).astype(np.int64)))
    classes = tuple(str(label) for label in getattr(found["train"], "classes", range(int(parts["train"][1].max()) + 1)))
    return build(ImageSource.of_tensors(name, classes, parts, resize), division)


def _message(name: str, entry: Published, folder: Path, download: bool, error: Exception) -> str:
    at = folder.absolute()
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    if download:
        return (
            f"{name} could not be fetched into {at}: {reason}; put {entry.looks_for} (torchvision's layout) there by hand or "
            f"set data.root to a folder that holds it"
        )
    state = "which does not exist" if not folder.exists() else f"and not found there, or damaged ({reason})"
    return (
        f"{name} was looked for as {entry.looks_for} in {at}, {state}; set data.root to the folder that holds it, or "
        f"data.download: true to fetch it"
    )
