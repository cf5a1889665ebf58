"""Arrays in a numpy .npz file."""

import zipfile
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranknosh.config.learning import DataConfig
from ranknosh.errors import DataError, first_line
from ranknosh.tasks.data.base import Data
from ranknosh.tasks.data.inputs import InputKind, as_inputs
from ranknosh.tasks.data.lazy import fits
from ranknosh.tasks.data.reading import READ_ERRORS, reason, require_path
from ranknosh.tasks.data.source import build
from ranknosh.tasks.data.targets import TargetKind, read_targets

_KEYS = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels"), ("x", "y")),
    "validation": (("x_val", "y_val"), ("val_images", "val_labels")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
}


def load_npz(path: str, section: DataConfig, seed: int, inputs: InputKind, targets: TargetKind) -> Data:
    """The inputs and targets of an .npz file.

    Keys: ``x_train, y_train`` and, where there are, ``x_val, y_val`` and ``x_test, y_test``; or ``images, labels`` or ``x, y``
    for a set in one piece; or MedMNIST's ``train_images, train_labels, val_images ...``. Optional ``classes``: (K,) names.
    Pictures: (n, H, W), (n, H, W, C) or (n, C, H, W), where the layout is plain (C at most 16); integers 0..255, or floats in
    [0, 1] (times 255, rounded). Numbers: (n, ...) floats. Targets: (n,) or (n, 1) integers 0..K-1 or texts (sorted) are classes,
    floats are numbers, (n, k) of 0 and 1 several labels, (n, ...) of integers maps.

    Args:
        path: of the file.
        section: how it is divided, and the side that pictures are brought to.
        seed: of the division.
        inputs: what inputs are.
        targets: what targets are.

    Raises:
        DataError: for a missing, unreadable or pickled file, a missing key, and shapes, types or values that break this.
    """
    file = Path(path).expanduser()
    name, arrays = f"data.npz {file}", read_npz(file, "data.npz")
    chosen = _keys(arrays, name)
    parts = {part: (arrays[x], arrays[y]) for part, (x, y) in chosen.items()}
    names = _names(arrays.get("classes"), name)
    return from_arrays(name, parts, chosen, section, seed, inputs, targets, names=names, title=file.name)


def from_arrays(
    name: str,
    parts: Mapping[str, tuple[NDArray[Any], NDArray[Any]]],
    keys: Mapping[str, tuple[str, str]],
    section: DataConfig,
    seed: int,
    inputs: InputKind,
    targets: TargetKind,
    *,
    names: tuple[str, ...] | None = None,
    title: str = "",
) -> Data:
    """A data set of arrays, divided where it does not come divided.

    Args:
        name: begins messages.
        parts: inputs (n, ...) and targets (n, ...) of train and, where there are, validation and test.
        keys: what messages call these two, by part.
        section: how it is divided, and the side that pictures are brought to.
        seed: of the division.
        inputs: what inputs are.
        targets: what targets are.
        names: of the classes.
        title: what the set is called once it is loaded; by default its name.

    Raises:
        DataError: for shapes, types or values that break the rules of :mod:`~ranknosh.tasks.data.inputs` and
            :mod:`~ranknosh.tasks.data.targets`.
    """
    for part, (x, y) in parts.items():
        if not x.ndim or not y.ndim or len(x) != len(y):
            counts = [len(array) if array.ndim else 0 for array in (x, y)]
            raise DataError(
                f"{name}: {keys[part][0]} has {counts[0]} inputs and {keys[part][1]} has {counts[1]} targets; give one each"
            )
    found = {part: as_inputs(x, inputs, f"{name}: {keys[part][0]}") for part, (x, _) in parts.items()}

    def where(part: str, index: int | None) -> str:
        key = keys[part][1]
        return f"{name}: the labels in {key}" if index is None else f"{name}: {key}[{index}]"

    wanted, classes = read_targets({part: y for part, (_, y) in parts.items()}, targets, where, names)
    return build(name, classes, wanted, lambda part, kept: found[part][kept], section, seed, title=title)


def _names(given: NDArray[np.generic] | None, name: str) -> tuple[str, ...] | None:
    if given is not None and (given.ndim != 1 or given.dtype.kind != "U"):
        raise DataError(f"{name}: classes has shape {given.shape} and dtype {given.dtype}; it must be (K,) strings")
    return None if given is None else tuple(str(label) for label in given)


def read_npz(file: Path, key: str, wanted: Container[str] | None = None) -> dict[str, NDArray[np.generic]]:
    """The arrays of an .npz file by their names.

    Args:
        file: where it is.
        key: what it is given as; begins messages, before its path.
        wanted: only these are read; None for all.

    Raises:
        DataError: where it is missing, unreadable, a single array, too large for the memory that is free, or one of the arrays
            holds pickled objects.
    """
    require_path(file, key)
    name = f"{key} {file}"
    try:
        _require_archive(file, name)
        # Opened here, because numpy leaves a file open whose archive it cannot read.
        with file.open("rb") as raw, np.load(raw, allow_pickle=False) as opened:
            chosen = [array for array in opened.files if wanted is None or array in wanted]
            size = sum(
                entry.file_size for entry in opened.zip.infolist() if entry.filename.removesuffix(".npy") in chosen
            )
            if not fits(size):
                raise DataError(
                    f"{name} has {size:,} bytes unpacked, more than half of the free memory; keep the examples as files in "
                    "class folders (data.folder), which are read when a batch needs them"
                )
            found = {array: _array(opened, array, name) for array in chosen}
    except READ_ERRORS as error:
        raise DataError(
            f"{name} cannot be read as a numpy .npz archive: {reason(error)}; write it with numpy.savez"
        ) from error
    return {array: values for array, values in found.items() if isinstance(values, np.ndarray)}


def _require_archive(file: Path, name: str) -> None:
    if file.is_dir():
        return
    with file.open("rb") as opened:
        head = opened.read(len(np.lib.format.MAGIC_PREFIX))
    if head[:4] in (b"PK\3\4", b"PK\5\6") and zipfile.is_zipfile(file):  # else numpy advises to load a pickle
        return
    single = head == np.lib.format.MAGIC_PREFIX
    came = "holds a single array" if single else "is no .npz archive, or its beginning or its end is missing"
    raise DataError(f"{name} {came}; an .npz file of several arrays is needed, as numpy.savez writes it")


def _array(opened: np.lib.npyio.NpzFile, array: str, name: str) -> Any:
    """An array of an archive; bytes where the entry is none."""
    try:
        return opened[array]
    except MemoryError:
        raise DataError(
            f"{name}: {array} says that it is larger than the memory; it is damaged, write it again"
        ) from None
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise DataError(f"{name}: {array} is damaged: {first_line(error)}; write it again") from error
        raise DataError(
            f"{name}: {array} holds Python objects, which are not loaded because a pickle can run code; save plain arrays of one "
            "shape and a number type"
        ) from error


def _keys(arrays: dict[str, NDArray[np.generic]], name: str) -> dict[str, tuple[str, str]]:
    """Part to the keys of its inputs and targets."""
    chosen = {
        part: pair
        for part, pairs in _KEYS.items()
        for pair in reversed(pairs)
        if pair[0] in arrays or pair[1] in arrays
    }
    if "train" not in chosen:
        raise DataError(
            f"{name} has the keys {', '.join(sorted(arrays)) or '(none)'}; expected x_train and y_train (with x_val, y_val, "
            f"x_test, y_test where there are), or images and labels, or x and y"
        )
    for x, y in chosen.values():
        for key, other in ((x, y), (y, x)):
            if key not in arrays:
                raise DataError(f"{name} has {other} but not {key}; inputs and targets go together")
    return chosen
