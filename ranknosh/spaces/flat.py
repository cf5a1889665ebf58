"""Flat configurations as a search space: a dictionary of named parameters, each with a finite, fixed list of values.

A parameter with an order and more than ``PLAIN`` values takes two slots of the code, a coarse and a fine digit: two
configurations with equal coarse digits are near each other, which predictors that count equal slots can use, and their tables
stay small. The feature rows hold distances themselves (:meth:`FlatSpace.encode`).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, Encoding, Graphs
from ranknosh.spaces.parameters import Parameter, json_text

MOST_ENUMERABLE = 50_000
PREDICTORS = ("auto", "kernel", "staged", "linear", "gbdt", "ensemble", "random")


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
                    "loguniform, randint of ranknosh.spaces.parameters"
                )
        twice = sorted(parameters.keys() & (fixed or {}).keys())
        if twice:
            raise SpaceError(f"{', '.join(twice)} is both searched and fixed; leave one of the two out")
        self.parameters = dict(parameters)
        self.fixed = dict(fixed or {})
        definition = [[key, [json_text(value) for value in p.values], p.places] for key, p in parameters.items()]
        self.name = f"{name}-{hashlib.sha256(json.dumps(definition).encode()).hexdigest()[:8]}"
        entries = self._entries = tuple(parameters.values())
        self._counts = tuple(len(entry.values) for entry in entries)
        self.choices: tuple[int, ...] = tuple(size for entry in entries for size in entry.slots)
        firsts = accumulate((len(entry.slots) for entry in entries), initial=0)
        self._slots = list(firsts)[:-1]
        named = [entry.operations(key) for key, entry in parameters.items()]
        offsets = accumulate((len(labels) for labels, _ in named), initial=0)
        self._groups = [np.array(places) + offset for (_, places), offset in zip(named, offsets, strict=False)]
        self.operations: tuple[str, ...] = tuple(label for labels, _ in named for label in labels)

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
        return self._at([self._find(key, config[key], nearest) for key in self.parameters])

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
            for other in self._entries[number].moves[index]
        )

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A neighbour, each with the same probability. A space of one single configuration gives it back."""
        indices = list(self._indices(architecture))
        moves = [entry.moves[index] for entry, index in zip(self._entries, indices, strict=True)]
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
            return np.concatenate([entry.rows[indices[:, i]] for i, entry in enumerate(self._entries)], axis=1)
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

    def _at(self, indices: Iterable[int]) -> Architecture:
        """The architecture of the places of its values, which must be in range."""
        code: list[int] = []
        for index, entry in zip(indices, self._entries, strict=True):
            code += (index,) if entry.fine == 1 else divmod(index, entry.fine)
        return Architecture(self.name, tuple(code))

    def _indices(self, architecture: Architecture) -> tuple[int, ...]:
        """The place of every parameter's value. Raises SpaceError for an architecture of another space."""
        code = architecture.code
        if architecture.space != self.name:
            raise SpaceError(f"asked {self.name} about an architecture of space {architecture.space!r}: use that space")
        if len(code) != len(self.choices):
            raise SpaceError(f"code {code} is not of {self.name}: it takes {len(self.choices)} numbers")
        places = zip(self._slots, self._entries, strict=True)
        indices = tuple(code[i] if entry.fine == 1 else code[i] * entry.fine + code[i + 1] for i, entry in places)
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

    def _find(self, key: str, value: Any, nearest: bool) -> int:
        index = self.parameters[key].find(value, nearest)
        if index is None:
            raise SpaceError(f"{key}={value!r} is not in {self.name}: {key} takes {self.parameters[key]}")
        return index
