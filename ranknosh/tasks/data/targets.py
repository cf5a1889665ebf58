"""What a target means, the same through every door: classes, numbers, several labels, or maps.

Every label is judged by type and range where it is read, and nothing is sized by a value that has not been judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ranknosh.errors import DataError
from ranknosh.tasks.data.inputs import as_float32
from ranknosh.tasks.data.preparation import IGNORED

TargetKind = Literal["auto", "classes", "numbers", "labels", "maps"]
Array = NDArray[Any]
Indices = NDArray[np.int64]
Where = Callable[[str, int | None], str]
"""From a part and an index in it (None: all of it) to how messages name that target."""
RULE = "labels are class numbers 0..K-1 without gaps, or names"


def read_targets(
    found: Mapping[str, Array], kind: TargetKind, where: Where, names: Sequence[Any] | None = None
) -> tuple[dict[str, Array], tuple[str, ...]]:
    """The targets of every part, and the names of the classes.

    Args:
        found: (n, ...) of each part a set came with; train is always there.
        kind: ``classes``: (n,) or (n, 1) of class numbers or names, to (n,) int64; ``numbers``: of any shape, to float32;
            ``labels``: (n, k) of 0 and 1, to float32; ``maps``: (n, ...) of integers to int64, of floats to float32.
            ``auto`` tells them apart by type and shape.
        where: names a target.
        names: of the classes, where the set has them.

    Raises:
        DataError: for targets that are not of the kind, or could be of two.
    """
    if not found["train"].size:
        raise DataError(
            f"{where('train', None)} have shape {found['train'].shape}, without a value; give each input a target"
        )
    kind = _told(found["train"], where) if kind == "auto" else kind
    given = None if names is None else tuple(str(name) for name in names)
    if given and len(set(given)) < len(given):
        twice = max(given, key=given.count)
        raise DataError(
            f"{where('train', None)} have the class {twice!r} twice among their names; give every class its own"
        )
    if kind == "classes":
        classes = given or _classes(found["train"], where)
        return {part: _class_numbers(array, classes, part, where) for part, array in found.items()}, classes
    read = {"numbers": _numbers, "labels": _labels, "maps": _maps}[kind]
    return {part: read(array, part, where) for part, array in found.items()}, given or ()


def _told(train: Array, where: Where) -> TargetKind:
    flat = train[:, 0] if train.ndim == 2 and train.shape[1] == 1 else train
    if flat.ndim == 1:
        if flat.dtype.kind != "f":
            return "classes"
        if len(flat) and bool(np.all(flat == np.rint(flat))):
            raise DataError(
                f"{where('train', None)} are whole numbers of dtype {flat.dtype}, which may be classes or amounts; give "
                "integers for classes, or write task: {name: regression}"
            )
        return "numbers"
    if flat.ndim == 2 and flat.dtype.kind in "iufb" and bool(np.isin(flat, (0, 1)).all()):
        if bool((flat.sum(axis=1) == 1).all()):
            raise DataError(
                f"{where('train', None)} have shape {flat.shape} and one 1 in every row; give class numbers (take argmax), or "
                "write task: {name: multilabel} where several labels may hold"
            )
        return "labels"
    return "numbers" if flat.dtype.kind == "f" and flat.ndim == 2 else "maps"


def _refuse(bad: NDArray[np.bool_], part: str, where: Where, values: Array, rule: str) -> None:
    """Raise DataError for the first example of a part that has a bad value."""
    if bad.any():
        index = int(bad.reshape(len(bad), -1).any(axis=1).argmax())
        value = values[index][bad[index]].flat[0] if values.ndim > 1 else values[index]
        raise DataError(f"{where(part, index)} is {value}; {rule}")


def _classes(train: Array, where: Where) -> tuple[str, ...]:
    """Names found among the training labels, else 0..K-1."""
    if train.dtype.kind == "U":
        return tuple(str(label) for label in np.unique(train))
    if train.dtype.kind not in "iu" or not train.size:
        return ()
    found = np.unique(train)
    if found[0] < 0 or found[-1] != len(found) - 1:
        raise DataError(
            f"{where('train', None)} are {len(found)} different values in {found[0]}..{found[-1]}; they must be 0..K-1 without "
            "gaps, or names, or come with the names of all classes"
        )
    return tuple(str(label) for label in range(len(found)))


def _class_numbers(array: Array, classes: tuple[str, ...], part: str, where: Where) -> Indices:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(
            f"{where(part, None)} have shape {array.shape}; {RULE}, one each (for one-hot rows take argmax)"
        )
    if array.dtype.kind == "U":
        number = {name: index for index, name in enumerate(classes)}
        unknown = sorted({str(name) for name in np.unique(array)} - number.keys())
        if unknown:
            raise DataError(
                f"{where(part, None)} hold classes that are not among the training labels or the names of classes: "
                f"{', '.join(unknown[:5])}"
            )
        return np.array([number[str(name)] for name in array], dtype=np.int64)
    if array.dtype.kind not in "iu":
        first = f"{where(part, 0)} is {array[0]}, " if len(array) else f"{where(part, None)} are "
        raise DataError(f"{first}of dtype {array.dtype}; {RULE}, of an integer type")
    rule = f"with {len(classes)} classes labels lie in 0..{len(classes) - 1}"
    if len(classes) > 1:
        _refuse((array < 0) | (array >= len(classes)), part, where, array, rule)
    return array.astype(np.int64)


def _numbers(array: Array, part: str, where: Where) -> NDArray[np.float32]:
    if array.dtype.kind not in "iufb":
        raise DataError(f"{where(part, None)} have dtype {array.dtype}; targets of a regression are numbers")
    numbers = as_float32(array)
    _refuse(~np.isfinite(numbers), part, where, array, "targets must be finite in float32; replace or remove it")
    return numbers


def _labels(array: Array, part: str, where: Where) -> NDArray[np.float32]:
    if array.ndim != 2 or array.dtype.kind not in "iufb":
        raise DataError(
            f"{where(part, None)} have shape {array.shape} and dtype {array.dtype}; several labels are (n, k), 1 where a label "
            "holds and 0 where not"
        )
    _refuse(~np.isin(array, (0, 1)), part, where, array, "several labels are 1 where a label holds and 0 where not")
    return np.ascontiguousarray(array, dtype=np.float32)


def _maps(array: Array, part: str, where: Where) -> Array:
    if array.dtype.kind == "f":
        return _numbers(array, part, where)
    if array.dtype.kind not in "iu" or array.ndim < 2:
        raise DataError(
            f"{where(part, None)} have shape {array.shape} and dtype {array.dtype}; maps are (n, ...) of class numbers or floats"
        )
    bad = ((array < 0) & (array != IGNORED)) | (array > 65535)
    _refuse(bad, part, where, array, f"class numbers of a map lie in 0..65535, and {IGNORED} is not learned")
    return array.astype(np.int64)


def check_labels(name: str, labels: Mapping[str, Indices], classes: Sequence[str]) -> None:
    """Check the class numbers of every part that a set came with.

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
            raise DataError(f"{name}: the {part} part is empty; give it examples or leave it out")
        if found.min() < 0 or found.max() >= len(classes):
            raise DataError(
                f"{name}: {part} labels lie in {found.min()}..{found.max()}, but with {len(classes)} classes they must lie in "
                f"0..{len(classes) - 1}"
            )
