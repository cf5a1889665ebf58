"""A space of which only some architectures may be asked for, such as those that a table holds."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ranknosh.spaces.base import Architecture, Space

_ROUNDING = 1e-9


class _Within(Space):
    """Stands before the class of ``home`` and answers every question about which architectures there are from ``listed``."""

    home: Space
    listed: tuple[Architecture, ...]

    @property
    def size(self) -> int:
        return len(self.listed)

    @property
    def enumerable(self) -> bool:
        return True

    @cached_property
    def _there(self) -> frozenset[Architecture]:
        return frozenset(self.listed)

    def enumerate(self) -> Iterator[Architecture]:
        return iter(self.listed)

    def shuffled(self, rng: np.random.Generator) -> Iterator[Architecture]:
        return (self.listed[row] for row in rng.permutation(len(self.listed)))

    def sample(self, rng: np.random.Generator) -> Architecture:
        return self.listed[int(rng.integers(len(self.listed)))]

    def neighbours(self, architecture: Architecture) -> tuple[Architecture, ...]:
        return tuple(near for near in self.home.neighbours(architecture) if near in self._there)

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        near = self.neighbours(architecture)
        return near[int(rng.integers(len(near)))] if near else architecture

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        child = self.home.crossover(first, second, rng)
        return child if child in self._there else first

    def scaled(self, **settings: Any) -> Self:
        scaled: Self = within(self.home.scaled(**settings), self.listed)  # type: ignore[assignment]
        return scaled

    def __reduce__(self) -> tuple[Any, ...]:
        return within, (self.home, self.listed)


def within(space: Space, architectures: Sequence[Architecture]) -> Space:
    """The space that has these architectures alone; names, codes, ids and features are those of ``space``.

    Edits lead to listed neighbours only, so that an architecture may have none.

    Args:
        space: of the architectures.
        architectures: one or more, each once; their order is that of ``enumerate``.
    """
    made = copy.copy(space)
    kind = type(f"Within{type(space).__name__}", (_Within, type(space)), {})
    for name, value in {"__class__": kind, "home": space, "listed": tuple(architectures)}.items():
        object.__setattr__(made, name, value)
    return made


class Nearest:
    """Which of some architectures are nearest to options of their space, by Gower's distance (Biometrics 1971): the sum over the
    choices of 1 where two options differ, or of how far apart they are, as a part of the range, where options are in order.

    Args:
        space: of the architectures.
        architectures: one or more.
    """

    def __init__(self, space: Space, architectures: Sequence[Architecture]) -> None:
        self._space = space
        self._ordered = np.array(space.ordered)
        self._ranges = np.maximum(np.array(space.edits) - 1, 1)
        self._options = np.array([space.chosen(one) for one in architectures])

    def to(self, options: Sequence[int]) -> NDArray[np.int64]:
        """The places of the nearest ones, all that are equally near, in their order; unreached choices count as not made.

        Args:
            options: one of every independent choice, which need not be an architecture together.
        """
        made = np.where(self._space.reached(options), options, 0)
        apart = np.abs(self._options - made)
        distances = np.where(self._ordered, apart / self._ranges, apart > 0).sum(axis=1)
        return np.flatnonzero(distances <= distances.min() + _ROUNDING)
