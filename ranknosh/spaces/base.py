"""What every search space offers: architectures as integer codes, and the questions a search asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ranknosh.errors import SpaceError

Encoding = Literal["onehot", "paths", "counts", "features"]


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


class Space(Protocol):
    """A set of architectures. Everything here is symbolic: numpy, no torch."""

    name: str
    choices: tuple[int, ...]
    """Number of options of every slot."""
    operations: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of codes, isomorphic ones counted apart."""
        ...

    @property
    def enumerable(self) -> bool:
        """True where scoring every architecture at each refit is affordable (up to about 5e5 codes)."""
        ...

    def sample(self, rng: np.random.Generator) -> Architecture:
        """A code drawn uniformly."""
        ...

    def enumerate(self) -> Iterator[Architecture]:
        """Every architecture in code order. Raises SpaceError where the space is not enumerable."""
        ...

    def neighbours(self, architecture: Architecture) -> tuple[Architecture, ...]:
        """Every architecture one edit away, the given one excluded."""
        ...

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A uniformly chosen neighbour."""
        ...

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """A child that takes every slot from either parent with equal chance.

        Args:
            first: a parent.
            second: the other.
            rng: of the choices.
        """
        ...

    def canonical(self, architecture: Architecture) -> str:
        """An id equal for architectures that compute the same function (deduplication key)."""
        ...

    def is_dead(self, architecture: Architecture) -> bool:
        """True where no live path leads from the input to the output: it cannot learn."""
        ...

    def parse(self, text: str) -> Architecture:
        """The architecture of an exchange string. Raises SpaceError on anything else."""
        ...

    def format(self, architecture: Architecture) -> str:
        """The exchange string; ``parse(format(a)) == a``."""
        ...

    def encode(self, architectures: Sequence[Architecture], kind: Encoding = "features") -> NDArray[np.float32]:
        """(n, d) feature rows. ``features`` is the concatenation of onehot, paths and counts."""
        ...

    def graphs(self, architectures: Sequence[Architecture]) -> Graphs:
        """Line graphs for graph predictors."""
        ...

    def operation_counts(self, architecture: Architecture) -> dict[str, int]:
        """How often each operation occurs; keys are ``operations``, all present."""
        ...
