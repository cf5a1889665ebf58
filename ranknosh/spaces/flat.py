"""Flat configurations as a search space: a dictionary of named parameters, each with a finite, fixed list of values.

A parameter with an order and more than ``PLAIN`` values takes two slots of the code, a coarse and a fine digit: two
configurations with equal coarse digits are near each other, which predictors that count equal slots can use, and their tables
stay small. The feature rows hold distances themselves (:meth:`FlatSpace.encode`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranknosh.errors import SpaceError
from ranknosh.spaces import encoding
from ranknosh.spaces.base import Architecture, Encoding, Graphs, Space
from ranknosh.spaces.parameters import Parameter, json_text

PREDICTORS = ("auto", "kernel", "staged", "linear", "gbdt", "ensemble", "random")


class FlatSpace(Space):
    """The space of the configurations of ``parameters``; ``fixed`` entries are in every configuration as they are.

    A code holds the slots of the parameters in their order. ``name`` ends with a digest of the parameters, so that an
    architecture or a journal of another space is not taken for one of this space. Raises SpaceError for entries it cannot hold.
    """

    most_enumerable = 50_000

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
        self.options = tuple(len(entry.values) for entry in entries)
        self.choices = tuple(size for entry in entries for size in entry.slots)
        self._slots = list(accumulate((len(entry.slots) for entry in entries), initial=0))[:-1]
        named = [entry.operations(key) for key, entry in parameters.items()]
        self.operations = tuple(label for labels, _ in named for label in labels)
        self._labels = [len(labels) for labels, _ in named]
        self._groups = [np.array(groups) for _, groups in named]

    def chosen(self, architecture: Architecture) -> tuple[int, ...]:
        """The place of every parameter's value."""
        code = super().chosen(architecture)
        slots = zip(self._slots, self._entries, strict=True)
        places = tuple(code[i] if entry.fine == 1 else code[i] * entry.fine + code[i + 1] for i, entry in slots)
        if any(place >= count for place, count in zip(places, self.options, strict=True)):
            raise SpaceError(f"code {code} is not of {self.name}: a parameter has no such value")
        return places

    def of(self, options: Iterable[int]) -> Architecture:
        code: list[int] = []
        for place, entry in zip(options, self._entries, strict=True):
            code += (place,) if entry.fine == 1 else divmod(place, entry.fine)
        return Architecture(self.name, tuple(code))

    def moves(self, number: int, option: int) -> Sequence[int]:
        """Any other value where the parameter has no order or at most ``PLAIN`` values, else 1, 2, 4, ... steps up or down."""
        return self._entries[number].moves[option]

    def decode(self, architecture: Architecture) -> dict[str, Any]:
        """The configuration, ``fixed`` entries included."""
        entries = zip(self.parameters.items(), self.chosen(architecture), strict=True)
        return {**self.fixed, **{key: parameter.values[index] for (key, parameter), index in entries}}

    def locate(self, config: Mapping[str, Any], *, nearest: bool = False) -> Architecture:
        """The architecture of a configuration; ``fixed`` entries may be left out.

        nearest: numbers between two values of an ordered parameter are moved to the nearer one. Raises SpaceError for anything
        the space does not hold.
        """
        unknown = sorted(set(config) - set(self.parameters) - set(self.fixed))
        missing = sorted(set(self.parameters) - set(config))
        if unknown or missing:
            faults = {"it does not know": unknown, "it lacks": missing}
            said = " and ".join(f"{what} {', '.join(keys)}" for what, keys in faults.items() if keys)
            raise SpaceError(f"the configuration does not fit {self.name}: {said}")
        places = {key: parameter.find(config[key], nearest) for key, parameter in self.parameters.items()}
        for key, place in places.items():
            if place is None:
                raise SpaceError(f"{key}={config[key]!r} is not in {self.name}: {key} takes {self.parameters[key]}")
        return self.of(place for place in places.values() if place is not None)

    def canonical(self, architecture: Architecture) -> str:
        """The space's name and the place of every value: no two codes are the same configuration."""
        return f"{self.name}:{'-'.join(map(str, self.chosen(architecture)))}"

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
        entries = zip(self.parameters.items(), self.chosen(architecture), strict=True)
        return json.dumps({key: parameter.values[index] for (key, parameter), index in entries}, ensure_ascii=False)

    def encode(self, architectures: Sequence[Architecture], kind: Encoding = "features") -> NDArray[np.float32]:
        """(n, d) rows. ``onehot``: an indicator per slot and digit; ``counts``: per operation; ``features``: an indicator per
        value of a parameter without order, else its place in [-1, 1] and up to five triangular bins over the range, so that
        rows of near values are near."""
        if kind == "onehot":
            codes = np.array([a.code for a in architectures], dtype=np.int64)
            return encoding.onehot(codes.reshape(-1, len(self.choices)), self.choices)
        places = np.array([self.chosen(a) for a in architectures], dtype=np.int64).reshape(-1, len(self.options))
        if kind == "features":
            return np.concatenate([entry.rows[places[:, i]] for i, entry in enumerate(self._entries)], axis=1)
        if kind == "counts":
            groups = np.stack([group[places[:, i]] for i, group in enumerate(self._groups)], axis=1)
            return encoding.onehot(groups, self._labels)
        raise SpaceError(f"a flat space has no encoding {kind!r}: use features, onehot or counts")

    def graphs(self, architectures: Sequence[Architecture]) -> Graphs:
        raise SpaceError(
            f"{self.name} is a flat space: its configurations are no graphs. Use one of the predictors {', '.join(PREDICTORS)}"
        )
