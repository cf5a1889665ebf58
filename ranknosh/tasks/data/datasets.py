"""Any torch dataset of inputs and targets, read once into memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeGuard

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.learning import DataConfig
from ranknosh.errors import FOREIGN, DataError, first_line
from ranknosh.tasks.data.base import Data, Split, assemble
from ranknosh.tasks.data.inputs import (
    InputKind,
    Remark,
    as_array,
    as_inputs,
    as_picture,
    is_picture,
    is_transparent,
    notes_of,
)
from ranknosh.tasks.data.lazy import LazySplit, fits
from ranknosh.tasks.data.source import build, resized
from ranknosh.tasks.data.targets import TargetKind, check_labels, read_targets


def from_datasets(
    train: Dataset[Any],
    validation: Dataset[Any] | None = None,
    test: Dataset[Any] | None = None,
    classes: Sequence[str] | None = None,
    name: str = "datasets",
    *,
    inputs: InputKind = "auto",
    targets: TargetKind = "auto",
    in_memory: bool | Literal["auto"] = "auto",
    workers: int = 0,
    section: DataConfig | None = None,
    seed: int = 0,
) -> Data:
    """The examples of map-style datasets (``len`` and ``[i]`` giving input and target) as one data set.

    A picture is a PIL image, or a tensor or an array (H, W), (C, H, W) or (H, W, C), where the layout is plain; uint8, or floats
    in [0, 1], which are multiplied by 255 and rounded. Give pictures before normalisation and random augmentation: every item
    is read once, and both are applied during training (``train.augment``). Other inputs are numbers of one shape, or tokens.

    Args:
        train: learned from; alone it is divided as a folder of pictures is.
        validation: ranks candidates; None cuts it off ``train``, and so the test part where that is None too.
        test: read once at the end; beside a validation set None stands for none, and no test result.
        classes: names; by default ``train.classes``, where that is a list of names, or the numbers.
        name: of the data set.
        inputs: what inputs are; ``auto`` tells pictures from rows of floats.
        targets: what targets are: integers 0..K-1 or names for classes, floats for numbers, rows of 0 and 1 for several labels.
        in_memory: False reads inputs again whenever a batch needs them, and keeps none; ``auto`` where they do not fit half of
            the free memory. Datasets have to give the same item every time.
        workers: processes that read ahead where inputs are not in memory.
        section: shares and limits of what is divided, and the side of its pictures; by default a fifth for validation and a
            fifth for the test.
        seed: of the division.

    Raises:
        DataError: naming part and index for an item that cannot be read or breaks this, and for differing shapes.
    """
    parted = {"train": train, "validation": validation, "test": test}
    given = {part: dataset for part, dataset in parted.items() if dataset is not None}
    keep = in_memory if isinstance(in_memory, bool) else _fit(given, inputs)
    read = {part: _read(dataset, part, inputs, keep) for part, dataset in given.items()}

    def where(part: str, index: int | None) -> str:
        return f"the labels of {part}" if index is None else f"the label of {part}[{index}]"

    wanted, names = read_targets(
        {part: found for part, (_, found, _) in read.items()},
        targets,
        where,
        classes if classes is not None else _names(train),
    )
    notes = notes_of([("transparent", place) for _, _, see_through in read.values() for place in see_through])
    if validation is None:
        known = (section or DataConfig(name=FROM_PYTHON)).model_copy(update={"in_memory": keep, "workers": workers})
        data = build(
            name,
            names,
            wanted,
            lambda part, kept: read[part][0][torch.from_numpy(kept)],
            known,
            seed,
            source=lambda part: Items(given[part], part, inputs, known.resize),
        )
        return replace(data, notes=notes)
    if names and wanted["train"].dtype == np.int64 and wanted["train"].ndim == 1:
        check_labels(name, wanted, names)  # type: ignore[arg-type]  # of this type, as was just asked
    parts: dict[str, Split] = {}
    for part, (found, _, _) in read.items():
        labels = torch.from_numpy(wanted[part])
        items = Items(given[part], part, inputs)
        places = torch.arange(len(labels))
        parts[part] = Split(found, labels) if keep else LazySplit.of(items, places, labels, workers, len(found[0]))
    parts.setdefault("test", parts["train"].first(0))
    return assemble(name, [parts["train"], parts["validation"], parts["test"]], names, notes)


def is_dataset(given: Any) -> TypeGuard[Dataset[Any]]:
    """Whether this is one dataset, and no array, collection or text."""
    if isinstance(given, Dataset):
        return True
    items = hasattr(given, "__getitem__") and hasattr(given, "__len__")
    return items and not (isinstance(given, (str, bytes, Sequence, Mapping)) or hasattr(given, "__array__"))


def _names(train: Dataset[Any]) -> Sequence[Any] | None:
    """The dataset's own names of classes, where it has such; what is called ``classes`` may be anything, such as a number."""
    try:
        own = getattr(train, "classes", None)
    except FOREIGN as error:  # a property may raise anything
        raise DataError(f"reading train.classes failed: {first_line(error, named=True)}; give classes=") from error
    return own if isinstance(own, (list, tuple)) and len(own) > 1 else None


@dataclass
class Items:
    """The inputs of a dataset, one by one; pictures at a ``side`` where one is given."""

    dataset: Dataset[Any]
    part: str
    kind: InputKind
    side: int | None = None

    def __getitem__(self, index: int) -> torch.Tensor:
        where = f"{self.part}[{index}]"
        try:
            item = self.dataset[index]
        except FOREIGN as error:  # foreign code: whatever it raises is about this item
            raise DataError(f"reading {where} failed: {type(error).__name__}: {error}") from error
        found = torch.from_numpy(np.array(_input(item[0], self.kind, f"the input of {where}")))
        return found if self.side is None else resized(found[None], self.side)[0]

    def noticed(self) -> list[Remark]:
        """Nothing: every item is judged when its target is read."""
        return []


def _fit(given: Mapping[str, Dataset[Any]], kind: InputKind) -> bool:
    """Whether all inputs fit the memory, by the first one; a dataset without length or items is refused later."""
    try:
        count = sum(_count(dataset, part) for part, dataset in given.items())
        return fits(count * Items(given["train"], "train", kind)[0].nbytes)
    except DataError:
        return True


def _count(dataset: Dataset[Any], part: str) -> int:
    try:
        return len(dataset)  # type: ignore[arg-type]
    except (TypeError, NotImplementedError) as error:
        raise DataError(
            f"the {part} dataset ({type(dataset).__name__}) has no length; give a map-style dataset, with len() and [index]"
        ) from error
    except FOREIGN as error:  # foreign code: whatever it raises is about this dataset
        raise DataError(f"the length of the {part} dataset cannot be read: {first_line(error, named=True)}") from error


def _read(
    dataset: Dataset[Any], part: str, kind: InputKind, keep: bool
) -> tuple[torch.Tensor, NDArray[Any], list[str]]:
    """The inputs (n, ...), or the first one alone where they are not kept, the targets (n, ...) of a part, and the places of
    pictures that are transparent; each item is judged where it is read."""
    count = _count(dataset, part)
    if not count:
        raise DataError(
            f"the {part} dataset is empty; give it examples" + (" or leave it out" if part == "test" else "")
        )
    inputs: NDArray[Any] = np.empty(0)
    targets: list[Any] = []
    see_through: list[str] = []
    for index in range(count):
        where = f"{part}[{index}]"
        try:
            item = dataset[index]
        except FOREIGN as error:  # foreign code: whatever it raises is about this item
            raise DataError(f"reading {where} failed: {type(error).__name__}: {error}") from error
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise DataError(f"{where} is a {type(item).__name__}; an item must be a pair (input, target)")
        found = _input(item[0], kind, f"the input of {where}")
        if is_picture(item[0]) and is_transparent(item[0]):
            see_through.append(where)
        if index == 0:
            inputs = np.empty((count if keep else 1, *found.shape), dtype=found.dtype)
        elif inputs.shape[1] == 1 and _is_grey_of(inputs.shape[1:], found.shape):
            inputs = np.repeat(inputs, found.shape[0], axis=1)  # grey until a picture in colour comes, as in a folder
        elif found.shape != inputs.shape[1:] and not _is_grey_of(found.shape, inputs.shape[1:]):
            raise DataError(
                f"{where} is {found.shape} and {part}[0] is {inputs.shape[1:]}; all inputs must have one shape, which pictures "
                "get by a resize in the dataset's transform"
            )
        inputs[index if keep else 0] = found
        targets.append(_target(item[1], f"the label of {where}"))
    return torch.from_numpy(inputs), _stacked(targets, part), see_through


def _is_grey_of(shape: tuple[int, ...], others: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[0] == 1 and shape[1:] == others[1:]  # a column of numbers has fewer sides


def _input(item: Any, kind: InputKind, where: str) -> NDArray[Any]:
    """(C, H, W) uint8, or (...) float32 or int64."""
    if is_picture(item) or kind == "pictures":
        return as_picture(item, where)
    array = as_array(item, where)
    if kind == "auto" and array.ndim != 1:
        return as_picture(array, where)
    return as_inputs(array[None], kind, where)[0].numpy()


def _target(target: Any, where: str) -> Any:
    """An int, a float, a text, or an array of more than one number."""
    if isinstance(target, (list, tuple)):
        target = np.asarray(target)
    if isinstance(target, (torch.Tensor, np.ndarray, np.generic)):
        if math.prod(target.shape) != 1:
            return as_array(target, where)
        target = target.item()
    known = isinstance(target, (int, float, str)) and not isinstance(target, bool)
    if not known or (isinstance(target, int) and not -(2**63) <= target < 2**63):
        raise DataError(
            f"{where} is {target!r}; give a class number, an integer 0..K-1, a name, a float, or several numbers"
        )
    return target


def _stacked(targets: list[Any], part: str) -> NDArray[Any]:
    """(n,) or (n, ...), of one type and shape."""
    first = targets[0]
    for index, target in enumerate(targets):
        kinds = tuple("array" if isinstance(one, np.ndarray) else type(one).__name__ for one in (first, target))
        if kinds[0] != kinds[1] or np.shape(first) != np.shape(target):
            raise DataError(
                f"the label of {part}[{index}] is a {kinds[1]} of shape {np.shape(target)} and that of {part}[0] a {kinds[0]} of "
                f"shape {np.shape(first)}; all must be of one type and shape"
            )
    return np.stack(targets) if isinstance(first, np.ndarray) else np.array(targets)
