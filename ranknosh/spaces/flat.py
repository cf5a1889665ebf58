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
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.encodings import Codes, Rows
from ranknosh.spaces.parameters import Parameter, json_text
from ranknosh.spaces.written import read_parameter, write_parameter


class FlatSpace(Space):
    """The space of the configurations of ``parameters``, for trainings that read a configuration and build their own model.

    A code holds the slots of the parameters in their order. ``name`` ends with a digest of the parameters, so that an
    architecture or a journal of another space is not taken for one of this space. Two spaces are equal where their parameters
    and fixed entries are.

    Args:
        parameters: entry -> what it may be: a :class:`~ranknosh.spaces.parameters.Parameter`, or as a config says it
            (:func:`~ranknosh.spaces.written.read_parameter`), ``[1, 2, 3]`` or ``{"loguniform": [1e-4, 1e-1]}``.
        fixed: entries that are in every configuration as they are.
        label: the beginning of the name.

    Raises:
        SpaceError: for entries it cannot hold.
    """

    most_enumerable = 50_000

    def __init__(
        self,
        parameters: Mapping[str, Any] | None = None,
        *,
        fixed: Mapping[str, Any] | None = None,
        label: str = "flat",
    ) -> None:
        for what, given in (("parameters", parameters), ("fixed", fixed)):
            if not isinstance(given, Mapping | None):
                raise SpaceError(
                    f"{what} of a flat space are {given!r}; they are a mapping of names to what each may be"
                )
        if not isinstance(label, str) or not label:
            raise SpaceError(f"label of a flat space is {label!r}; it is a text, the beginning of the space's name")
        if not parameters:
            raise SpaceError(
                "a flat space needs at least one parameter to search over, such as "
                "parameters: {lr: {loguniform: [1e-4, 1e-1]}, layers: [1, 2, 3]}"
            )
        for key in (*parameters, *(fixed or {})):
            if not isinstance(key, str):
                raise SpaceError(f"entry {key!r} of a flat space is {type(key).__name__}; its name has to be a text")
        parameters = {key: read_parameter(key, given) for key, given in parameters.items()}
        twice = sorted(parameters.keys() & (fixed or {}).keys())
        if twice:
            raise SpaceError(f"{', '.join(twice)} is both searched and fixed; leave one of the two out")
        self.parameters = dict(parameters)
        self.fixed = dict(fixed or {})
        definition = [[key, [json_text(value) for value in p.values], p.places] for key, p in parameters.items()]
        self.label = label
        self.name = f"{label}-{hashlib.sha256(json.dumps(definition).encode()).hexdigest()[:8]}"
        entries = self._entries = tuple(parameters.values())
        self.choices = tuple(choice for key, entry in parameters.items() for choice in _choices(key, entry))
        self._slots = list(accumulate((len(entry.slots) for entry in entries), initial=0))[:-1]
        self._labels = [entry.operations(key) for key, entry in parameters.items()]
        self.operations = tuple(label for labels in self._labels for label in dict.fromkeys(labels))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FlatSpace) and (self.name, self.fixed) == (other.name, other.fixed)

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def title(self) -> str:
        """The label, without the digest."""
        return self.label

    @property
    def settings(self) -> Mapping[str, Any]:
        """The arguments that make this space again, as plain JSON data. Raises SpaceError for a fixed entry that is none."""
        for value in self.fixed.values():
            json_text(value)
        parameters = {key: write_parameter(parameter) for key, parameter in self.parameters.items()}
        return {"parameters": parameters, "fixed": self.fixed, "label": self.label}

    @property
    def spec(self) -> dict[str, Any]:
        """The name of this kind of space, and settings, as JSON gives them back."""
        return {**super().spec, "name": "flat"}

    @classmethod
    def reads(cls, text: str) -> bool:
        """False: which parameters there are, no text of one configuration says."""
        return False

    @property
    def edits(self) -> tuple[int, ...]:
        """Number of values of every parameter."""
        return tuple(len(entry.values) for entry in self._entries)

    @property
    def ordered(self) -> tuple[bool, ...]:
        return tuple(entry.places is not None for entry in self._entries)

    def chosen(self, architecture: Architecture) -> tuple[int, ...]:
        """The place of every parameter's value."""
        code = super().chosen(architecture)
        slots = zip(self._slots, self._entries, strict=True)
        places = tuple(code[i] if entry.fine == 1 else code[i] * entry.fine + code[i + 1] for i, entry in slots)
        if any(place >= count for place, count in zip(places, self.edits, strict=True)):
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
            raise SpaceError(f"the configuration does not fit {self.title}: {said}")
        places = {key: parameter.find(config[key], nearest) for key, parameter in self.parameters.items()}
        for key, place in places.items():
            if place is None:
                raise SpaceError(f"{key}={config[key]!r} is not in {self.title}: {key} takes {self.parameters[key]}")
        return self.of(place for place in places.values() if place is not None)

    def canonical(self, architecture: Architecture) -> str:
        """The space's name and the place of every value: no two codes are the same configuration."""
        return f"{self.name}:{'-'.join(map(str, self.chosen(architecture)))}"

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


def _choices(key: str, parameter: Parameter) -> tuple[Choice, ...]:
    """The slots of a parameter: one, or a coarse and a fine digit of the place among its values."""
    if parameter.fine == 1:
        return (Choice(key, parameter.values),)
    digits = zip(("coarse", "fine"), parameter.slots, strict=True)
    return tuple(Choice(f"{key}.{digit}", tuple(range(count)), ordered=True) for digit, count in digits)
