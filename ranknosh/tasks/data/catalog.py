"""From the words of a config to a data set."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ranknosh.config.fields import FROM_PYTHON, OWN
from ranknosh.config.learning import DataConfig
from ranknosh.errors import ConfigError, DataError, MissingDependency, first_line
from ranknosh.tasks.data.base import Data
from ranknosh.tasks.data.digits import cluttered_digits, digit_masks, digits
from ranknosh.tasks.data.folder import load_folder
from ranknosh.tasks.data.inputs import InputKind, as_pictures
from ranknosh.tasks.data.npz import load_npz
from ranknosh.tasks.data.own import load_own
from ranknosh.tasks.data.rows import breast_cancer, diabetes, wine
from ranknosh.tasks.data.source import build
from ranknosh.tasks.data.targets import TargetKind
from ranknosh.tasks.data.text import holds_text, load_text

EMBEDDED: dict[str, Callable[[DataConfig, int], Data]] = {
    "digits": digits,
    "cluttered_digits": cluttered_digits,
    "digit_masks": digit_masks,
    "breast_cancer": breast_cancer,
    "wine": wine,
    "diabetes": diabetes,
}
PUBLISHED = {
    "cifar10": ("CIFAR10", "cifar-10-batches-py/"),
    "cifar100": ("CIFAR100", "cifar-100-python/"),
    "fashion_mnist": ("FashionMNIST", "FashionMNIST/raw/"),
    "svhn": ("SVHN", "train_32x32.mat and test_32x32.mat"),
}
"""The class in torchvision of each set, and what it looks for below its root."""


def load_section(section: DataConfig, seed: int, inputs: InputKind = "auto", targets: TargetKind = "auto") -> Data:
    """The examples of a ``data:`` section in memory, divided into train, validation and test.

    Args:
        section: says which, and how they are divided.
        seed: of every choice: it cuts sets that do not come cut.
        inputs: what inputs are, where the set may hold several kinds and the section says auto.
        targets: what the targets are, where the set may hold several kinds.

    Raises:
        ConfigError: for options that belong elsewhere.
        DataError: where they cannot be read, divided or learned from, or were given from Python.
    """
    return replace(_loaded(section, seed, inputs, targets), resize=section.resize)


def _loaded(section: DataConfig, seed: int, inputs: InputKind, targets: TargetKind) -> Data:
    options, name = section.options, section.name
    if name == FROM_PYTHON:
        raise DataError(
            "this run's data were given from Python, so the command line cannot load them; continue it from Python with "
            "Run.resume(data=...)"
        )
    twice = sorted(options.keys() & {*DataConfig.model_fields, "seed"})
    if twice:
        raise ConfigError(
            f"data.options holds {', '.join(twice)}, which belongs a level higher: write it as "
            f"{'the top-level seed' if twice[0] == 'seed' else f'data.{twice[0]}'}"
        )
    ours = name is None or name in EMBEDDED or name in PUBLISHED
    text = section.folder is not None and holds_text(section.folder)
    if (
        options
        and ours
        and name not in ("cluttered_digits", "digit_masks")
        and not (text and options.keys() == {"length"})
    ):
        raise ConfigError(f"{name or 'a set of your own'} has no options; leave out data.options {', '.join(options)}")
    inputs = inputs if section.inputs == "auto" else section.inputs
    if section.folder is not None and text:
        return load_text(section.folder, section, seed)
    if section.folder is not None:
        return load_folder(section.folder, section, seed)
    if section.npz is not None:
        return load_npz(section.npz, section, seed, inputs, targets)
    if name == OWN:
        raise ConfigError(
            "the candidates are trained by a training of your own, which reads its data by itself; what needs data and networks "
            "of ours (retrain, score, compare) cannot be done with them"
        )
    assert name is not None  # a section has one of the three
    if name in EMBEDDED:
        return EMBEDDED[name](section, seed)
    return _published(name, section, seed) if name in PUBLISHED else load_own(name, section, seed, inputs, targets)


def _published(name: str, section: DataConfig, seed: int) -> Data:
    """A set in the layout torchvision keeps it in. Its test part is the test part; validation is cut off train."""
    try:
        import torchvision.datasets
    except ImportError as error:
        raise MissingDependency("torchvision", f"the data set {name}") from error
    class_name, sought = PUBLISHED[name]
    assert section.root is not None  # a section of a published set has one
    folder = Path(section.root).expanduser()
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
        images[part] = as_pictures(np.asarray(dataset.data), f"{name}: {part}")
        targets = dataset.targets if hasattr(dataset, "targets") else dataset.labels
        labels[part] = np.asarray(targets).astype(np.int64)
    classes = getattr(found["train"], "classes", range(int(labels["train"].max()) + 1))
    return build(name, tuple(map(str, classes)), labels, lambda part, kept: images[part][kept], section, seed)
