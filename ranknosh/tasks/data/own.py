"""Data of a user's own by name: a function that returns them, in any of the forms they come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from ranknosh.config.fields import DATA
from ranknosh.config.learning import DataConfig
from ranknosh.errors import FOREIGN, DataError, first_line
from ranknosh.registry import check_arguments
from ranknosh.tasks.data.base import PARTS, Data
from ranknosh.tasks.data.datasets import from_datasets, is_dataset
from ranknosh.tasks.data.inputs import InputKind, as_array
from ranknosh.tasks.data.npz import from_arrays
from ranknosh.tasks.data.targets import TargetKind

_FORMS = (
    "a function gives (inputs, targets) as arrays or tensors, {train: (inputs, targets), validation: ..., test: ...}, one to "
    "three torch datasets, or a ranknosh.tasks.Data"
)


def load_own(name: str, section: DataConfig, seed: int, inputs: InputKind, targets: TargetKind) -> Data:
    """What a function ``module:name``, or one of an installed package, gives; ``data.options`` are its arguments.

    Args:
        name: of the function.
        section: how the set is divided where it does not come divided.
        seed: of the division.
        inputs: what inputs are.
        targets: what targets are.

    Raises:
        ConfigError: it cannot be loaded, or does not take the options.
        DataError: it raised, or gave something else than data.
    """
    found = DATA.load(name)
    if callable(found):
        check_arguments(found, name, "data", section.options)
    try:
        given = found(**section.options) if callable(found) else found
    except FOREIGN as error:  # a function of the user's own may raise anything
        raise DataError(f"data.name {name} raised {first_line(error, named=True)}") from error
    if isinstance(given, Data):
        return given
    where = f"data.name {name}"
    if isinstance(given, Mapping):
        return _of_parts(where, given, section, seed, inputs, targets)
    kinds: dict[str, Any] = {"inputs": inputs, "targets": targets}
    kinds |= {"name": name, "in_memory": section.in_memory, "workers": section.workers}
    if is_dataset(given):
        return from_datasets(given, section=section, seed=seed, **kinds)
    several = isinstance(given, tuple) or (isinstance(given, list) and all(isinstance(one, Dataset) for one in given))
    if several and len(given) in (2, 3) and all(hasattr(one, "__getitem__") for one in given):
        if len(given) == 2 and _is_array(given[0]) and (_is_array(given[1]) or isinstance(given[1], list)):
            return _of_parts(where, {"train": given}, section, seed, inputs, targets)
        if not any(map(_is_array, given)):
            return from_datasets(*given, **kinds)
    came = f"a {type(given).__name__}"
    if isinstance(given, (tuple, list)) and len(given) <= len(PARTS) + 1:
        came += f" of {', '.join(type(one).__name__ for one in given) or 'nothing'}"
    raise DataError(f"{where} gave {came}; {_FORMS}")


def _is_array(one: Any) -> bool:
    """Whether this is a tensor, an array, or a column or table that becomes one."""
    return hasattr(one, "dtype") or hasattr(one, "__array__")


def _of_parts(
    name: str, given: Mapping[str, Any], section: DataConfig, seed: int, inputs: InputKind, targets: TargetKind
) -> Data:
    unknown = sorted(set(given) - set(PARTS))
    if unknown or "train" not in given:
        raise DataError(f"{name} gave the parts {', '.join(map(str, given)) or 'none'}; {_FORMS}")
    parts: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {}
    for part, pair in given.items():
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise DataError(f"{name}: {part} is a {type(pair).__name__}; {_FORMS}")
        parts[part] = (
            as_array(pair[0], f"{name}: the inputs of {part}"),
            _array(pair[1], f"{name}: the targets of {part}"),
        )
    keys = {part: (f"inputs of {part}", f"targets of {part}") for part in parts}
    return from_arrays(name, parts, keys, section, seed, inputs, targets, title=name.removeprefix("data.name "))


def _array(targets: Any, where: str) -> NDArray[Any]:
    """Targets may be a list of names or numbers, too."""
    return np.asarray(targets) if isinstance(targets, (list, tuple)) else as_array(targets, where)
