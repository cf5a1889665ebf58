"""NAS-Bench-201: cells of four nodes with one of five operations on each of six edges (Dong & Yang, ICLR 2020).

Two cells are the same where their last node is the same expression. A node is written as the sorted sum of its edges, an
edge as ``(source)@operation``, the input as ``0``; terms that are zero are dropped, and what they feed with them; a sum reached
through a skip edge joins the sum it enters. That leaves 4,930 classes. Deviation: the 6,466 unique topologies of the paper keep
sums of zeros, and brackets depend on how operations are spelled.

What this still passes over: a convolution fed with zeros would emit the bias of its batch norm, a learnable constant; here
(and in the networks of ``spaces.nets``) it is zero. A node used twice is written like two nodes of the same expression,
although the latter have weights of their own; the published rule does the same, and 150 rows of the published table hold the
parameters of such a twin. And it does not use that average pooling is linear.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from ranknosh.errors import unknown
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.cell import CellFeatures
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.encodings import Codes, Graphs, Rows
from ranknosh.spaces.settings import whole_number
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.topology import CellTopology

if TYPE_CHECKING:
    from torch import nn

    from ranknosh.spaces.nets.skeleton import Skeleton
    from ranknosh.spaces.relaxed import Relaxed

NAME = "nasbench201"
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
TOPOLOGY = CellTopology(inputs=1, nodes=4, edges=((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)), outputs=(3,))
_FEATURES = CellFeatures(TOPOLOGY, OPERATIONS, none=0, skip=1, convolutions=(2, 3))

RECIPE = {
    "batch": 256,
    "lr": 0.1,
    "lr_per": "step",
    "momentum": 0.9,
    "nesterov": True,
    "weight_decay": 5e-4,
    "grad_clip": 0.0,
    "augment": "crop_flip",
}
"""Of Dong & Yang (table 1), with 200 epochs, and of the size space, with 90. CIFAR-10 test accuracies are those of networks
trained on all 50,000 images."""


@cache
def _canonical(code: tuple[int, ...]) -> str:
    nodes: list[tuple[str, ...]] = [("0",)]
    for node in range(1, TOPOLOGY.nodes):
        edges = ((OPERATIONS[code[slot]], nodes[TOPOLOGY.edges[slot][0]]) for slot in TOPOLOGY.incoming(node))
        nodes.append(tuple(sorted(term for operation, source in edges for term in _terms(operation, source))))
    return _digest(nodes[-1])


def _terms(operation: str, source: tuple[str, ...]) -> tuple[str, ...]:
    """What an edge adds to the sum of its target."""
    if operation == "none" or not source:
        return ()
    return source if operation == "skip_connect" else (f"({'+'.join(source)})@{operation}",)


def _digest(terms: tuple[str, ...]) -> str:
    text = "+".join(terms) or "#"
    return f"{NAME}-{hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:12]}"


_DEAD = _digest(())


@dataclass(frozen=True)
class NasBench201(Space):
    """The space of 15,625 cells.

    Args:
        channels: of the first stage, C; the others have 2C and 4C.
        cells: of each of the three stages.

    A code holds six indices into ``operations`` in the slot order of the exchange string
    ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``: the edges (1<-0), (2<-0), (2<-1), (3<-0), (3<-1), (3<-2).
    Codes are ordered with the first slot most significant.
    """

    channels: int = 8
    cells: int = 1

    name = NAME
    published: ClassVar[Mapping[str, Any]] = {"channels": 16, "cells": 5}
    recipes: ClassVar[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
        "cifar": {"space": published, "train": {**RECIPE, "epochs": 200, "all_data": True}},
        "small": {"space": {"channels": 16, "cells": 1}, "train": {**RECIPE, "epochs": 25}},
        "tiny": {
            "space": {"channels": 8, "cells": 1},
            "train": {**RECIPE, "augment": "none", "drop_path": 0.0, "batch": 64, "epochs": 8},
        },
    }
    choices = tuple(Choice(f"{source}->{target}", OPERATIONS) for source, target in TOPOLOGY.edges)
    operations = OPERATIONS
    topology = TOPOLOGY

    def __post_init__(self) -> None:
        whole_number("channels", self.channels, 1)
        whole_number("cells", self.cells, 1)

    def network(self, architecture: Architecture, signature: Signature) -> nn.Module:
        """The network of Dong & Yang, ICLR 2020, for images of at least 4x4 pixels."""
        from ranknosh.spaces.nets.network import Network, named_operations

        code = self.chosen(architecture)
        return Network(self._skeleton(signature), named_operations(lambda at: OPERATIONS[code[at.edge_index]]))

    def relaxed(self, signature: Signature) -> Relaxed:
        """Six edges of all five operations, each of which is kept; an edge that keeps none is ``none``."""
        from ranknosh.spaces.nets.network import Network
        from ranknosh.spaces.relaxed import Cells, Relaxed

        def write(cells: Cells) -> str:
            return self.format(Architecture(NAME, tuple(place or 0 for place in cells["normal"])))

        return Relaxed(
            NAME,
            {"normal": (OPERATIONS,) * len(TOPOLOGY.edges)},
            {"normal": TOPOLOGY},
            lambda factory: Network(self._skeleton(signature), factory),
            write,
            deeper=lambda blocks: self.scaled(cells=max(1, (blocks - 2) // 3)).relaxed(signature),
            listed=lambda: ({"normal": architecture.code} for architecture in self.enumerate()),
        )

    def _skeleton(self, signature: Signature) -> Skeleton:
        from ranknosh.spaces.nets.skeleton import staged_skeleton

        ends = {"in_channels": signature.images(NAME)[0], "outputs": signature.classes(NAME)}
        c = self.channels
        return staged_skeleton(NAME, TOPOLOGY, (c, 2 * c, 2 * c, 4 * c, 4 * c), self.cells, **ends)

    def canonical(self, architecture: Architecture) -> str:
        """``nasbench201-`` and 12 hexadecimal digits, one id for each class of this file's head."""
        return _canonical(self.chosen(architecture))

    def is_dead(self, architecture: Architecture) -> bool:
        """True for the 341 cells in which every path from input to output meets a ``none``."""
        return self.canonical(architecture) == _DEAD

    @classmethod
    def reads(cls, text: str) -> bool:
        return text.lstrip().startswith("|")

    def _read(self, text: str) -> Architecture:
        """Blanks around parts and the order of a node's sources do not matter."""
        nodes = text.split("+")
        if len(nodes) != TOPOLOGY.nodes - 1:
            raise ValueError(f"it has {len(nodes)} node(s) separated by '+', not {TOPOLOGY.nodes - 1}")
        code: list[int] = []
        for target, node in enumerate(nodes, start=1):
            code.extend(_read_node(target, node))
        return Architecture(NAME, tuple(code))

    def format(self, architecture: Architecture) -> str:
        """The exchange string; ``parse(format(a)) == a``."""
        parts = [
            f"{OPERATIONS[op]}~{edge[0]}" for op, edge in zip(self.chosen(architecture), TOPOLOGY.edges, strict=True)
        ]
        nodes = [[parts[slot] for slot in TOPOLOGY.incoming(node)] for node in range(1, TOPOLOGY.nodes)]
        return "+".join(f"|{'|'.join(node)}|" for node in nodes)

    def features(self, codes: Codes) -> Rows:
        """(n, 226) rows: indicators d=30, paths d=180, counts d=16, see :class:`~ranknosh.spaces.cell.CellFeatures`."""
        return _FEATURES.features(codes)

    def graphs(self, codes: Codes) -> Graphs:
        """Line graphs of 8 nodes and 10 edges, see :meth:`~ranknosh.spaces.cell.CellFeatures.line_graphs`."""
        return _FEATURES.line_graphs(codes)

    def operation_counts(self, architecture: Architecture) -> dict[str, int]:
        code = self.chosen(architecture)
        return {name: code.count(option) for option, name in enumerate(OPERATIONS)}


@lru_cache(maxsize=256)  # there are 155 nodes in their usual spelling, and tables of all cells repeat them
def _read_node(target: int, node: str) -> tuple[int, ...]:
    """Operation indices of node ``target`` by source."""
    found: dict[int, int] = {}
    for part in (piece.strip() for piece in node.strip().strip("|").split("|")):
        name, separator, source_text = part.partition("~")
        name, source_text = name.strip(), source_text.strip()
        if not separator or not (source_text.isascii() and source_text.isdigit()):
            raise ValueError(f"{part!r} in node {target} is not of the form operation~source")
        if name not in OPERATIONS:
            raise ValueError(unknown("operation", name, OPERATIONS))
        source = int(source_text)
        if source in found:
            raise ValueError(f"node {target} names source {source} twice")
        found[source] = OPERATIONS.index(name)
    if sorted(found) != list(range(target)):
        raise ValueError(f"node {target} takes one edge from each of the nodes 0 to {target - 1}, not {sorted(found)}")
    return tuple(found[source] for source in range(target))
