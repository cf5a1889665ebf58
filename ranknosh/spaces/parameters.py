"""What one entry of a flat configuration may be: options, or numbers from a fixed grid.

Real numbers are taken from a fine grid whose values are part of the space, so that a code means the same configuration on
every machine.
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranknosh.errors import SpaceError

PLAIN = 8
"""Up to so many values a parameter takes one slot, and every other value is one edit away."""
STEPS = 64
MOST_VALUES = 256
MOST_OPTIONS = 100
_KNOTS = 5
_DIGITS = 6


@dataclass(frozen=True)
class Parameter:
    """What one entry of a configuration may be.

    values: distinct, and each one JSON can hold. places: (len(values),) where each lies between 0 and 1 on the scale on which
    distance means something, increasing; None where the values have no order.
    """

    values: tuple[Any, ...]
    places: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not self.values:
            raise SpaceError("a parameter has no values; give it one or more")
        texts = [json_text(value) for value in self.values]
        if len(set(texts)) != len(texts):
            twice = next(text for text in texts if texts.count(text) > 1)
            raise SpaceError(f"a parameter holds the value {twice} twice; name every value once")
        most = MOST_OPTIONS if self.places is None else MOST_VALUES
        if len(self.values) > most:
            raise SpaceError(
                f"a parameter {'without' if self.places is None else 'with'} an order has {len(self.values)} values; at most "
                f"{most} are supported: leave some out"
            )

    @cached_property
    def fine(self) -> int:
        """How many values one coarse digit spans; 1 where the parameter takes a single slot."""
        count = len(self.values)
        return 1 if self.places is None or count <= PLAIN else math.isqrt(count - 1) + 1

    @cached_property
    def slots(self) -> tuple[int, ...]:
        """How many choices each of its slots of a code has."""
        count = len(self.values)
        return (count,) if self.fine == 1 else (-(-count // self.fine), self.fine)

    @cached_property
    def moves(self) -> tuple[tuple[int, ...], ...]:
        """Of every value the places of those one edit away."""
        count = len(self.values)
        if self.places is None or count <= PLAIN:
            return tuple(tuple(other for other in range(count) if other != index) for index in range(count))
        strides = [2**power for power in range((count // 2).bit_length())]
        steps = sorted(way * stride for stride in strides for way in (-1, 1))
        return tuple(tuple(index + step for step in steps if 0 <= index + step < count) for index in range(count))

    @cached_property
    def rows(self) -> NDArray[np.float32]:
        """(values, d) feature rows, see :meth:`~ranknosh.spaces.flat.FlatSpace.features`."""
        count = len(self.values)
        if self.places is None:
            return np.eye(count, dtype=np.float32)
        places = np.array(self.places)
        knots = np.linspace(0.0, 1.0, min(count, _KNOTS))
        width = knots[1] - knots[0] if len(knots) > 1 else 1.0
        bins = np.maximum(0.0, 1.0 - np.abs(places[:, None] - knots[None, :]) / width)
        return np.concatenate([2.0 * places[:, None] - 1.0, bins], axis=1).astype(np.float32)

    def operations(self, key: str) -> list[str]:
        """The name of what each value takes under ``key``: of the value itself, or of all with its coarse digit."""
        texts = [value if isinstance(value, str) else json_text(value) for value in self.values]
        if self.fine == 1:
            return [f"{key}={text}" for text in texts]
        groups = [texts[start : start + self.fine] for start in range(0, len(texts), self.fine)]
        return [f"{key}={group[0]}..{group[-1]}" for group in groups for _ in group]

    def find(self, value: Any, nearest: bool = False) -> int | None:
        """The place of ``value`` among the values; None where it has none.

        ``nearest``: a number between two values of an ordered parameter is moved to the nearer one.
        """
        try:
            found = self._lookup.get(json_text(as_plain(value)))
        except SpaceError:
            found = None
        numeric = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        if found is not None or not numeric or self.places is None or not math.isfinite(value):
            return found
        values = np.array(self.values, dtype=np.float64)
        index = int(np.argmin(np.abs(values - float(value))))
        close = math.isclose(values[index], value, rel_tol=1e-9, abs_tol=1e-300)
        return index if close or (nearest and values.min() <= value <= values.max()) else None

    @cached_property
    def _lookup(self) -> dict[str, int]:
        return {json_text(value): index for index, value in enumerate(self.values)}

    def __str__(self) -> str:
        """Its values, all of them or the first and the last."""
        shown = [json_text(value) for value in self.values]
        if len(shown) <= 12:
            return ", ".join(shown)
        return f"{shown[0]}, {shown[1]}, ... {shown[-1]} ({len(shown)} values)"


def choice(options: Sequence[Any]) -> Parameter:
    """One of ``options``. Numbers given in rising or falling order are taken to have that order, anything else none."""
    values = tuple(as_plain(option) for option in options)
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    if numbers and len(values) > 1:
        steps = np.diff(np.array(values, dtype=np.float64))
        if (steps > 0).all() or (steps < 0).all():
            return Parameter(values, tuple(np.linspace(0.0, 1.0, len(values)).tolist()))
    return Parameter(values)


def uniform(
    low: float, high: float, *, quantum: float | None = None, steps: int = STEPS, log: bool = False
) -> Parameter:
    """A real number.

    Args:
        low: smallest value.
        high: largest value.
        quantum: the values are its multiples; None for ``steps`` evenly spaced ones.
        steps: how many without ``quantum``.
        log: spread evenly in their logarithm; ``low`` is above 0.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise SpaceError(f"a range from {low} to {high} is empty; give two finite numbers, the smaller one first")
    if not 2 <= steps <= MOST_VALUES:
        raise SpaceError(f"steps is {steps}; a range is cut into 2 to {MOST_VALUES} values")
    _check_log(low, log)
    if quantum is None:
        scale = np.geomspace if log else np.linspace
        grid = [float(f"{value:.{_DIGITS}g}") for value in scale(low, high, steps).tolist()]
        grid[0], grid[-1] = float(low), float(high)
    else:
        if not quantum > 0:
            raise SpaceError(f"quantum is {quantum}; values are its multiples, so it must be above 0")
        first, last = math.ceil(low / quantum - 1e-9), math.floor(high / quantum + 1e-9)
        if last < first:
            raise SpaceError(f"no multiple of {quantum} lies between {low} and {high}")
        numbers = _spread(max(first, 1) if log else first, last, last - first + 1, log)
        # Twelve digits: 3 * 0.1 is to be 0.3, as the user would write it.
        grid = [float(f"{round(number) * quantum:.12g}") for number in numbers]
    return _ordered(grid, log)


loguniform = partial(uniform, log=True)
"""A real number on a logarithmic scale, see :func:`uniform`."""


def randint(low: int, high: int, *, quantum: int = 1, log: bool = False) -> Parameter:
    """A whole number; of more than ``MOST_VALUES`` so many, spread over the range.

    Args:
        low: smallest value.
        high: one above the largest value.
        quantum: the values are its multiples.
        log: spread evenly in their logarithm.
    """
    if quantum < 1 or int(low) != low or int(high) != high:
        raise SpaceError(f"randint({low}, {high}, quantum={quantum}) takes whole numbers and a quantum of 1 or more")
    first, last = math.ceil(low / quantum), math.ceil(high / quantum) - 1
    if last < first:
        raise SpaceError(f"randint({low}, {high}) holds no multiple of {quantum}; {high} itself is not included")
    _check_log(first * quantum, log)
    return _ordered((round(value) * quantum for value in _spread(first, last, last - first + 1, log)), log)


def as_plain(value: Any) -> Any:
    """numpy scalars as Python numbers, so that JSON can hold them."""
    return value.item() if isinstance(value, np.generic) else value


def json_text(value: Any) -> str:
    try:
        return json.dumps(value, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SpaceError(
            f"{value!r} cannot be a value of a flat space, because JSON cannot hold it ({error}); give a name for it and look it "
            "up in your training code"
        ) from error


def _spread(low: float, high: float, wanted: int, log: bool) -> list[float]:
    """``wanted`` numbers from low to high, but at most ``MOST_VALUES``. On a logarithmic scale at most ``STEPS``: rounded, they
    crowd at the lower end, and every one is as likely to be drawn as another."""
    if log and wanted > PLAIN:
        return list(np.geomspace(low, high, min(wanted, STEPS)).tolist())
    return list(np.linspace(low, high, min(wanted, MOST_VALUES)).tolist())


def _check_log(low: float, log: bool) -> None:
    if log and not low > 0:
        raise SpaceError(f"a logarithmic range begins at {low}; it must begin above 0")


def _ordered(numbers: Iterable[float], log: bool) -> Parameter:
    """The parameter of these numbers, each at its place between the smallest and the largest."""
    values = sorted(set(numbers))
    scaled = np.log(np.array(values, dtype=np.float64)) if log else np.array(values, dtype=np.float64)
    width = float(scaled[-1] - scaled[0])
    places = ((scaled - scaled[0]) / width).tolist() if width > 0 else [0.0] * len(values)
    return Parameter(tuple(values), tuple(places))
