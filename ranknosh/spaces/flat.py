"""Flat configurations as a search space: a dictionary of named parameters, each with a finite, fixed list of values.

A parameter with an order and more than ``PLAIN`` values takes two slots of the code, a coarse and a fine digit: two
configurations with equal coarse digits are near each other, which predictors that count equal slots can use, and their tables
stay small. The feature rows hold distances themselves (:meth:`FlatSpace.features`).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, Codes, Graphs, Rows, Space
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
        self._labels = [entry.operations(key) for key, entry in parameters.items()]
        self.operations = tuple(label for labels in self._labels for label in dict.fromkeys(labels))

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

    def codes(self, architectures: Sequence[Architecture]) -> Codes:
        for architecture in architectures:
            self.chosen(architecture)  # digits in range may still be no value
        return super().codes(architectures)

    def features(self, codes: Codes) -> Rows:
        """(n, d) rows: an indicator per value of a parameter without order, else its place in [-1, 1] and up to five
        triangular bins over the range, so that rows of near values are near."""
        digits = zip(self._entries, np.split(codes, self._slots[1:], axis=1), strict=True)
        places = [np.ravel_multi_index(tuple(columns.T), entry.slots) for entry, columns in digits]
        return np.concatenate([entry.rows[place] for entry, place in zip(self._entries, places, strict=True)], axis=1)

    def operation_counts(self, architecture: Architecture) -> dict[str, int]:
        counts: dict[str, int] = {}
        for place, labels in zip(self.chosen(architecture), self._labels, strict=True):
            counts |= {label: int(label == labels[place]) for label in labels}
        return counts

    def graphs(self, codes: Codes) -> Graphs:
        raise SpaceError(
            f"{self.name} is a flat space: its configurations are no graphs. Use one of the predictors {', '.join(PREDICTORS)}"
        )
