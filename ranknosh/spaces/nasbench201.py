"""NAS-Bench-201: cells of four nodes with one of five operations on each of six edges (Dong & Yang, ICLR 2020)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ranknosh.errors import SpaceError
from ranknosh.spaces import encoding, mutation
from ranknosh.spaces.base import Architecture, Encoding, Graphs
from ranknosh.spaces.cell import CellTopology
from ranknosh.spaces.nasbench201_ids import UNIQUE_LEVELS, UniqueLevel, expressions, short_id

NAME = "nasbench201"
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
TOPOLOGY = CellTopology(inputs=1, nodes=4, edges=((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)), outputs=(3,))
ROLES = encoding.OperationRoles(OPERATIONS, none=0, skip=1, convolutions=(2, 3))
CHOICES = (len(OPERATIONS),) * len(TOPOLOGY.edges)
SIZE = 15_625
_WEIGHTS = np.array([len(OPERATIONS) ** power for power in range(len(CHOICES) - 1, -1, -1)], dtype=np.int64)
_EXAMPLE = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"


@lru_cache(maxsize=1)
def _all_architectures() -> tuple[Architecture, ...]:
    return tuple(Architecture(NAME, code) for code in product(range(len(OPERATIONS)), repeat=len(CHOICES)))


@lru_cache(maxsize=1)
def _all_codes() -> NDArray[np.int64]:
    return np.arange(SIZE)[:, None] // _WEIGHTS % len(OPERATIONS)


@lru_cache(maxsize=len(UNIQUE_LEVELS))
def _all_expressions(level: UniqueLevel) -> list[str]:
    return expressions(TOPOLOGY, OPERATIONS, level)


@lru_cache(maxsize=1)
def _all_canonical() -> list[str]:
    return [short_id(NAME, expression) for expression in _all_expressions("function")]


@lru_cache(maxsize=1)
def _all_dead() -> list[bool]:
    live_paths = encoding.live_paths(_all_codes(), TOPOLOGY, ROLES)
    return [not any(live) for live in live_paths.tolist()]


@lru_cache(maxsize=4)
def _all_rows(kind: Encoding) -> NDArray[np.float32]:
    """(15,625, d) rows of one encoding, read-only; kept because a search scores the whole space at every refit."""
    codes = _all_codes()
    if kind == "onehot":
        rows = encoding.onehot(codes, CHOICES)
    elif kind == "paths":
        rows = encoding.paths(codes, TOPOLOGY, len(OPERATIONS))
    elif kind == "counts":
        rows = encoding.counts(codes, TOPOLOGY, ROLES)
    elif kind == "features":
        rows = np.concatenate([_all_rows("onehot"), _all_rows("paths"), _all_rows("counts")], axis=1)
    else:
        raise SpaceError(f"unknown encoding {kind!r}: use onehot, paths, counts or features")
    rows.setflags(write=False)
    return rows


class NasBench201:
    """The space of 15,625 cells.

    A code holds six indices into ``operations`` in the slot order of the exchange string
    ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``: the edges (1<-0), (2<-0), (2<-1), (3<-0), (3<-1), (3<-2).
    Codes are ordered with the first slot most significant. The object holds no state.
    """

    name: str = NAME
    choices: tuple[int, ...] = CHOICES
    operations: tuple[str, ...] = OPERATIONS
    topology: CellTopology = TOPOLOGY
    size: int = SIZE
    enumerable: bool = True

    def index(self, architecture: Architecture) -> int:
        """The place of the code in :meth:`enumerate`. Raises SpaceError for an architecture of another space."""
        code = architecture.code
        if architecture.space != NAME:
            raise SpaceError(f"asked {NAME} about an architecture of space {architecture.space!r}: use that space")
        if len(code) != len(CHOICES) or not all(0 <= value < len(OPERATIONS) for value in code):
            raise SpaceError(
                f"code {code} is not of {NAME}: it takes {len(CHOICES)} indices from 0 to {len(OPERATIONS) - 1}"
            )
        return int(np.dot(code, _WEIGHTS))

    def at(self, index: int) -> Architecture:
        """The architecture at a place of :meth:`enumerate`."""
        if not 0 <= index < SIZE:
            raise SpaceError(f"{NAME} has no cell number {index}: numbers run from 0 to {SIZE - 1}")
        return _all_architectures()[index]

    def sample(self, rng: np.random.Generator) -> Architecture:
        """A code drawn uniformly."""
        return Architecture(NAME, mutation.sample(CHOICES, rng))

    def enumerate(self) -> Iterator[Architecture]:
        """All 15,625 architectures in code order."""
        return iter(_all_architectures())

    def neighbours(self, architecture: Architecture) -> tuple[Architecture, ...]:
        """The 24 cells with one operation changed."""
        self.index(architecture)
        return tuple(Architecture(NAME, code) for code in mutation.neighbours(architecture.code, CHOICES))

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A uniformly chosen neighbour."""
        self.index(architecture)
        return Architecture(NAME, mutation.mutate(architecture.code, CHOICES, rng))

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """A child that takes every operation from either parent with equal chance."""
        self.index(first)
        self.index(second)
        return Architecture(NAME, mutation.crossover(first.code, second.code, rng))

    def canonical(self, architecture: Architecture) -> str:
        """``nasbench201-`` and 12 hexadecimal digits, one id for each of the 4,930 classes of level ``function``."""
        return _all_canonical()[self.index(architecture)]

    def unique_id(self, architecture: Architecture, level: UniqueLevel = "published") -> str:
        """The expression by which cells are told apart at a level of :mod:`ranknosh.spaces.nasbench201_ids`."""
        if level not in UNIQUE_LEVELS:
            raise SpaceError(f"unknown level of uniqueness {level!r}: use one of {', '.join(UNIQUE_LEVELS)}")
        return _all_expressions(level)[self.index(architecture)]

    def is_dead(self, architecture: Architecture) -> bool:
        """True for the 341 cells in which every path from input to output meets a ``none``."""
        return _all_dead()[self.index(architecture)]

    def parse(self, text: str) -> Architecture:
        """The architecture of an exchange string. Blanks around parts and the order of a node's sources do not matter.

        Raises SpaceError on anything else, naming the part that is wrong.
        """
        nodes = text.strip().split("+")
        if len(nodes) != TOPOLOGY.nodes - 1:
            raise _unreadable(text, f"it has {len(nodes)} node(s) separated by '+', not {TOPOLOGY.nodes - 1}")
        code: list[int] = []
        for target, node in enumerate(nodes, start=1):
            code.extend(_parse_node(text, target, node))
        return Architecture(NAME, tuple(code))

    def format(self, architecture: Architecture) -> str:
        """The exchange string; ``parse(format(a)) == a``."""
        self.index(architecture)
        parts = [f"{OPERATIONS[op]}~{edge[0]}" for op, edge in zip(architecture.code, TOPOLOGY.edges, strict=True)]
        nodes = [[parts[slot] for slot in TOPOLOGY.incoming(node)] for node in range(1, TOPOLOGY.nodes)]
        return "+".join(f"|{'|'.join(node)}|" for node in nodes)

    def encode(self, architectures: Sequence[Architecture], kind: Encoding = "features") -> NDArray[np.float32]:
        """(n, d) rows: onehot d=30, paths d=180, counts d=16, features d=226 (the three side by side)."""
        return _all_rows(kind)[self._indices(architectures)]

    def graphs(self, architectures: Sequence[Architecture]) -> Graphs:
        """Line graphs of 8 nodes and 10 edges, see :func:`ranknosh.spaces.encoding.line_graphs`."""
        return encoding.line_graphs(_all_codes()[self._indices(architectures)], TOPOLOGY, ROLES)

    def operation_counts(self, architecture: Architecture) -> dict[str, int]:
        """How often each operation occurs; keys are ``operations``, all present."""
        self.index(architecture)
        return {name: architecture.code.count(index) for index, name in enumerate(OPERATIONS)}

    def _indices(self, architectures: Sequence[Architecture]) -> NDArray[np.int64]:
        """(n,) places in code order. Checks all codes at once; the first bad one is named by :meth:`index`."""
        if any(item.space != NAME or len(item.code) != len(CHOICES) for item in architectures):
            return np.array([self.index(item) for item in architectures], dtype=np.int64)
        codes = np.array([item.code for item in architectures], dtype=np.int64).reshape(-1, len(CHOICES))
        outside = ((codes < 0) | (codes >= len(OPERATIONS))).any(axis=1)
        if outside.any():
            self.index(architectures[int(outside.argmax())])
        indices: NDArray[np.int64] = codes @ _WEIGHTS
        return indices


def _parse_node(text: str, target: int, node: str) -> list[int]:
    """Operation indices of node ``target`` by source."""
    found: dict[int, int] = {}
    for part in (piece.strip() for piece in node.strip().strip("|").split("|")):
        name, separator, source_text = part.partition("~")
        name, source_text = name.strip(), source_text.strip()
        if not separator or not (source_text.isascii() and source_text.isdigit()):
            raise _unreadable(text, f"{part!r} in node {target} is not of the form operation~source")
        if name not in OPERATIONS:
            near = get_close_matches(name, OPERATIONS, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise _unreadable(text, f"unknown operation {name!r}{hint}; known are {', '.join(OPERATIONS)}")
        source = int(source_text)
        if source in found:
            raise _unreadable(text, f"node {target} names source {source} twice")
        found[source] = OPERATIONS.index(name)
    if sorted(found) != list(range(target)):
        raise _unreadable(
            text, f"node {target} takes one edge from each of the nodes 0 to {target - 1}, not {sorted(found)}"
        )
    return [found[source] for source in range(target)]


def _unreadable(text: str, reason: str) -> SpaceError:
    shown = text if len(text) <= 200 else text[:200] + "..."
    return SpaceError(f"cannot read {shown!r} as a {NAME} cell: {reason}. An example: {_EXAMPLE}")
