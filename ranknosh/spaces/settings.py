"""Checks of what a user sets a space to; all raise WrongSetting."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ranknosh.errors import SpaceError, did_you_mean

LARGEST = 16_384
"""Where no other bound is given: a network of more channels or cells is a slip, and building it takes minutes and all memory."""
_OPTION = "an option of "


class WrongSetting(SpaceError):
    """A space is set to what it does not take. ``setting``: the name of what was set."""

    def __init__(self, message: str, setting: str = "") -> None:
        super().__init__(message)
        self.setting = setting.removeprefix(_OPTION)


def whole_number(name: str, value: Any, least: int, why: str = "", most: int | None = None) -> None:
    """Raises WrongSetting where a setting is no whole number from ``least`` to ``most``; ``why`` explains the bound."""
    highest = LARGEST if most is None else most
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not least <= value <= highest:
        bounds = (
            f"from {least} to {highest}" if most is not None or (whole and value > highest) else f"at least {least}"
        )
        shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:57]}..."
        raise WrongSetting(f"{name} is {shown}; it is a whole number, {bounds}{f': {why}' if why else ''}", name)


def number(name: str, value: Any, least: float, most: float) -> None:
    """Refuses what is no number from ``least`` to ``most``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise WrongSetting(f"{name} is {value!r}; it is a number from {least:g} to {most:g}", name)


def one_of(name: str, value: Any, known: Sequence[Any]) -> None:
    """Refuses what is none of ``known``."""
    if value not in known:
        texts = [str(each) for each in known]
        raise WrongSetting(
            f"{name} is {value!r}; it is one of {', '.join(texts)}{did_you_mean(str(value), texts)}", name
        )


def flag(name: str, value: Any) -> None:
    """Refuses what is neither true nor false."""
    if not isinstance(value, bool):
        raise WrongSetting(f"{name} is {value!r}; it is true or false", name)


def listed(name: str, values: Any) -> tuple[Any, ...]:
    """The given list, as a tuple."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise WrongSetting(f"{name} is {values!r}; it is a list, [{values}] for a single entry", name)
    return tuple(values)


def several(name: str, values: Any) -> tuple[Any, ...]:
    """The given list of one or more different values, as a tuple."""
    options = listed(name, values)
    if not options or any(options.index(value) < place for place, value in enumerate(options)):
        raise WrongSetting(f"{name} is {list(options)}; it lists one or more options, each once", name)
    return options


def flags(name: str, values: Any) -> tuple[bool, ...]:
    """The given list of false, true or both, as a tuple."""
    options = several(name, values)
    for option in options:
        flag(f"{_OPTION}{name}", option)
    return options


def rising(name: str, values: Any, least: float, most: float) -> tuple[Any, ...]:
    """The given list of numbers from ``least`` to ``most``, from low to high, as a tuple."""
    options = several(name, values)
    for value in options:
        number(f"{_OPTION}{name}", value, least, most)
    return _rising(name, options)


def rising_whole(name: str, values: Any, least: int = 1, most: int | None = None) -> tuple[int, ...]:
    """The given list of whole numbers from ``least`` to ``most``, from low to high, as a tuple."""
    options = several(name, values)
    for value in options:
        whole_number(f"{_OPTION}{name}", value, least, most=most)
    return _rising(name, options)


def _rising(name: str, options: tuple[Any, ...]) -> tuple[Any, ...]:
    if any(first > second for first, second in pairwise(options)):
        raise WrongSetting(f"{name} is {list(options)}; list it from low to high", name)
    return options
