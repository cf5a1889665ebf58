"""Field types of a configuration: values with units, lists with a rule, and names from a closed list."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from ranknosh.config.units import duration_text, parse_device_time, parse_duration, parse_size, size_text
from ranknosh.errors import ConfigError, did_you_mean
from ranknosh.predictors.catalog import PREDICTORS
from ranknosh.registry import Registry
from zerocost.catalog import HOMES

PUBLISHED_NAMES = ("cifar10", "cifar100", "fashion_mnist", "svhn")
"""Data sets that lie in a folder of the user's (``data.root``); the others that have a name are made here."""
DATA_NAMES = ("cluttered_digits", "digits", "digit_masks", "breast_cancer", "wine", "diabetes", *PUBLISHED_NAMES)
FROM_PYTHON = "python"  # the name of what was handed over in memory, in a stored config
DATA = Registry("data", "data set", dict.fromkeys(DATA_NAMES, ""))
"""Only those of others are loaded by it; ours are made by :mod:`ranknosh.tasks.data.catalog`."""
OWN = "own"  # the name of data that a training of a user's own reads by itself
PROXIES = Registry("proxies", "proxy", {name: f"zerocost.{place}" for name, place in HOMES.items()})
EXECUTORS = Registry("executors", "executor", dict.fromkeys(("inline", "ray", "command", "evaluate", "ask"), ""))
"""Only those of others are loaded by it; ours are opened by :mod:`ranknosh.executors.opening`."""
NEEDS_OPTIONS: Mapping[str, tuple[str, ...]] = {"swap_reg": ("mu", "sigma")}
"""Proxies that have no value before their options are chosen, because these depend on the space."""


class RuleBroken(ValueError):
    """A rule between settings; ``name`` is the setting to show the line of, the text is complete."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.path = tuple(name.split("."))


@dataclass(frozen=True)
class InWords:
    """Metadata of a number that people write as a text with a unit; None stays None."""

    read: Callable[[Any], Any]
    write: Callable[[Any], str]
    examples: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        written = core_schema.plain_serializer_function_ser_schema(self.write, when_used="json-unless-none")
        read = core_schema.no_info_plain_validator_function(self.read)
        return core_schema.nullable_schema(read, serialization=written)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"type": ["string", "null"], "examples": list(self.examples)}


def _level_number(value: Any) -> int:
    number = int(value) if isinstance(value, str) and value.isdigit() else value  # JSON has no other keys than texts
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ValueError("must be the number of a level, counted from 1")
    return number


def _deadline(value: Any) -> float | str | None:
    if value == "auto":
        return "auto"
    return None if value in ("off", False) else parse_duration(value)


MOST_COUNTED = 10**6
"""What is counted one by one, such as epochs: more is a slip of the hand."""


def _epochs(value: Any) -> tuple[int, ...]:
    rule = "must be a list of whole numbers above 0, each larger than the one before; write for example [1, 2, 4, 8]"
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError(rule)
    for index, epoch in enumerate(value):
        if isinstance(epoch, bool) or not isinstance(epoch, int) or not 1 <= epoch <= MOST_COUNTED:
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
    known = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
    return known.get(value.lower(), value) if isinstance(value, str) else value


def _switch_or_auto(value: Any) -> Any:
    value = _switch(value)
    if isinstance(value, bool) or value == "auto":
        return value
    raise ValueError("must be auto, true or false; write for example auto")


def _data_name(value: Any) -> str | None:
    if value is None or value in (*DATA_NAMES, FROM_PYTHON, OWN):
        return value
    if isinstance(value, str):
        try:
            DATA.check(value)
            return value
        except ConfigError:
            pass
    near = did_you_mean(value, DATA_NAMES) if isinstance(value, str) else ""
    raise ValueError(
        f"must be one of {', '.join(DATA_NAMES)}{near} (your own are given with data.folder or data.npz, or as MODULE:NAME of a "
        "function that returns them)"
    )


def words(value: Any, example: str = "synflow, nwot") -> tuple[str, ...]:
    """The names in a list, or in a text with commas between them. Raises ValueError with an example for anything else."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"must be a list of names; write for example [{example}]")
    return tuple(name.strip() for name in names if name.strip())


def _known(registry: Registry, name: Any) -> str:
    """``name`` where it may stand for a part; the part itself is loaded by whoever makes it."""
    if not isinstance(name, str):
        raise ValueError(f"must be the name of a {registry.noun}; write for example {next(iter(registry.builtins))}")
    try:
        registry.check(name)
    except ConfigError as error:
        raise ValueError(f"names no {registry.noun}: {error}") from error
    return name


@dataclass(frozen=True)
class NameOf:
    """Metadata of a setting that names a part: one of ``registry``, ``module:name`` of the user's own, or one of ``more``."""

    registry: Registry
    more: tuple[str, ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if value in self.more else _known(self.registry, value)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"type": "string", "examples": [*self.registry.builtins, "my_file:Mine"]}


def _proxies(value: Any) -> tuple[str, ...]:
    names = words(value)
    for name in names:
        _known(PROXIES, name)
    if len(set(names)) < len(names):
        raise ValueError("must name each proxy once")
    return names


def _limit(value: Any) -> int | float | None:
    if value is None:
        return None
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not (0 < value < 1 or (value >= 2 and value == int(value))):
        raise ValueError(
            "must be a number of examples from 2, or a share between 0 and 1; write for example 8000 or 0.1"
        )
    return float(value) if value < 1 else int(value)


def _names(value: Any) -> tuple[str, ...] | None:
    return None if value is None else words(value, "accuracy, f1")


def _texts(value: Any) -> Any:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
        raise ValueError("must be a list of texts of architectures")
    return tuple(texts)


def setting(default: Any, description: str, **rules: Any) -> Any:
    """A field of a section.

    Args:
        default: its value where none is given; ``...`` where one has to be.
        description: what it means, with unit, for the JSON Schema and the help of a flag.
        rules: bounds and examples, as pydantic's ``Field`` takes them.
    """
    return Field(default=default, description=description, **rules)


Count = Annotated[int, Field(ge=1, le=MOST_COUNTED)]
Threads = Annotated[int, Field(ge=1, le=1024)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Duration = Annotated[float | None, InWords(parse_duration, duration_text, ("10m", "1h30m"))]
DeviceTime = Annotated[float | None, InWords(parse_device_time, duration_text, ("2gpuh",))]
Deadline = Annotated[
    float | str | None, InWords(_deadline, lambda it: it if it == "auto" else duration_text(it), ("auto", "off", "2h"))
]
Size = Annotated[int | None, InWords(parse_size, size_text, ("10GB",))]
Limit = Annotated[int | float | None, BeforeValidator(_limit), Field(examples=[8000, 0.1])]
LevelNumber = Annotated[int, BeforeValidator(_level_number)]
PredictorName = Annotated[str, NameOf(PREDICTORS, (FROM_PYTHON,))]
ExecutorName = Annotated[str, NameOf(EXECUTORS)]
Proxies = Annotated[tuple[str, ...], BeforeValidator(_proxies)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Names = Annotated[tuple[str, ...] | None, BeforeValidator(_names)]
Epochs = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1), BeforeValidator(_epochs)]
_OpenShare = Annotated[float, Field(gt=0, lt=1)]
Ratio = Annotated[Literal["auto"] | _OpenShare | tuple[_OpenShare, ...], BeforeValidator(_ratio)]
Switch = Annotated[bool, BeforeValidator(_switch)]
SwitchOrAuto = Annotated[bool | Literal["auto"], BeforeValidator(_switch_or_auto)]
Amp = Annotated[Literal["off", "bf16"], BeforeValidator(lambda value: "off" if value is False else value)]
DataName = Annotated[
    str | None,
    PlainValidator(_data_name),
    WithJsonSchema({"type": ["string", "null"], "examples": [*DATA_NAMES, "my_file:data"]}),
]
Device = Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", examples=["auto", "cpu", "cuda", "cuda:0"])]
