"""From the words of a config to a data set, and from a data set as it was given to the words of a config."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.sections import SOURCES, DataConfig
from ranknosh.data.base import ImageData, as_images, check_whole
from ranknosh.data.digits import cluttered_digits, digits
from ranknosh.data.folder import load_folder
from ranknosh.data.npz import load_npz
from ranknosh.data.source import Division, build
from ranknosh.errors import ConfigError, DataError, MissingDependency, did_you_mean, first_line

_DEFAULT = "cluttered_digits"
_EMBEDDED: dict[str, Callable[..., ImageData]] = {"digits": digits, "cluttered_digits": cluttered_digits}
_PUBLISHED = {
    "cifar10": ("CIFAR10", "cifar-10-batches-py/"),
    "cifar100": ("CIFAR100", "cifar-100-python/"),
    "fashion_mnist": ("FashionMNIST", "FashionMNIST/raw/"),
    "svhn": ("SVHN", "train_32x32.mat and test_32x32.mat"),
}
"""The class in torchvision of each set, and what it looks for below its root."""
NAMES = (*_EMBEDDED, *_PUBLISHED)


def load(
    name: str | None = _DEFAULT,
    *,
    folder: str | None = None,
    npz: str | None = None,
    root: str | None = None,
    download: bool = False,
    resize: int | None = None,
    validation: float = 0.2,
    test: float = 0.2,
    train_limit: int | None = None,
    validation_limit: int | None = None,
    test_limit: int | None = None,
    seed: int = 0,
    **options: Any,
) -> ImageData:
    """A data set in memory, divided into train, validation and test.

    Args:
        name: one of :data:`NAMES`.
        folder: class folders, or an archive of them; instead of a name.
        npz: arrays; instead of a name.
        root: where torchvision's sets are; ``data`` in the working folder by default.
        download: whether they may be fetched; nothing is unless asked for.
        resize: side of the square that images are brought to.
        validation: share cut off where the set has no such part of its own.
        test: the same.
        train_limit: most images of the part, classes kept in proportion.
        validation_limit: the same.
        test_limit: the same.
        seed: fixes every choice.
        options: what only one set knows (see :func:`ranknosh.data.digits.cluttered_digits`).

    Raises:
        DataError: for anything that cannot be read, divided or learned from.
    """
    division = Division(validation, test, (train_limit, validation_limit, test_limit), seed)
    if resize is not None:
        check_whole("data.resize", resize, " of pixels")
    named = {"name": None if name == _DEFAULT else name, "folder": folder, "npz": npz}
    given = [key for key, value in named.items() if value is not None]
    if len(given) > 1:
        raise DataError(f"data has {' and '.join(given)}; give one of them")
    if folder is not None:
        _refuse(options, "an image folder", ())
        return load_folder(folder, division, resize)
    if npz is not None:
        _refuse(options, "an npz file", ())
        return load_npz(npz, division, resize)
    if name is None:
        raise DataError(f"data names no set; give data.name ({', '.join(NAMES)}), data.folder or data.npz")
    if name in _PUBLISHED:
        _refuse(options, name, ())
        return _published(name, division, root, download, resize)
    if name not in _EMBEDDED:
        raise DataError(_unknown("data.name", name, NAMES) + " (images of your own: data.folder or data.npz)")
    make = _EMBEDDED[name]
    known = [key for key in inspect.signature(make).parameters if key not in ("division", "resize")]
    _refuse(options, name, tuple(known))
    return make(division, resize=resize, **options)


def _published(name: str, division: Division, root: str | None, download: bool, resize: int | None) -> ImageData:
    """A set in the layout torchvision keeps it in. Its test part is the test part; validation is cut off train."""
    try:
        import torchvision.datasets
    except ImportError as error:
        raise MissingDependency("torchvision", f"the data set {name}") from error
    class_name, sought = _PUBLISHED[name]
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


def _refuse(options: dict[str, Any], what: str, known: tuple[str, ...]) -> None:
    for key in options:
        if key not in known:
            raise DataError(
                _unknown(f"an option of {what}", key, known) if known else f"{what} has no option {key!r}; leave it out"
            )


def _unknown(key: str, value: str, known: tuple[str, ...]) -> str:
    return f"{key} is {value!r}, which is not known; known are {', '.join(known)}{did_you_mean(value, known)}"


def load_section(section: DataConfig, seed: int) -> ImageData:
    """The images of a ``data:`` section; ``seed`` cuts sets that do not come cut.

    Raises:
        ConfigError: for options that belong elsewhere.
        DataError: where the images cannot be read, or were given from Python.
    """
    settings: dict[str, Any] = section.model_dump()
    options, name = settings.pop("options"), settings.pop("name")
    twice = sorted(options.keys() & {*settings, "seed"})
    if twice:
        raise ConfigError(
            f"data.options holds {', '.join(twice)}, which belongs a level higher: write it as "
            f"{'the top-level seed' if twice[0] == 'seed' else f'data.{twice[0]}'}"
        )
    if name == FROM_PYTHON:
        raise DataError(
            "this run's images were given from Python, so the command line cannot load them; continue it from Python with "
            "Run.resume(data=...)"
        )
    return load(name, **settings, **options, seed=seed)


def source_section(data: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """The ``data:`` section of a set's name, of a path (image folder, archive or .npz), or of a mapping like it.

    ``name=digits``, ``folder=PATH`` and ``npz=PATH`` say which it is.
    """
    if isinstance(data, Mapping):
        return dict(data)
    kind, _, rest = str(data).partition("=")
    if rest and kind in SOURCES:
        return {kind: rest}
    path = Path(data).expanduser()
    if path.suffix == ".npz":
        return {"npz": str(path)}
    named = isinstance(data, str) and path.name == data and not path.exists()
    return {"name": data} if named else {"folder": str(path)}
