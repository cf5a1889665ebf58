"""From the words of a config to a data set."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.sections import DataConfig
from ranknosh.data.base import ImageData, as_images
from ranknosh.data.digits import cluttered_digits, digits
from ranknosh.data.folder import load_folder
from ranknosh.data.npz import load_npz
from ranknosh.data.source import build
from ranknosh.errors import ConfigError, DataError, MissingDependency, first_line

EMBEDDED: dict[str, Callable[[DataConfig, int], ImageData]] = {"digits": digits, "cluttered_digits": cluttered_digits}
PUBLISHED = {
    "cifar10": ("CIFAR10", "cifar-10-batches-py/"),
    "cifar100": ("CIFAR100", "cifar-100-python/"),
    "fashion_mnist": ("FashionMNIST", "FashionMNIST/raw/"),
    "svhn": ("SVHN", "train_32x32.mat and test_32x32.mat"),
}
"""The class in torchvision of each set, and what it looks for below its root."""


def load_section(section: DataConfig, seed: int) -> ImageData:
    """The images of a ``data:`` section in memory, divided into train, validation and test.

    Args:
        section: says which, and how they are divided.
        seed: of every choice: it cuts sets that do not come cut.

    Raises:
        ConfigError: for options that belong elsewhere.
        DataError: where the images cannot be read, divided or learned from, or were given from Python.
    """
    options, name = section.options, section.name
    if name == FROM_PYTHON:
        raise DataError(
            "this run's images were given from Python, so the command line cannot load them; continue it from Python with "
            "Run.resume(data=...)"
        )
    twice = sorted(options.keys() & {*DataConfig.model_fields, "seed"})
    if twice:
        raise ConfigError(
            f"data.options holds {', '.join(twice)}, which belongs a level higher: write it as "
            f"{'the top-level seed' if twice[0] == 'seed' else f'data.{twice[0]}'}"
        )
    if options and name != "cluttered_digits":
        raise ConfigError(f"{name or 'a set of your own'} has no options; leave out data.options {', '.join(options)}")
    if section.folder is not None:
        return load_folder(section.folder, section, seed)
    if section.npz is not None:
        return load_npz(section.npz, section, seed)
    assert name is not None  # a section has one of the three
    return EMBEDDED[name](section, seed) if name in EMBEDDED else _published(name, section, seed)


def _published(name: str, section: DataConfig, seed: int) -> ImageData:
    """A set in the layout torchvision keeps it in. Its test part is the test part; validation is cut off train."""
    try:
        import torchvision.datasets
    except ImportError as error:
        raise MissingDependency("torchvision", f"the data set {name}") from error
    class_name, sought = PUBLISHED[name]
    folder = Path(section.root or "data").expanduser()
    make = getattr(torchvision.datasets, class_name)
    found: dict[str, Any] = {}
    try:
        for part in ("train", "test"):
            which = {"split": part} if name == "svhn" else {"train": part == "train"}
            found[part] = make(str(folder), download=section.download, **which)
    except (RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        at = folder.absolute()
        reason = first_line(error)
        if section.download:
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
    return build(name, tuple(map(str, classes)), labels, lambda part, kept: images[part][kept], section, seed)
