"""What every search space offers: architectures as integer codes, and the questions a search asks of them."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranknosh.errors import SpaceError

Codes = NDArray[np.int64]
Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Architecture:
    """One point of a space: ``code[i]`` is the choice taken at slot ``i`` (``0 <= code[i] < space.choices[i]``)."""

    space: str
    code: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NetworkSize:
    """The macro structure an architecture is placed in, shared by every candidate of a search.

    What ``cells`` counts is the space's matter: cells a stage in NAS-Bench-201, cells in all in DARTS, layers in a chain.
    Raises SpaceError for a size no network can have.
    """

    channels: int
    cells: int
    classes: int
    in_channels: int = 3

    def __post_init__(self) -> None:
        for name, least in (("channels", 1), ("cells", 1), ("classes", 2), ("in_channels", 1)):
            if getattr(self, name) < least:
                raise SpaceError(f"a network needs {name} >= {least}, not {getattr(self, name)}")


class Graphs(NamedTuple):
    """Dense line graphs of ``n`` architectures, padded to ``V`` nodes: operations sit on nodes.

    adjacency: (n, V, V) bool, ``[a, i, j]`` is an edge from node i to node j.
    labels: (n, V) int64, index into ``node_kinds``. mask: (n, V) bool, False on padding.
    """

    adjacency: NDArray[np.bool_]
    labels: NDArray[np.int64]
    mask: NDArray[np.bool_]
    node_kinds: tuple[str, ...]


class Space(ABC):
    """A set of architectures. Everything here is symbolic: numpy, no torch.

    Edits choose among *options*: a number below ``options[i]`` for each independent choice i; they are the code itself unless a
    space says otherwise. Questions about an architecture of another space, or a code out of range, raise SpaceError.
    """

    name: str
    choices: tuple[int, ...]
    """Number of options of every slot of a code."""
    options: tuple[int, ...]
    operations: tuple[str, ...]
    most_enumerable = 500_000
    """Codes up to which scoring every architecture at each refit is affordable."""

    @property
    def size(self) -> int:
        """Number of codes, isomorphic ones counted apart."""
        return math.prod(self.options)

    @property
    def enumerable(self) -> bool:
        """True where scoring every architecture at each refit is affordable."""
        return self.size <= self.most_enumerable

    def chosen(self, architecture: Architecture) -> tuple[int, ...]:
        """The option taken at every choice."""
        code = architecture.code
        if architecture.space != self.name:
            raise SpaceError(f"asked {self.name} about an architecture of space {architecture.space!r}: use that space")
        if len(code) != len(self.choices) or not all(
            0 <= value < size for value, size in zip(code, self.choices, strict=True)
        ):
            raise SpaceError(
                f"code {code} is not of {self.name}: it takes one option of every slot, counted from 0, and the slots have "
                f"{self.choices} options"
            )
        return code

    def codes(self, architectures: Sequence[Architecture]) -> Codes:
        """(n, slots): the codes of these architectures."""
        slots = len(self.choices)
        codes = [a.code for a in architectures if a.space == self.name and len(a.code) == slots]
        found = np.array(codes, dtype=np.int64).reshape(-1, slots)
        if len(found) < len(architectures) or not ((found >= 0) & (found < self.choices)).all():
            for architecture in architectures:
                self.chosen(architecture)  # says which one is wrong, and why
        return found

    def of(self, options: Iterable[int]) -> Architecture:
        """The architecture of these options, which must be in range."""
        return Architecture(self.name, tuple(options))

    def moves(self, number: int, option: int) -> Sequence[int]:
        """The options one edit away from ``option`` at choice ``number``."""
        return [other for other in range(self.options[number]) if other != option]

    def sample(self, rng: np.random.Generator) -> Architecture:
        """An architecture drawn uniformly."""
        return self.of(int(value) for value in rng.integers(0, np.array(self.options)))

    def enumerate(self) -> Iterator[Architecture]:
        """Every architecture in code order. Raises SpaceError where the space is not enumerable."""
        if not self.enumerable:
            raise SpaceError(
                f"{self.name} has {self.size:.3g} architectures, too many to list (limit {self.most_enumerable}); sample it "
                "instead"
            )
        return map(self.of, product(*map(range, self.options)))

    def shuffled(self, rng: np.random.Generator) -> Iterator[Architecture]:
        """Architectures drawn uniformly: every one once where the space is enumerable, else without end and perhaps again."""
        if self.enumerable:
            for number in rng.permutation(self.size):
                yield self.of(int(option) for option in np.unravel_index(number, self.options))
        while not self.enumerable:
            yield self.sample(rng)

    def neighbours(self, architecture: Architecture) -> tuple[Architecture, ...]:
        """Every architecture one edit away, the given one excluded, by choice and then by option."""
        options = self.chosen(architecture)
        return tuple(
            self.of((*options[:number], other, *options[number + 1 :]))
            for number, option in enumerate(options)
            for other in self.moves(number, option)
        )

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A neighbour, each with the same probability. A space of a single architecture gives it back."""
        options = list(self.chosen(architecture))
        moves = [(number, other) for number, option in enumerate(options) for other in self.moves(number, option)]
        if not moves:
            return architecture
        number, option = moves[int(rng.integers(len(moves)))]
        options[number] = option
        return self.of(options)

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """A child that takes every choice from either parent with equal chance.

        Args:
            first: a parent.
            second: the other.
            rng: of the choices.
        """
        pairs = zip(self.chosen(first), self.chosen(second), rng.random(len(self.options)) < 0.5, strict=True)
        return self.of(a if take else b for a, b, take in pairs)

    @abstractmethod
    def canonical(self, architecture: Architecture) -> str:
        """An id equal for architectures that compute the same function (deduplication key)."""

    @abstractmethod
    def is_dead(self, architecture: Architecture) -> bool:
        """True where no live path leads from the input to the output: it cannot learn."""

    @abstractmethod
    def parse(self, text: str) -> Architecture:
        """The architecture of an exchange string. Raises SpaceError on anything else."""

    @abstractmethod
    def format(self, architecture: Architecture) -> str:
        """The exchange string; ``parse(format(a)) == a``."""

    @abstractmethod
    def features(self, codes: Codes) -> Rows:
        """(n, d) feature rows of codes (n, slots)."""

    @abstractmethod
    def graphs(self, codes: Codes) -> Graphs:
        """Line graphs of codes (n, slots), for graph predictors."""

    @abstractmethod
    def operation_counts(self, architecture: Architecture) -> dict[str, int]:
        """How often each operation occurs; keys are ``operations``, all present."""


def onehot(codes: Codes, choices: Sequence[int]) -> Rows:
    """(n, sum(choices)): one block a slot, 1 at the option taken."""
    offsets = np.concatenate([[0], np.cumsum(choices)[:-1]])
    rows = np.zeros((len(codes), int(sum(choices))), dtype=np.float32)
    np.put_along_axis(rows, codes + offsets, 1.0, axis=1)
    return rows
