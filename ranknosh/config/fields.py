"""Field types of a configuration: values with units, lists with a rule, and names from a closed list."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from ranknosh.config.units import duration_text, parse_device_time, parse_duration, parse_size, size_text
from ranknosh.errors import did_you_mean

SPACES = ("nasbench201",)
DATA_NAMES = ("cluttered_digits", "digits", "cifar10", "cifar100", "fashion_mnist", "svhn")
FROM_PYTHON = "python"  # the name of images that were handed over in memory, in a stored config
PROXIES = (
    *("params", "macs", "l2_norm", "grad_norm", "snip", "plain", "fisher", "grasp", "synflow", "logsynflow", "jacov"),
    *("epe_nas", "nwot", "swap", "swap_reg", "zen", "zico", "meco", "gradsign", "ntk", "linear_regions"),
    *("expressivity", "progressivity", "trainability"),
)
NEEDS_OPTIONS: Mapping[str, tuple[str, ...]] = {"swap_reg": ("mu", "sigma")}
"""Proxies that have no value before their options are chosen, because these depend on the space."""
PREDICTORS = ("auto", "linear", "gbdt", "gin", "kernel", "staged", "ensemble", "random")


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
    known = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
    return known.get(value.lower(), value) if isinstance(value, str) else value


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


def words(value: Any, example: str = "synflow, nwot") -> tuple[str, ...]:
    """The names in a list, or in a text with commas between them. Raises ValueError with an example for anything else."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"must be a list of names; write for example [{example}]")
    return tuple(name.strip() for name in names if name.strip())


def _proxies(value: Any) -> tuple[str, ...]:
    names = words(value)
    for name in names:
        if name not in PROXIES:
            raise ValueError(
                f"must list names out of {', '.join(PROXIES)}; {name!r} is none{did_you_mean(name, PROXIES)}"
            )
    if len(set(names)) < len(names):
        raise ValueError("must name each proxy once")
    return names


def setting(default: Any, description: str, **rules: Any) -> Any:
    """A field of a section.

    Args:
        default: its value where none is given; ``...`` where one has to be.
        description: what it means, with unit, for the JSON Schema and the help of a flag.
        rules: bounds and examples, as pydantic's ``Field`` takes them.
    """
    return Field(default=default, description=description, **rules)


Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Duration = Annotated[float | None, InWords(parse_duration, duration_text, ("10m", "1h30m"))]
DeviceTime = Annotated[float | None, InWords(parse_device_time, duration_text, ("2gpuh",))]
Deadline = Annotated[
    float | str | None, InWords(_deadline, lambda it: it if it == "auto" else duration_text(it), ("auto", "off", "2h"))
]
Size = Annotated[int | None, InWords(parse_size, size_text, ("10GB",))]
LevelNumber = Annotated[int, BeforeValidator(_level_number)]
Proxies = Annotated[tuple[str, ...], BeforeValidator(_proxies)]
Epochs = Annotated[tuple[Count, ...], Field(min_length=1), BeforeValidator(_epochs)]
_OpenShare = Annotated[float, Field(gt=0, lt=1)]
Ratio = Annotated[Literal["auto"] | _OpenShare | tuple[_OpenShare, ...], BeforeValidator(_ratio)]
Switch = Annotated[bool, BeforeValidator(_switch)]
SwitchOrAuto = Annotated[bool | Literal["auto"], BeforeValidator(_switch_or_auto)]
Amp = Annotated[Literal["off", "bf16"], BeforeValidator(lambda value: "off" if value is False else value)]
DataName = Annotated[str | None, PlainValidator(_data_name), WithJsonSchema({"enum": [*DATA_NAMES, None]})]
Device = Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", examples=["auto", "cpu", "cuda", "cuda:0"])]
