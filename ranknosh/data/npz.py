"""Arrays in a numpy .npz file."""

import zipfile
import zlib
from collections.abc import Container
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ranknosh.config.sections import DataConfig
from ranknosh.data.base import ImageData, as_images
from ranknosh.data.folder import require_path
from ranknosh.data.source import Indices, build
from ranknosh.errors import DataError, first_line

_KEYS = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels")),
    "validation": (("x_val", "y_val"), ("val_images", "val_labels")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
}
_READ_ERRORS = (OSError, ValueError, EOFError, KeyError, zlib.error, zipfile.BadZipFile)


def load_npz(path: str, section: DataConfig, seed: int) -> ImageData:
    """The images and labels of an .npz file.

    Keys: ``x_train, y_train`` and, where there are, ``x_val, y_val`` and ``x_test, y_test``; or ``images, labels`` for a set
    in one piece; or MedMNIST's ``train_images, train_labels, val_images ...``. Optional ``classes``: (K,) names.
    Images: (n, H, W), (n, H, W, C) or (n, C, H, W), the shorter of the two candidate axes being C (at most 16); integers
    0..255, or floats in [0, 1] (times 255, rounded). Labels: (n,) or (n, 1), integers 0..K-1 or strings (sorted).

    Args:
        path: of the file.
        section: how it is divided, and the side that images are brought to.
        seed: of the division.

    Raises:
        DataError: for a missing, unreadable or pickled file, a missing key, and shapes, types or values that break this.
    """
    file = Path(path).expanduser()
    name, arrays = f"data.npz {file}", read_npz(file, "data.npz")
    chosen = _keys(arrays, name)
    classes = _classes(arrays.get("classes"), arrays[chosen["train"][1]], name)
    images, labels = {}, {}
    for part, (x, y) in chosen.items():
        images[part] = as_images(arrays[x], f"{name}: {x}")
        labels[part] = _labels(arrays[y], classes, f"{name}: {y}")
        if len(images[part]) != len(labels[part]):
            raise DataError(
                f"{name}: {x} has {len(images[part])} images and {y} has {len(labels[part])} labels; give one label each"
            )
    return build(name, classes, labels, lambda part, kept: images[part][kept], section, seed, title=file.name)


def read_npz(file: Path, key: str, wanted: Container[str] | None = None) -> dict[str, NDArray[np.generic]]:
    """The arrays of an .npz file by their names.

    Args:
        file: where it is.
        key: what it is given as; begins messages, before its path.
        wanted: only these are read; None for all.

    Raises:
        DataError: where it is missing, unreadable, a single array, or one of the arrays holds pickled objects.
    """
    require_path(file, key)
    name, arrays = f"{key} {file}", {}
    try:
        opened = np.load(file, allow_pickle=False)
        if not isinstance(opened, np.lib.npyio.NpzFile):
            raise DataError(f"{name} holds a single array; an .npz file of several is needed, as numpy.savez writes it")
        with opened:
            for array in opened.files:
                if wanted is not None and array not in wanted:
                    continue
                try:
                    arrays[array] = opened[array]
                except ValueError as error:
                    raise DataError(
                        f"{name}: {array} holds Python objects, which are not loaded because a pickle can run code; "
                        f"save plain arrays of one shape and a number type"
                    ) from error
    except _READ_ERRORS as error:
        raise DataError(
            f"{name} cannot be read as a numpy .npz archive: {first_line(error)}; write it with numpy.savez"
        ) from error
    return arrays


def _keys(arrays: dict[str, NDArray[np.generic]], name: str) -> dict[str, tuple[str, str]]:
    """Part to its image key and label key."""
    chosen = {
        part: pair
        for part, pairs in _KEYS.items()
        for pair in reversed(pairs)
        if pair[0] in arrays or pair[1] in arrays
    }
    if "train" not in chosen:
        raise DataError(
            f"{name} has the keys {', '.join(sorted(arrays)) or '(none)'}; expected x_train and y_train (with x_val, y_val, "
            f"x_test, y_test where there are), or images and labels"
        )
    for x, y in chosen.values():
        for key, other in ((x, y), (y, x)):
            if key not in arrays:
                raise DataError(f"{name} has {other} but not {key}; images and labels go together")
    return chosen


def _classes(given: NDArray[np.generic] | None, labels: NDArray[np.generic], name: str) -> tuple[str, ...]:
    """Class names: the file's own, or those found in string labels, or 0..K-1 up to the largest training label."""
    if given is not None:
        if given.ndim != 1 or given.dtype.kind != "U":
            raise DataError(f"{name}: classes has shape {given.shape} and dtype {given.dtype}; it must be (K,) strings")
        return tuple(str(label) for label in given)
    if labels.dtype.kind == "U":
        return tuple(str(label) for label in np.unique(labels))
    if labels.dtype.kind not in "iu" or not labels.size:
        return ()
    found = np.unique(labels)
    if found[0] < 0 or found[-1] != len(found) - 1:
        raise DataError(
            f"{name}: training labels are {len(found)} different values in {found[0]}..{found[-1]}; they must be 0..K-1 without "
            f"gaps, or strings, or come with an array of names called classes"
        )
    return tuple(str(label) for label in range(len(found)))


def _labels(array: NDArray[np.generic], classes: tuple[str, ...], where: str) -> Indices:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(
            f"{where} has shape {array.shape}; labels are (n,) or (n, 1) class numbers (for one-hot rows take argmax)"
        )
    if array.dtype.kind == "U":
        number = {name: index for index, name in enumerate(classes)}
        unknown = sorted({str(name) for name in np.unique(array)} - number.keys())
        if unknown:
            raise DataError(
                f"{where} holds classes that are not in the training part or in classes: {', '.join(unknown[:5])}"
            )
        return np.array([number[str(name)] for name in array], dtype=np.int64)
    if array.dtype.kind not in "iu":
        raise DataError(f"{where} has dtype {array.dtype}; labels are integers 0..K-1 or strings")
    return array.astype(np.int64)
