"""Parameters of a flat space as a config writes them: plain lists, and mappings of one word to its arguments."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ranknosh.errors import SpaceError, did_you_mean
from ranknosh.spaces.parameters import Parameter, choice, loguniform, randint, uniform

FORMS = (
    "a list of values, or one of {choice: [values]}, {ordered: [values]}, {uniform: [low, high]}, {loguniform: [low, high]}, "
    "{randint: [low, high]}, {lograndint: [low, high]}"
)


def ordered(values: Sequence[Any]) -> Parameter:
    """One of ``values``, which have the order in which they are given: small, medium, large."""
    places = np.linspace(0, 1, len(values)).tolist() if len(values) > 1 else [0.0] * len(values)
    return Parameter(tuple(values), tuple(places))


def _lograndint(low: int, high: int, quantum: int = 1) -> Parameter:
    return randint(low, high, quantum=quantum, log=True)


RANGES: dict[str, tuple[Callable[..., Parameter], tuple[str, ...]]] = {
    "uniform": (uniform, ("quantum", "steps")),
    "loguniform": (loguniform, ("quantum", "steps")),
    "randint": (randint, ("quantum",)),
    "lograndint": (_lograndint, ("quantum",)),
}
"""Each with what it takes besides low and high."""


def read_parameter(key: str, given: Any) -> Parameter:
    """The parameter that ``given`` says.

    Args:
        key: its name, for messages.
        given: a Parameter; a list of values; ``{word: arguments}`` with a list of values (choice, ordered), or two numbers or
            a mapping of low, high, quantum and steps (uniform, loguniform, randint, lograndint; randint leaves high out); or
            ``{values: [...], places: [...]}``, see :class:`~ranknosh.spaces.parameters.Parameter`.

    Raises:
        SpaceError: names the parameter and what is wrong with it.
    """
    if isinstance(given, Parameter):
        return given
    try:
        if _is_list(given):
            return choice(given)
        if isinstance(given, Mapping) and "values" in given:
            return _exact(given)
        if isinstance(given, Mapping) and len(given) == 1:
            ((word, arguments),) = given.items()
            return _worded(str(word), arguments)
        raise SpaceError(f"{given!r} says no values; give {FORMS}. A value that is not searched stands under fixed")
    except SpaceError as error:
        raise SpaceError(f"parameter {key!r} of a flat space: {error}") from error


def write_parameter(parameter: Parameter) -> dict[str, Any]:
    """The parameter as JSON data from which :func:`read_parameter` makes it again."""
    places = {} if parameter.places is None else {"places": list(parameter.places)}
    return {"values": list(parameter.values), **places}


def _worded(word: str, arguments: Any) -> Parameter:
    if word in ("choice", "ordered"):
        if not _is_list(arguments):
            raise SpaceError(f"{word} takes a list of values, not {arguments!r}")
        return choice(arguments) if word == "choice" else ordered(arguments)
    if word not in RANGES:
        raise SpaceError(f"it has no form {word!r}; give {FORMS}{did_you_mean(word, [*RANGES, 'choice', 'ordered'])}")
    make, more = RANGES[word]
    if _is_list(arguments) and len(arguments) == 2:
        arguments = dict(zip(("low", "high"), arguments, strict=True))
    if not isinstance(arguments, Mapping) or not {"low", "high"} <= set(arguments) <= {"low", "high", *more}:
        raise SpaceError(f"{word} takes [low, high] or low, high and perhaps {' and '.join(more)}, not {arguments!r}")
    for name, value in arguments.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SpaceError(f"{name} of {word} is {value!r}, no number")
        if name == "steps" and not isinstance(value, int):
            raise SpaceError(f"steps of {word} is {value!r}, no whole number")
    return make(**arguments)


def _exact(given: Mapping[str, Any]) -> Parameter:
    values, places = given["values"], given.get("places")
    if not set(given) <= {"values", "places"} or not _is_list(values) or not (places is None or _is_list(places)):
        raise SpaceError(
            f"it is {given!r}; values is a list, places a list as long or left out, and nothing else is known"
        )
    if places is None:
        return Parameter(tuple(values))
    numbers = all(isinstance(place, int | float) and 0 <= place <= 1 for place in places)
    if len(places) != len(values) or not numbers or any(a > b for a, b in pairwise(places)):
        raise SpaceError(f"places {places} are not one number from 0 to 1 for each of {len(values)} values, rising")
    return Parameter(tuple(values), tuple(map(float, places)))


def _is_list(given: Any) -> bool:
    return isinstance(given, Sequence) and not isinstance(given, str | bytes)
