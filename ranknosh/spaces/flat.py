"""Flat configurations as a search space: a dictionary of named parameters, each with a finite, fixed list of values.

Real numbers are taken from a fine grid whose values are part of the space, so that a code means the same configuration on
every machine. A parameter with an order and more than ``PLAIN`` values takes two slots of the code, a coarse and a fine digit:
two configurations with equal coarse digits are near each other, which predictors that count equal slots can use, and their
tables stay small. The feature rows hold distances themselves (:meth:`FlatSpace.encode`).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, Encoding, Graphs

PLAIN = 8
"""Up to so many values a parameter takes one slot, and every other value is one edit away."""
STEPS = 64
MOST_VALUES = 256
MOST_OPTIONS = 100
MOST_ENUMERABLE = 50_000
PREDICTORS = ("auto", "kernel", "staged", "linear", "gbdt", "ensemble", "random")
_KNOTS = 5
_DIGITS = 6


@dataclass(frozen=True)
class Parameter:
    """What one entry of a configuration may be.

    values: distinct, and each one JSON can hold. places: (len(values),) where each stands between 0 and 1 on the scale on which
    distance means something, increasing; None where the values have no order.
    """

    values: tuple[Any, ...]
    places: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not self.values:
            raise SpaceError("a parameter has no values; give it one or more")
        texts = [_text(value) for value in self.values]
        if len(set(texts)) != len(texts):
            twice = next(text for text in texts if texts.count(text) > 1)
            raise SpaceError(f"a parameter holds the value {twice} twice; name every value once")
        most = MOST_OPTIONS if self.places is None else MOST_VALUES
        if len(self.values) > most:
            raise SpaceError(
                f"a parameter {'without' if self.places is None else 'with'} an order has {len(self.values)} values; at most "
                f"{most} are supported: leave some out"
            )


def choice(options: Sequence[Any]) -> Parameter:
    """One of ``options``. Numbers given in rising or falling order are taken to have that order, anything else none."""
    values = tuple(_plain(option) for option in options)
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    if numbers and len(values) > 1:
        steps = np.diff(np.array(values, dtype=np.float64))
        if (steps > 0).all() or (steps < 0).all():
            return Parameter(values, tuple(np.linspace(0.0, 1.0, len(values)).tolist()))
    return Parameter(values)


def uniform(low: float, high: float, *, quantum: float | None = None, steps: int = STEPS) -> Parameter:
    """A real number from ``low`` to ``high``, both included: ``steps`` evenly spaced values, or the multiples of ``quantum``."""
    return _grid(low, high, quantum, steps, log=False)


def loguniform(low: float, high: float, *, quantum: float | None = None, steps: int = STEPS) -> Parameter:
    """The same on a logarithmic scale; ``low`` must be above 0."""
    return _grid(low, high, quantum, steps, log=True)


def randint(low: int, high: int, *, quantum: int = 1, log: bool = False) -> Parameter:
    """A whole number from ``low`` up to but not including ``high``, or a multiple of ``quantum`` in that range.

    Where there are more than ``MOST_VALUES``, so many of them spread over the range (evenly, or in their logarithm).
    """
    if quantum < 1 or int(low) != low or int(high) != high:
        raise SpaceError(f"randint({low}, {high}, quantum={quantum}) takes whole numbers and a quantum of 1 or more")
    first, last = math.ceil(low / quantum), math.ceil(high / quantum) - 1
    if last < first:
        raise SpaceError(f"randint({low}, {high}) holds no multiple of {quantum}; {high} itself is not included")
    _check_log(first * quantum, log)
    values = sorted({round(value) * quantum for value in _spread(first, last, last - first + 1, log)})
    return Parameter(tuple(values), _places(values, log))


class FlatSpace:
    """The space of the configurations of ``parameters``; ``fixed`` entries are in every configuration as they are.

    A code holds the slots of the parameters in their order. ``name`` ends with a digest of the parameters, so that an
    architecture or a journal of another space is not taken for one of this space. Raises SpaceError for entries it cannot hold.
    """

    def __init__(
        self, parameters: Mapping[str, Parameter], *, fixed: Mapping[str, Any] | None = None, name: str = "flat"
    ) -> None:
        if not parameters:
            raise SpaceError("a flat space needs at least one parameter to search over; all entries are fixed")
        for key, parameter in parameters.items():
            if not isinstance(key, str) or not isinstance(parameter, Parameter):
                raise SpaceError(
                    f"entry {key!r} of a flat space is {type(parameter).__name__}; give a name and one of choice, uniform, "
                    "loguniform, randint of ranknosh.spaces.flat"
                )
        twice = sorted(parameters.keys() & (fixed or {}).keys())
        if twice:
            raise SpaceError(f"{', '.join(twice)} is both searched and fixed; leave one of the two out")
        self.parameters = dict(parameters)
        self.fixed = dict(fixed or {})
        definition = [[key, [_text(value) for value in p.values], p.places] for key, p in parameters.items()]
        self.name = f"{name}-{hashlib.sha256(json.dumps(definition).encode()).hexdigest()[:8]}"
        entries = list(parameters.values())
        self._counts = tuple(len(p.values) for p in entries)
        self._fine = tuple(_fine(p) for p in entries)
        self.choices: tuple[int, ...] = tuple(
            size
            for count, fine in zip(self._counts, self._fine, strict=True)
            for size in ((count,) if fine == 1 else (-(-count // fine), fine))
        )
        self._slots = np.cumsum([0, *(1 if fine == 1 else 2 for fine in self._fine)])[:-1]
        self._lookup = [{_text(value): index for index, value in enumerate(p.values)} for p in entries]
        self._moves = [[_moves(p, index) for index in range(len(p.values))] for p in entries]
        self._tables = [_rows(p) for p in entries]
        groups = [_groups(key, p, fine) for (key, p), fine in zip(parameters.items(), self._fine, strict=True)]
        self._groups = [np.array(places) + offset for (_, places), offset in zip(groups, _offsets(groups), strict=True)]
        self.operations: tuple[str, ...] = tuple(label for labels, _ in groups for label in labels)

    @property
    def size(self) -> int:
        return math.prod(self._counts)

    @property
    def enumerable(self) -> bool:
        return self.size <= MOST_ENUMERABLE

    def decode(self, architecture: Architecture) -> dict[str, Any]:
        """The configuration, ``fixed`` entries included."""
        entries = zip(self.parameters.items(), self._indices(architecture), strict=True)
        return {**self.fixed, **{key: parameter.values[index] for (key, parameter), index in entries}}

    def locate(self, config: Mapping[str, Any], *, nearest: bool = False) -> Architecture:
        """The architecture of a configuration; ``fixed`` entries may be left out.

        nearest: numbers between two values of an ordered parameter are moved to the nearer one. Raises SpaceError for anything
        the space does not hold.
        """
        unknown = sorted(set(config) - set(self.parameters) - set(self.fixed))
        missing = sorted(set(self.parameters) - set(config))
        if unknown or missing:
            faults = []
            if unknown:
                faults.append(f"it does not know {', '.join(unknown)}")
            if missing:
                faults.append(f"it lacks {', '.join(missing)}")
            raise SpaceError(f"the configuration does not fit {self.name}: {' and '.join(faults)}")
        return self._at(self._index_of(number, key, config[key], nearest) for number, key in enumerate(self.parameters))

    def sample(self, rng: np.random.Generator) -> Architecture:
        return self._at(int(value) for value in rng.integers(0, np.array(self._counts)))

    def enumerate(self) -> Iterator[Architecture]:
        if not self.enumerable:
            raise SpaceError(
                f"{self.name} has {self.size:.3g} configurations, too many to list (limit {MOST_ENUMERABLE}); sample it instead"
            )
        return (self._at(indices) for indices in product(*map(range, self._counts)))

    def neighbours(self, architecture: Architecture) -> tuple[Architecture, ...]:
        """Every configuration with one parameter changed: to any other value where it has no order or at most ``PLAIN``
        values, else by 1, 2, 4, ... steps up or down."""
        indices = self._indices(architecture)
        return tuple(
            self._at((*indices[:number], other, *indices[number + 1 :]))
            for number, index in enumerate(indices)
            for other in self._moves[number][index]
        )

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A neighbour, each with the same probability. A space of one single configuration gives it back."""
        indices = list(self._indices(architecture))
        moves = [self._moves[number][index] for number, index in enumerate(indices)]
        total = sum(map(len, moves))
        if total == 0:
            return architecture
        pick = int(rng.integers(total))
        for number, others in enumerate(moves):
            if pick < len(others):
                indices[number] = others[pick]
                break
            pick -= len(others)
        return self._at(indices)

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """A child that takes every parameter from either parent with equal chance."""
        pairs = zip(self._indices(first), self._indices(second), rng.random(len(self._counts)) < 0.5, strict=True)
        return self._at(a if take else b for a, b, take in pairs)

    def canonical(self, architecture: Architecture) -> str:
        """The space's name and the place of every value: no two codes are the same configuration."""
        return f"{self.name}:{'-'.join(map(str, self._indices(architecture)))}"

    def is_dead(self, architecture: Architecture) -> bool:
        """False: nothing is known of a configuration before it is tried."""
        return False

    def parse(self, text: str) -> Architecture:
        """The architecture of a JSON object with one entry for every parameter."""
        try:
            config = json.loads(text)
        except ValueError as error:
            raise SpaceError(f"cannot read {text[:200]!r} as a configuration of {self.name}: {error}") from error
        if not isinstance(config, dict):
            raise SpaceError(f"cannot read {text[:200]!r} as a configuration of {self.name}: it is no JSON object")
        return self.locate(config)

    def format(self, architecture: Architecture) -> str:
        """The searched entries as a JSON object, ``{"lr": 0.01, "units": 64}``; ``parse(format(a)) == a``."""
        entries = zip(self.parameters.items(), self._indices(architecture), strict=True)
        return json.dumps({key: parameter.values[index] for (key, parameter), index in entries}, ensure_ascii=False)

    def encode(self, architectures: Sequence[Architecture], kind: Encoding = "features") -> NDArray[np.float32]:
        """(n, d) rows. ``onehot``: an indicator per slot and digit; ``counts``: per operation; ``features``: an indicator per
        value of a parameter without order, else its place in [-1, 1] and up to five triangular bins over the range, so that
        rows of near values are near."""
        indices = self._matrix(architectures)
        if kind == "features":
            return np.concatenate([table[indices[:, i]] for i, table in enumerate(self._tables)], axis=1)
        if kind == "counts":
            hot, width = [groups[indices[:, i]] for i, groups in enumerate(self._groups)], len(self.operations)
        elif kind == "onehot":
            offsets = np.cumsum([0, *self.choices[:-1]])
            codes = np.array([a.code for a in architectures], dtype=np.int64).reshape(-1, len(self.choices))
            hot, width = list((codes + offsets).T), sum(self.choices)
        else:
            raise SpaceError(f"a flat space has no encoding {kind!r}: use features, onehot or counts")
        rows = np.zeros((len(architectures), width), dtype=np.float32)
        for columns in hot:
            rows[np.arange(len(rows)), columns] = 1.0
        return rows

    def graphs(self, architectures: Sequence[Architecture]) -> Graphs:
        raise SpaceError(
            f"{self.name} is a flat space: its configurations are no graphs. Use one of the predictors {', '.join(PREDICTORS)}"
        )

    def operation_counts(self, architecture: Architecture) -> dict[str, int]:
        """1 for the value, or the range of values, that every parameter takes; 0 for the others."""
        taken = {int(self._groups[i][index]) for i, index in enumerate(self._indices(architecture))}
        return {label: int(number in taken) for number, label in enumerate(self.operations)}

    def _at(self, indices: Any) -> Architecture:
        """The architecture of the places of its values, which must be in range."""
        code: list[int] = []
        for index, fine in zip(indices, self._fine, strict=True):
            code += (index,) if fine == 1 else divmod(index, fine)
        return Architecture(self.name, tuple(code))

    def _indices(self, architecture: Architecture) -> tuple[int, ...]:
        """The place of every parameter's value. Raises SpaceError for an architecture of another space."""
        code = architecture.code
        if architecture.space != self.name:
            raise SpaceError(f"asked {self.name} about an architecture of space {architecture.space!r}: use that space")
        if len(code) != len(self.choices):
            raise SpaceError(f"code {code} is not of {self.name}: it takes {len(self.choices)} numbers")
        places = zip(self._slots.tolist(), self._fine, strict=True)
        indices = tuple(code[slot] if fine == 1 else code[slot] * fine + code[slot + 1] for slot, fine in places)
        digits = zip(code, self.choices, strict=True)
        if not all(0 <= digit < size for digit, size in digits) or any(
            index >= count for index, count in zip(indices, self._counts, strict=True)
        ):
            raise SpaceError(f"code {code} is not of {self.name}: its slots hold {self.choices} choices")
        return indices

    def _matrix(self, architectures: Sequence[Architecture]) -> NDArray[np.int64]:
        """(n, parameters) places of values."""
        rows = [self._indices(architecture) for architecture in architectures]
        return np.array(rows, dtype=np.int64).reshape(-1, len(self._counts))

    def _index_of(self, number: int, key: str, value: Any, nearest: bool) -> int:
        parameter = self.parameters[key]
        try:
            found = self._lookup[number].get(_text(_plain(value)))
        except SpaceError:
            found = None
        if found is not None:
            return found
        numeric = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        if numeric and parameter.places is not None and math.isfinite(value):
            values = np.array(parameter.values, dtype=np.float64)
            index = int(np.argmin(np.abs(values - float(value))))
            close = math.isclose(values[index], value, rel_tol=1e-9, abs_tol=1e-300)
            inside = values.min() <= value <= values.max()
            if close or (nearest and inside):
                return index
        shown = [_text(v) for v in parameter.values]
        listed = (
            ", ".join(shown) if len(shown) <= 12 else f"{shown[0]}, {shown[1]}, ... {shown[-1]} ({len(shown)} values)"
        )
        raise SpaceError(f"{key}={value!r} is not in {self.name}: {key} takes {listed}")


def _plain(value: Any) -> Any:
    """numpy scalars as Python numbers, so that JSON can hold them."""
    return value.item() if isinstance(value, np.generic) else value


def _text(value: Any) -> str:
    try:
        return json.dumps(value, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SpaceError(
            f"{value!r} cannot be a value of a flat space, because JSON cannot hold it ({error}); give a name for it and look it "
            "up in your training code"
        ) from error


def _grid(low: float, high: float, quantum: float | None, steps: int, log: bool) -> Parameter:
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
    values = sorted(set(grid))
    return Parameter(tuple(values), _places(values, log))


def _spread(low: float, high: float, wanted: int, log: bool) -> list[float]:
    """``wanted`` numbers from low to high, but at most ``MOST_VALUES``. On a logarithmic scale at most ``STEPS``: rounded, they
    crowd at the lower end, and every one is as likely to be drawn as another."""
    if log and wanted > PLAIN:
        return list(np.geomspace(low, high, min(wanted, STEPS)).tolist())
    return list(np.linspace(low, high, min(wanted, MOST_VALUES)).tolist())


def _check_log(low: float, log: bool) -> None:
    if log and not low > 0:
        raise SpaceError(f"a logarithmic range begins at {low}; it must begin above 0")


def _places(values: Sequence[float], log: bool) -> tuple[float, ...]:
    scaled = np.log(np.array(values, dtype=np.float64)) if log else np.array(values, dtype=np.float64)
    width = float(scaled[-1] - scaled[0])
    return tuple(((scaled - scaled[0]) / width).tolist()) if width > 0 else (0.0,) * len(values)


def _fine(parameter: Parameter) -> int:
    """How many values one coarse digit spans; 1 where the parameter takes a single slot."""
    count = len(parameter.values)
    return 1 if parameter.places is None or count <= PLAIN else math.isqrt(count - 1) + 1


def _moves(parameter: Parameter, index: int) -> tuple[int, ...]:
    """Places of the values one edit away from the value at ``index``."""
    count = len(parameter.values)
    if parameter.places is None or count <= PLAIN:
        return tuple(other for other in range(count) if other != index)
    strides = [2**power for power in range((count // 2).bit_length())]
    return tuple(sorted(index + way for stride in strides for way in (-stride, stride) if 0 <= index + way < count))


def _rows(parameter: Parameter) -> NDArray[np.float32]:
    """(values, d) feature rows."""
    count = len(parameter.values)
    if parameter.places is None:
        return np.eye(count, dtype=np.float32)
    places = np.array(parameter.places)
    knots = np.linspace(0.0, 1.0, min(count, _KNOTS))
    width = knots[1] - knots[0] if len(knots) > 1 else 1.0
    bins = np.maximum(0.0, 1.0 - np.abs(places[:, None] - knots[None, :]) / width)
    return np.concatenate([2.0 * places[:, None] - 1.0, bins], axis=1).astype(np.float32)


def _groups(key: str, parameter: Parameter, fine: int) -> tuple[list[str], list[int]]:
    """Names of a parameter's operations, and which of them each value belongs to: values one by one, or by coarse digit."""
    texts = [value if isinstance(value, str) else _text(value) for value in parameter.values]
    if fine == 1:
        return [f"{key}={text}" for text in texts], list(range(len(texts)))
    starts = range(0, len(texts), fine)
    labels = [f"{key}={texts[start]}..{texts[min(start + fine, len(texts)) - 1]}" for start in starts]
    return labels, [index // fine for index in range(len(texts))]


def _offsets(groups: Sequence[tuple[list[str], list[int]]]) -> list[int]:
    return np.cumsum([0, *(len(labels) for labels, _ in groups)])[:-1].tolist()
