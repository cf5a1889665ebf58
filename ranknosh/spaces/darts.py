"""The DARTS space (Liu et al., ICLR 2019), S1 to S4 of R-DARTS (Zela et al., ICLR 2020), and genotypes as architectures.

An architecture is a normal and a reduction cell. Each of a cell's ``steps`` nodes takes two different earlier nodes, each through
one operation; nodes 0 and 1 are the outputs of the two cells before. The slots of a node are the pair of its sources and the
operation of either, so that drawing slots uniformly draws derived cells uniformly: 1,037,664,180 normal cells, and as many
reduction cells, for four steps and seven operations.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations, combinations_with_replacement, permutations
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.darts_rows import CellRows
from ranknosh.spaces.encodings import Codes, Graphs, Rows
from ranknosh.spaces.genotype import (
    EXTENDED_OPERATIONS,
    KINDS,
    OPERATIONS,
    Genotype,
    format_genotype,
    looks_like_one,
    parse,
    whole_cell,
)
from ranknosh.spaces.settings import flag, listed, one_of, several, whole_number
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.topology import CellTopology, Edge

if TYPE_CHECKING:
    from torch import nn

    from ranknosh.spaces.nets.skeleton import Skeleton
    from ranknosh.spaces.relaxed import Relaxed

_RECIPE = {
    "batch": 96,
    "lr": 0.025,
    "lr_per": "epoch",
    "momentum": 0.9,
    "nesterov": False,
    "weight_decay": 3e-4,
    "grad_clip": 5.0,
    "augment": "crop_flip_cutout",
    "drop_path": 0.2,
    "auxiliary": 0.4,
}
"""Of Liu et al. (the official code), with 600 epochs on all 50,000 images of CIFAR-10."""
_IMAGENET = {
    **_RECIPE,
    "epochs": 250,
    "batch": 128,
    "lr": 0.1,
    "schedule": "exponential",
    "weight_decay": 3e-5,
    "augment": "crop_flip",
    "drop_path": 0.0,
}
"""Of Liu et al. (the official code for ImageNet; there with random resized crops and colour jitter): the rate decays by 0.97 an
epoch. Others train larger batches at a linear one (PC-DARTS: 1024, 0.5, after 5 epochs of warm-up)."""
MOST_STEPS = 8
Picks = tuple[tuple[str, int, int], ...]
"""The edges of a cell: (operation, source, target), by target and then by source."""


@dataclass(frozen=True)
class Darts(Space):
    """The space of pairs of cells.

    Args:
        channels: of the first cells, C; the stem has 3C.
        cells: in all; those at one and two thirds of the depth are reduction cells.
        operations: of which an edge takes one.
        steps: nodes of a cell.
        normal_concat: nodes that make the output of a normal cell; none for all of them.
        reduce_concat: those of a reduction cell.
        repeats: a node may take one source twice, as in hand-made cells.
        stem: ``plain`` keeps the size of pictures (CIFAR); ``imagenet`` has C channels and brings them to an eighth.
        none: supernets have ``none`` on every edge too, which is never kept; SDARTS, DARTS-PT and DARTS- search without it.

    Raises:
        SpaceError: for a value that no network can have.
    """

    channels: int = 8
    cells: int = 5
    operations: tuple[str, ...] = OPERATIONS[1:]  # type: ignore[assignment]
    steps: int = 4
    normal_concat: tuple[int, ...] = ()
    reduce_concat: tuple[int, ...] = ()
    repeats: bool = False
    none: bool = True
    stem: Literal["plain", "imagenet"] = "plain"

    name = "darts"
    published: ClassVar[Mapping[str, Any]] = {"channels": 16, "cells": 8}
    recipes: ClassVar[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
        "cifar": {"space": {"channels": 36, "cells": 20}, "train": {**_RECIPE, "epochs": 600, "all_data": True}},
        "imagenet": {
            "space": {"channels": 48, "cells": 14, "stem": "imagenet"},
            "train": _IMAGENET,
            "task": {"label_smoothing": 0.1},
        },
        "small": {"space": published, "train": {**_RECIPE, "epochs": 25}},
        "tiny": {
            "space": {"channels": 8, "cells": 5},
            "train": {**_RECIPE, "augment": "none", "drop_path": 0.0, "batch": 64, "lr": 0.05, "epochs": 8},
        },
    }

    def __post_init__(self) -> None:
        whole_number("channels", self.channels, 1)
        whole_number(
            "cells", self.cells, 3, "fewer have no normal or no reduction cell, so that half of a code would do nothing"
        )
        whole_number("steps", self.steps, 1, "cells are compared under every order of their nodes", most=MOST_STEPS)
        object.__setattr__(self, "operations", several("operations", self.operations))
        for name in ("normal_concat", "reduce_concat"):
            object.__setattr__(self, name, listed(name, getattr(self, name)))
        one_of("stem", self.stem, ("plain", "imagenet"))
        for name in ("repeats", "none"):
            flag(name, getattr(self, name))
        for operation in self.operations:
            one_of("an entry of operations", operation, EXTENDED_OPERATIONS)
        for kind in KINDS:
            for node in self.outputs(kind):
                whole_number(f"a node of {kind}_concat", node, 2, most=self.steps + 1)

    @cached_property
    def choices(self) -> tuple[Choice, ...]:  # type: ignore[override]
        """For each node of each cell the pair of its sources, and the operations on the edge from the lower and the higher."""
        made = []
        for kind in KINDS:
            for node in range(2, self.steps + 2):
                pairs = tuple(f"{first},{second}" for first, second in self._pairs(node))
                made.append(Choice(f"{kind}.{node}.sources", pairs))
                made += [Choice(f"{kind}.{node}.{which}", self._labels) for which in ("lower", "higher")]
        return tuple(made)

    @property
    def _labels(self) -> tuple[Any, ...]:
        """What stands for an operation in a choice."""
        return self.operations

    def _pairs(self, node: int) -> list[tuple[int, int]]:
        pairs = combinations_with_replacement if self.repeats else combinations
        return list(pairs(range(node), 2))

    def operation(self, kind: str, source: int, target: int, place: int) -> str:
        """The operation that option ``place`` stands for on an edge of the cell of this ``kind``."""
        return self.operations[place]

    def outputs(self, kind: str) -> tuple[int, ...]:
        """The nodes that make the output of the cell of this ``kind``."""
        return (self.normal_concat if kind == "normal" else self.reduce_concat) or tuple(range(2, self.steps + 2))

    def picks(self, architecture: Architecture, kind: str) -> Picks:
        """The edges of the cell of this ``kind``."""
        slots = 3 * self.steps
        return self._picks(kind, self.chosen(architecture)[slots * KINDS.index(kind) :][:slots])

    def _picks(self, kind: str, code: tuple[int, ...]) -> Picks:
        edges = []
        for step in range(self.steps):
            pair, *places = code[3 * step : 3 * step + 3]
            for source, place in zip(self._pairs(step + 2)[pair], places, strict=True):
                edges.append((self.operation(kind, source, step + 2, place), source, step + 2))
        return tuple(edges)

    # Text.

    def genotype(self, architecture: Architecture) -> Genotype:
        """The cells as other programs read them."""
        normal, reduce = (
            tuple((operation, source) for operation, source, _ in self.picks(architecture, kind)) for kind in KINDS
        )
        return Genotype(normal, self.outputs("normal"), reduce, self.outputs("reduce"))

    def of_genotype(self, genotype: Genotype) -> Architecture:
        """The architecture of a genotype. Raises SpaceError, saying what does not fit, for one outside of the space."""
        code: list[int] = []
        cells = (genotype.normal, genotype.normal_concat), (genotype.reduce, genotype.reduce_concat)
        for kind, (picks, concat) in zip(KINDS, cells, strict=True):
            if len(picks) != 2 * self.steps:
                raise SpaceError(
                    f"the {kind} cell has {len(picks) // 2} nodes, and cells of {self.name} have {self.steps}"
                )
            if sorted(concat) != list(self.outputs(kind)):
                raise SpaceError(
                    f"{kind}_concat is {list(concat)}, and in {self.name} nodes {list(self.outputs(kind))} make the output"
                )
            for step in range(self.steps):
                code += self._node(kind, step + 2, *picks[2 * step : 2 * step + 2])
        return Architecture(self.name, tuple(code))

    def _node(self, kind: str, node: int, *picks: tuple[str, int]) -> list[int]:
        """The options of one node."""
        ordered = sorted(picks, key=lambda pick: pick[1])
        pair = tuple(source for _, source in ordered)
        if pair not in self._pairs(node):
            raise SpaceError(
                f"node {node} of the {kind} cell takes node {pair[0]} twice; in {self.name} its sources differ"
            )
        places = []
        for operation, source in ordered:
            known = [self.operation(kind, source, node, place) for place in range(len(self._labels))]
            if operation not in known:
                raise SpaceError(
                    f"the {kind} cell has {operation} on the edge from {source} to {node}, where {self.name} takes one of "
                    f"{', '.join(known)}"
                )
            places.append(known.index(operation))
        return [self._pairs(node).index(pair), *places]  # type: ignore[arg-type]

    @classmethod
    def reads(cls, text: str) -> bool:
        return looks_like_one(text)

    def parse(self, text: str) -> Architecture:
        """The architecture of ``Genotype(...)``, see :func:`ranknosh.spaces.genotype.parse`."""
        return self.of_genotype(parse(text))

    def format(self, architecture: Architecture) -> str:
        """``Genotype(normal=[...], normal_concat=[...], reduce=[...], reduce_concat=[...])``, each node's lower source first."""
        return format_genotype(self.genotype(architecture))

    def holding(self, text: str) -> Space:
        """This space, or the smallest of wider settings that holds the genotype: with ``none`` and operations of hand-made cells,
        another number of nodes, other concatenations, sources taken twice."""
        genotype = parse(text)
        try:
            self.of_genotype(genotype)
            return self
        except SpaceError:
            picks = (*genotype.normal, *genotype.reduce)
            named, steps = {operation for operation, _ in picks}, len(genotype.normal) // 2
            everything = list(range(2, steps + 2))
            normal, reduce = (sorted(concat) for concat in (genotype.normal_concat, genotype.reduce_concat))
            wide = Darts(
                self.channels,
                self.cells,
                Darts.operations if named <= set(Darts.operations) else EXTENDED_OPERATIONS,
                steps,
                () if normal == everything else tuple(normal),
                () if reduce == everything else tuple(reduce),
                repeats=any(one[1] == other[1] for one, other in zip(picks[::2], picks[1::2], strict=True)),
                stem=self.stem,
            )
            wide.of_genotype(genotype)
            return wide

    # Questions of a search.

    def canonical(self, architecture: Architecture) -> str:
        """``darts-`` and 12 hexadecimal digits: equal for cells that differ in the order of a node's sources or in the numbers of
        their nodes, and for edges that carry nothing or lead nowhere."""
        cells = [_canonical(self.picks(architecture, kind), self.steps, self.outputs(kind)) for kind in KINDS]
        return f"darts-{hashlib.sha1(repr(cells).encode(), usedforsecurity=False).hexdigest()[:12]}"

    def is_dead(self, architecture: Architecture) -> bool:
        """True where the output of one of the cells depends on no input: every path there meets a ``none``."""
        return any(not _live(self.picks(architecture, kind), self.steps, self.outputs(kind)) for kind in KINDS)

    def operation_counts(self, architecture: Architecture) -> dict[str, int]:
        names = [operation for kind in KINDS for operation, _, _ in self.picks(architecture, kind)]
        return {operation: names.count(operation) for operation in self.operations}

    def features(self, codes: Codes) -> Rows:
        """(n, d) rows of both cells, see :meth:`ranknosh.spaces.darts_rows.CellRows.features`."""
        return self._rows.features(codes)

    def graphs(self, codes: Codes) -> Graphs:
        """Line graphs of both cells, see :meth:`ranknosh.spaces.darts_rows.CellRows.graphs`."""
        return self._rows.graphs(codes)

    @cached_property
    def _rows(self) -> CellRows:
        places = len(self._labels)
        return CellRows(self.operations, self.steps, self._pairs, self.operation, places, self.outputs)

    # Networks.

    def topology(self, kind: str, picks: Picks) -> CellTopology:
        """The graph of a cell of these edges."""
        edges: tuple[Edge, ...] = tuple((source, target) for _, source, target in picks)
        return CellTopology(inputs=2, nodes=self.steps + 2, edges=edges, outputs=self.outputs(kind))

    def network(self, architecture: Architecture, signature: Signature) -> nn.Module:
        """The network of Liu et al. (ICLR 2019) without its auxiliary head, for images of at least 4x4 pixels."""
        from ranknosh.spaces.nets.network import Network, named_operations

        picks = {kind: self.picks(architecture, kind) for kind in KINDS}
        skeleton = self._skeleton({kind: self.topology(kind, picks[kind]) for kind in KINDS}, signature)
        return Network(skeleton, named_operations(lambda at: picks[at.cell_kind][at.edge_index][0]))

    def relaxed(self, signature: Signature) -> Relaxed:
        """Every edge that may be chosen with its operations, and ``none`` beside them where the space has it."""
        from ranknosh.spaces.darts_supernet import relaxed_cells
        from ranknosh.spaces.nets.network import Network

        graphs = {kind: whole_cell(self.steps, self.outputs(kind)) for kind in KINDS}
        candidates = {kind: tuple(self.candidates(kind, *edge) for edge in graphs[kind].edges) for kind in KINDS}
        return relaxed_cells(
            self.name,
            candidates,
            graphs,
            build=lambda factory: Network(self._skeleton(graphs, signature), factory),
            deeper=lambda blocks: self.scaled(cells=blocks).relaxed(signature),
        )

    def candidates(self, kind: str, source: int, target: int) -> tuple[str, ...]:
        """The operations of an edge of a supernet."""
        own = tuple(self.operation(kind, source, target, place) for place in range(len(self._labels)))
        return ("none", *own) if self.none and "none" not in own else own

    def _skeleton(self, graphs: Mapping[str, CellTopology], signature: Signature) -> Skeleton:
        from ranknosh.spaces.nets.skeleton import darts_skeleton

        ends = {"in_channels": signature.images(self.name)[0], "outputs": signature.classes(self.name)}
        return darts_skeleton(
            self.name, graphs["normal"], graphs["reduce"], self.channels, self.cells, stem=self.stem, **ends
        )


def _live(picks: Picks, steps: int, outputs: tuple[int, ...]) -> Picks:
    """The edges on a path of carrying edges from an input to an output."""
    graph = CellTopology(2, steps + 2, tuple((source, target) for _, source, target in picks), outputs)
    live = graph.live([operation != "none" for operation, _, _ in picks])
    return tuple(pick for pick, alive in zip(picks, live, strict=True) if alive)


@lru_cache(maxsize=100_000)
def _canonical(picks: Picks, steps: int, outputs: tuple[int, ...]) -> tuple[Any, ...]:
    """The least of the descriptions of a cell under every numbering of its nodes."""
    live = _live(picks, steps, outputs)
    nodes = range(2, steps + 2)

    def renamed(order: tuple[int, ...]) -> tuple[Any, ...]:
        number = {0: 0, 1: 1, **dict(zip(nodes, order, strict=True))}
        edges = sorted((number[target], number[source], operation) for operation, source, target in live)
        return tuple(edges), tuple(sorted(number[node] for node in outputs))

    return min(map(renamed, permutations(nodes)))
