"""The architectures a batch is chosen from: the whole space where it can be listed, else a population grown for the batch."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from ranknosh.predictors.base import Encodings, Floats
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.encodings import Codes

_PARENTS = 10
_MUTANTS = 20
_EDITS = 2
_RANDOM = 500
_CROSSOVERS = 100
_GENERATIONS = 3
_APART = 3
_SLOTS_APART = 6


class Candidates:
    """Architectures with their canonical classes. Dead ones and members of a taken class are not open to choice."""

    def __init__(self, space: Space, architectures: Iterable[Architecture]) -> None:
        self.encodings = Encodings(space, tuple(architectures))
        keys = self.encodings.keys.tolist()
        self._numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        self._classes = np.array([self._numbers[key] for key in keys], dtype=np.int64)
        self._alive = np.array([not space.is_dead(a) for a in self.encodings.architectures], dtype=np.bool_)

    def __len__(self) -> int:
        return len(self.encodings)

    @cached_property
    def place(self) -> dict[Architecture, int]:
        """The row of each architecture."""
        return {architecture: row for row, architecture in enumerate(self.encodings.architectures)}

    def with_these(self, others: Sequence[Architecture]) -> tuple[Encodings, NDArray[np.int64]]:
        """All of them, then those of ``others`` that are not among them; and the rows of ``others``."""
        more = [one for one in dict.fromkeys(others) if one not in self.place]
        rows = {one: len(self) + number for number, one in enumerate(more)}
        encodings = self.encodings
        if more:
            encodings = Encodings(encodings.space, (*encodings.architectures, *more))
        return encodings, np.array([self.place.get(one, rows.get(one, -1)) for one in others], dtype=np.int64)

    def alike(self, architecture: Architecture) -> NDArray[np.int64]:
        """The rows of those with the canonical id of one that is among them."""
        return np.flatnonzero(self._classes == self._classes[self.place[architecture]])

    def open(self, taken: Iterable[str]) -> NDArray[np.bool_]:
        """(n,) those alive whose canonical id is not among ``taken``."""
        return self._alive & ~np.isin(self._classes, [self._numbers.get(key, -1) for key in taken])


@lru_cache(maxsize=4)
def whole(space: Space) -> Candidates:
    """Every architecture of an enumerable space, made once for each of the latest spaces asked about."""
    return Candidates(space, space.enumerate())


def tiers(codes: Codes, chosen: Codes) -> NDArray[np.int64]:
    """(n,) how far each candidate is from the nearest of those chosen for a batch: the slots in which they differ, at most three,
    or one in six where there are fewer than 18.

    A greedy max-min rule with a bound, beyond which the predictor alone decides; benchmarks/RESULTS.md has what it is worth.

    Args:
        codes: (n, slots) of the candidates.
        chosen: (m, slots) of those that were chosen.
    """
    bound = min(_APART, codes.shape[1] // _SLOTS_APART)
    nearest = np.full(len(codes), bound, dtype=np.int64)
    for one in chosen:
        nearest = np.minimum(nearest, (codes != one).sum(axis=1))
    return nearest


def grown(
    space: Space,
    parents: Sequence[Architecture],
    fitness: Callable[[Encodings], Floats],
    rng: np.random.Generator,
) -> Candidates:
    """A population for spaces too large to list.

    Mutants of the best parents (one or two edits), crossovers among them and random architectures, then three generations of
    mutants and crossovers of the fittest. All generations are kept, each canonical id once. Source: NPENAS (Wei et al., 2020)
    for the predictor as fitness of an inner evolution; sizes are our own.

    Args:
        space: of the architectures.
        parents: best first.
        fitness: (n,) mean predictions of n architectures, higher is better.
        rng: of everything random here.
    """
    kept: dict[str, Architecture] = {}
    values: list[float] = []
    best = list(parents[:_PARENTS])
    fresh = [space.sample(rng) for _ in range(_RANDOM)] + _children(space, best, rng)
    for generation in range(_GENERATIONS + 1):
        born: list[Architecture] = []
        for architecture in fresh:
            key = space.canonical(architecture)
            if key not in kept and not space.is_dead(architecture):
                kept[key] = architecture
                born.append(architecture)
        if generation == _GENERATIONS or not kept:
            break
        if born:
            values += fitness(Encodings(space, born)).tolist()
        everyone = list(kept.values())
        order = np.argsort(-np.round(np.array(values), 9), kind="stable")[:_PARENTS]
        fresh = _children(space, [everyone[i] for i in order], rng)
    return Candidates(space, kept.values())


def _children(space: Space, parents: Sequence[Architecture], rng: np.random.Generator) -> list[Architecture]:
    children: list[Architecture] = []
    for parent in parents:
        for _ in range(_MUTANTS):
            child = parent
            for _ in range(int(rng.integers(1, _EDITS + 1))):
                child = space.mutate(child, rng)
            children.append(child)
    for _ in range(_CROSSOVERS if len(parents) > 1 else 0):
        first, second = rng.choice(len(parents), 2, replace=False)
        children.append(space.crossover(parents[first], parents[second], rng))
    return children
