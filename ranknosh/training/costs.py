"""Costs of architectures before they are trained, found out once each, and which of them meet the constraints.

What is counted or read is found out again where it is needed again. What is measured or computed by the user's function goes
into the journal, so that a run that is resumed decides by the numbers it had.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ranknosh.config.bounds import Bound, read_bounds
from ranknosh.config.sections import CostConfig
from ranknosh.core.constraints import Constraints, Known
from ranknosh.core.records import Costed
from ranknosh.errors import ConfigError, SpaceError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.streams import stream
from ranknosh.training.cost_sources import CostSource, Networks, Tabled, source_of

_FITTED, _RIDGE = 64, 1.0


@dataclass(eq=False)
class CostBook:
    """What architectures cost, found out once each; see :class:`ranknosh.core.constraints.Costs`.

    A network that cannot be built costs more than any limit allows.

    Args:
        space: of the architectures.
        sources: by the name of a cost.
        bounds: on costs, by name.
    """

    space: Space
    sources: Mapping[str, CostSource]
    bounds: Mapping[str, tuple[Bound, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._kept: dict[str, dict[str, float]] = {}
        self._values: dict[Architecture, dict[str, float]] = {}
        self._fresh: list[Costed] = []
        # What takes no measuring first: an architecture that breaks one limit is not measured for another.
        self._names = sorted(self.sources, key=lambda name: self.sources[name].kept)
        self._constraints: Constraints | None = None

    @property
    def constraints(self) -> Constraints:
        """With the costs of the architectures that shares are of. Raises ConfigError where one is none of the space."""
        if self._constraints is None:
            references = {}
            for name, bounds in self.bounds.items():
                for text in {bound.reference for bound in bounds if bound.reference is not None}:
                    try:
                        reference = self.space.parse(text)
                    except SpaceError as error:
                        raise ConfigError(
                            f"constraints.{name} names an architecture that cannot be read: {error}"
                        ) from error
                    references[name, text] = self.value(name, reference)
                    if not math.isfinite(references[name, text]):
                        raise ConfigError(f"constraints.{name}: the {name} of {text} is not known")
            self._constraints = Constraints(self.bounds, references)
        return self._constraints

    def know(self, records: Iterable[Costed]) -> None:
        """Take in what a journal holds."""
        for record in records:
            self._kept.setdefault(record.text, {}).update(record.costs)

    def value(self, name: str, architecture: Architecture) -> float:
        """One cost of an architecture."""
        values = self._values.setdefault(architecture, {})
        if name not in values:
            source = self.sources[name]
            values[name] = (
                self._measured(name, source, architecture) if source.kept else self._found(source, architecture)
            )
        return values[name]

    def of(self, architecture: Architecture) -> dict[str, float]:
        return {name: self.value(name, architecture) for name in self.sources}

    def feasible(self, architecture: Architecture) -> bool:
        constraints = self.constraints
        for name in self._names:
            value = self.value(name, architecture)
            if not math.isfinite(value) or (name in self.bounds and not constraints.holds(name, value)):
                return False
        return True

    def estimates(
        self, architectures: Sequence[Architecture], names: Sequence[str], known: Known
    ) -> NDArray[np.float64]:
        """See :class:`ranknosh.core.constraints.Costs`: read from a table, or estimated.

        The estimate is a ridge regression of the logarithm on the space's feature rows, fitted to ``known`` and to ``_FITTED``
        random architectures.
        """
        columns = []
        for name in names:
            if isinstance(self.sources[name], Tabled):
                columns.append(np.array([self.value(name, one) for one in architectures]))
            else:
                columns.append(self._estimated(name, architectures, known))
        return np.column_stack(columns)

    def _estimated(self, name: str, architectures: Sequence[Architecture], known: Known) -> NDArray[np.float64]:
        exact = {one: self.value(name, one) for one in islice(self.space.shuffled(stream(0, "costs")), _FITTED)}
        exact |= {one: costs[name] for one, costs in known.items()}
        values = {one: value for one, value in exact.items() if 0 < value < math.inf}
        if not values:
            return np.zeros(len(architectures))
        logs = np.log(list(values.values()))
        rows = self.space.features(self.space.codes(list(values))).astype(np.float64)
        middle = rows.mean(axis=0)
        weights = np.linalg.solve(
            (rows - middle).T @ (rows - middle) + _RIDGE * np.eye(rows.shape[1]),
            (rows - middle).T @ (logs - logs.mean()),
        )
        found = np.exp(logs.mean() + (self.space.features(self.space.codes(architectures)) - middle) @ weights)
        return np.array([exact.get(one, value) for one, value in zip(architectures, found.tolist(), strict=True)])

    def take(self) -> tuple[Costed, ...]:
        fresh, self._fresh = tuple(self._fresh), []
        return fresh

    def _measured(self, name: str, source: CostSource, architecture: Architecture) -> float:
        text = self.space.format(architecture)
        kept = self._kept.setdefault(text, {})
        if name not in kept:
            began = time.perf_counter()
            value = self._found(source, architecture)
            if not math.isfinite(value):
                return value
            kept[name] = value
            self._fresh.append(Costed(text, {name: value}, time.perf_counter() - began))
        return kept[name]

    def _found(self, source: CostSource, architecture: Architecture) -> float:
        try:
            return source(architecture)
        except SpaceError:
            return math.inf


def cost_book(
    space: Space,
    networks: Networks | None,
    limits: Mapping[str, str],
    sections: Mapping[str, CostConfig],
    wanted: Iterable[str] = (),
) -> CostBook | None:
    """The costs that constraints, objectives and the section ``costs`` ask for; None where nothing does.

    Args:
        space: of the architectures.
        networks: how they are built; None where a space has no networks, whose costs come from tables and functions.
        limits: the section ``constraints``: a text a cost.
        sections: the section ``costs``: where each comes from, where it does not go without saying.
        wanted: further costs, such as those that are objectives.

    Raises:
        ConfigError: a cost cannot be found out, or its limit cannot be read.
        DataError: a table cannot be read.
    """
    names = dict.fromkeys([*limits, *sections, *wanted])
    if not names:
        return None
    shared: dict[tuple[Architecture, int], Mapping[str, float]] = {}
    sources = {name: source_of(name, space, networks, sections.get(name, CostConfig()), shared) for name in names}
    return CostBook(space, sources, {name: read_bounds(name, text) for name, text in limits.items()})
