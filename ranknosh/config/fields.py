"""Field types of a configuration: values with units, lists with a rule, and names from a closed list."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

from ranknosh.config.units import duration_text, parse_device_time, parse_duration, parse_size, size_text

SPACES = ("nasbench201",)
DATA_NAMES = ("cluttered_digits", "digits", "cifar10", "cifar100", "fashion_mnist", "svhn")
FROM_PYTHON = "python"  # stands in a stored config for images that were handed over in memory
PROXIES = (
    *("params", "macs", "l2_norm", "grad_norm", "snip", "plain", "fisher", "grasp", "synflow", "logsynflow", "jacov"),
    *("epe_nas", "nwot", "swap", "swap_reg", "zen", "zico", "meco", "gradsign", "ntk", "linear_regions"),
    *("expressivity", "progressivity", "trainability"),
)
NEEDS_OPTIONS: Mapping[str, tuple[str, ...]] = {"swap_reg": ("mu", "sigma")}
"""Proxies that have no value before their options are chosen, because these depend on the space."""
PREDICTORS = ("auto", "linear", "gbdt", "gin", "kernel", "staged", "ensemble", "random")


class RuleBroken(ValueError):
    """A rule between settings; ``path`` is the setting to show the line of, the text is complete."""

    def __init__(self, path: tuple[str, ...], text: str) -> None:
        super().__init__(text)
        self.path = path


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name most like ``name``, None where none is close."""
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(name: str, known: Sequence[str]) -> str:
    close = nearest(name, known)
    return f"; did you mean {close}?" if close else ""


def _with_unit(parse: Callable[[Any], float]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else parse(value)


def _written(write: Callable[[Any], str]) -> PlainSerializer:
    return PlainSerializer(lambda value: None if value is None else write(value), when_used="json")


def _level_number(value: Any) -> int:
    number = int(value) if isinstance(value, str) and value.isdigit() else value  # JSON has no other keys than texts
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ValueError("must be the number of a level, counted from 1")
    return number


def _deadline(value: Any) -> float | str | None:
    if value in ("auto", None):
        return value
    return None if value in ("off", False) else parse_duration(value)


def _epochs(value: Any) -> tuple[int, ...]:
    rule = "must be a list of whole numbers above 0, each larger than the one before; write for example [1, 2, 4, 8]"
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError(rule)
    for index, epoch in enumerate(value):
        if isinstance(epoch, bool) or not isinstance(epoch, int) or epoch < 1:
            raise ValueError(f"{rule} ({epoch!r} is not such a number)")
        if index and epoch <= value[index - 1]:
            raise ValueError(f"{rule} ({epoch} comes after {value[index - 1]})")
    return tuple(value)


def _ratio(value: Any) -> Any:
    if value == "auto" and isinstance(value, str):
        return value
    shares = value if isinstance(value, (list, tuple)) else [value]
    for share in shares:
        number = isinstance(share, (int, float)) and not isinstance(share, bool) and math.isfinite(share)
        if not number or not 0 < share < 1:
            raise ValueError(
                "must be auto, a share between 0 and 1 (both excluded), or a list of such shares, one a step up; "
                "write for example 0.5"
            )
    return tuple(float(share) for share in value) if isinstance(value, (list, tuple)) else float(value)


def _switch(value: Any) -> Any:
    words = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
    return words.get(value.lower(), value) if isinstance(value, str) else value


def _switch_or_auto(value: Any) -> Any:
    value = _switch(value)
    if isinstance(value, bool) or value == "auto":
        return value
    raise ValueError("must be auto, true or false; write for example auto")


def _data_name(value: Any) -> str | None:
    if value is None or value in (*DATA_NAMES, FROM_PYTHON):
        return value
    near = did_you_mean(value, DATA_NAMES) if isinstance(value, str) else ""
    raise ValueError(
        f"must be one of {', '.join(DATA_NAMES)}{near} (own images are given with data.folder or data.npz instead)"
    )


def text_matching(words: Mapping[Any, str]) -> BeforeValidator:
    """Reads the values of ``words`` as the text they stand for (``False`` as ``off``)."""
    return BeforeValidator(lambda value: words[value] if isinstance(value, bool) and value in words else value)


def names_of(noun: str, known: Sequence[str]) -> BeforeValidator:
    """A list of names out of ``known``, none twice; a single name stands for a list of one."""

    def validate(value: Any) -> tuple[str, ...]:
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
            raise ValueError(f"must be a list of names; write for example [{', '.join(known[:2])}]")
        for name in names:
            if name not in known:
                raise ValueError(
                    f"must list names out of {', '.join(known)}; {name!r} is none{did_you_mean(name, known)}"
                )
        if len(set(names)) < len(names):
            raise ValueError(f"must name each {noun} once")
        return tuple(names)

    return BeforeValidator(validate)


_UNIT = {"type": ["string", "null"]}
Duration = Annotated[
    float | None,
    PlainValidator(_with_unit(parse_duration)),
    _written(duration_text),
    WithJsonSchema({**_UNIT, "examples": ["10m", "1h30m"]}),
    Field(examples=["10m"]),
]
DeviceTime = Annotated[
    float | None,
    PlainValidator(_with_unit(parse_device_time)),
    _written(duration_text),
    WithJsonSchema({**_UNIT, "examples": ["2gpuh"]}),
    Field(examples=["2gpuh"]),
]
Deadline = Annotated[
    float | str | None,
    PlainValidator(_deadline),
    _written(lambda value: value if value == "auto" else duration_text(value)),
    WithJsonSchema({**_UNIT, "examples": ["auto", "off", "2h"]}),
    Field(examples=["auto"]),
]
LevelNumber = Annotated[int, BeforeValidator(_level_number)]
Size = Annotated[
    int | None,
    PlainValidator(_with_unit(parse_size)),
    _written(size_text),
    WithJsonSchema({**_UNIT, "examples": ["10GB"]}),
    Field(examples=["10GB"]),
]
Epochs = Annotated[
    tuple[int, ...],
    BeforeValidator(_epochs),
    WithJsonSchema({"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1}),
]
_SHARE = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
Ratio = Annotated[
    float | tuple[float, ...] | str,
    BeforeValidator(_ratio),
    WithJsonSchema({"anyOf": [{"const": "auto"}, _SHARE, {"type": "array", "items": _SHARE}]}),
]
Switch = Annotated[bool, BeforeValidator(_switch)]
DataName = Annotated[
    str | None, PlainValidator(_data_name), WithJsonSchema({"enum": [*DATA_NAMES, None]}), Field(examples=["digits"])
]
switch_or_auto = PlainValidator(_switch_or_auto)
Device = Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", examples=["auto", "cpu", "cuda", "cuda:0"])]
