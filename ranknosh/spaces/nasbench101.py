"""NAS-Bench-101: cells of up to seven vertices and nine edges, operations on the vertices (Ying et al., ICML 2019).

Vertex 0 is the input, vertex 6 the output, each of the five between them a 3x3 or a 1x1 convolution (with batch norm and ReLU) or
3x3 max-pooling. What lies on no path from the input to the output is cut off, and what is left may have nine edges. So a code is
a cell where it holds a path, and cells of fewer vertices are among them.

Two cells are the same where their graphs, labels included, are isomorphic after the cut: that is what the hash of the published
table tells apart, and leaves 423,624 cells. What it passes over: where channels do not divide evenly, earlier vertices get one
more, so that isomorphic cells can differ by a channel here and there. A network is built from the very matrix that is given.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from reprlib import repr as shortened
from typing import TYPE_CHECKING

from ranknosh.errors import unknown
from ranknosh.spaces import vertex_cells
from ranknosh.spaces.base import Architecture, Space, read_json
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.encodings import Codes, Graphs, Rows
from ranknosh.spaces.settings import whole_number
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.vertex_cells import EDGES, INNER, MOST_EDGES, OPERATIONS, VERTICES, PrunedCell, kept_edges

if TYPE_CHECKING:
    from torch import nn

NAME = "nasbench101"


@dataclass(frozen=True)
class NasBench101(Space):
    """The space of cells: 21 edges that are there or not, and the operations of five vertices.

    Codes are drawn uniformly among those that are cells, 373,754,169 of them, as ``random_spec`` of the published notebook does:
    a cell that many codes stand for comes more often. An edit sets or takes away one edge, or changes one operation, as there.

    Args:
        channels: of the stem and the first of three stacks, doubled for each of the others; 128 in the paper.
        cells: of each stack; 3 in the paper.
    """

    channels: int = 128
    cells: int = 3

    name = NAME
    choices = (
        *(Choice(f"{source}->{target}", (0, 1)) for source, target in EDGES),
        *(Choice(f"op{vertex}", OPERATIONS) for vertex in INNER),
    )

    def __post_init__(self) -> None:
        whole_number("channels", self.channels, len(INNER), f"up to {len(INNER)} vertices share them")
        whole_number("cells", self.cells, 1)

    @property
    def size(self) -> int:
        """Number of codes that are cells: 1,538,083 matrices, each with 243 sets of operations."""
        return 1_538_083 * len(OPERATIONS) ** len(INNER)

    def is_valid(self, options: tuple[int, ...]) -> bool:
        """True where a path leads from the input to the output and the cut leaves at most nine edges."""
        return 0 < kept_edges(options).bit_count() <= MOST_EDGES

    @classmethod
    def reads(cls, text: str) -> bool:
        """Whether a text begins as JSON and names a matrix."""
        return text.lstrip().startswith("{") and '"matrix"' in text

    def cell(self, architecture: Architecture) -> PrunedCell:
        """What the cut leaves of an architecture."""
        return vertex_cells.cell_of(self.chosen(architecture))

    def canonical(self, architecture: Architecture) -> str:
        """``nasbench101-``, then :func:`~ranknosh.spaces.vertex_cells.canonical`."""
        return f"{NAME}-{vertex_cells.canonical(self.chosen(architecture))}"

    def different(self) -> int:
        """The 423,624 cells of the paper, counted by listing them."""
        return sum(map(len, vertex_cells.all_cells()))

    @property
    def example(self) -> str:
        """A cell of three vertices."""
        return '{"matrix": [[0, 1, 1], [0, 0, 1], [0, 0, 0]], "ops": ["input", "conv3x3-bn-relu", "output"]}'

    def _read(self, text: str) -> Architecture:
        """``{"matrix": [[...], ...], "ops": [...]}`` with two to seven vertices."""
        matrix, inner = _read(text)
        last = len(matrix) - 1
        there = {
            (s, t if t < last else VERTICES - 1) for s in range(last) for t in range(s + 1, last + 1) if matrix[s][t]
        }
        code = (*(int(edge in there) for edge in EDGES), *inner, *[0] * (len(INNER) - len(inner)))
        left = kept_edges(code).bit_count()
        if not left:
            raise ValueError("no path leads from the input to the output")
        if left > MOST_EDGES:
            raise ValueError(f"{left} edges lie on paths from the input to the output, and {MOST_EDGES} are allowed")
        return self.of(code)

    def format(self, architecture: Architecture) -> str:
        """The matrix and the operations of all seven vertices, as the published tools read them; ``parse(format(a)) == a``."""
        code = self.chosen(architecture)
        there = [edge for edge, option in zip(EDGES, code[: len(EDGES)], strict=True) if option]
        return _text(there, ["input", *(OPERATIONS[option] for option in code[len(EDGES) :]), "output"])

    def describe(self, architecture: Architecture) -> str:
        """As :meth:`format`, without what the cut takes away."""
        cell = self.cell(architecture)
        return _text(cell.edges, cell.names)

    def operation_counts(self, architecture: Architecture) -> dict[str, int]:
        """How often each operation occurs after the cut."""
        names = self.cell(architecture).names
        return {name: names.count(name) for name in OPERATIONS}

    def features(self, codes: Codes) -> Rows:
        """(n, 87) rows, see :func:`~ranknosh.spaces.vertex_cells.features`."""
        return vertex_cells.features(codes)

    def graphs(self, codes: Codes) -> Graphs:
        """The cells themselves, see :func:`~ranknosh.spaces.vertex_cells.graphs`."""
        return vertex_cells.graphs(codes)

    def network(self, architecture: Architecture, signature: Signature) -> nn.Module:
        """The network of Ying et al., ICML 2019, for images of at least 4x4 pixels.

        Deviations: initial weights and the momentum of batch norms are torch's.
        """
        from ranknosh.spaces.nets.nasbench101 import VertexNetwork

        cell = self.cell(architecture)
        images, outputs = signature.images(NAME, least=4), signature.classes(NAME)
        return VertexNetwork(cell.edges, cell.names, self.channels, self.cells, in_channels=images[0], outputs=outputs)


def _text(edges: Iterable[tuple[int, int]], names: Iterable[str]) -> str:
    there, ops = set(edges), list(names)
    matrix = [[int((source, target) in there) for target in range(len(ops))] for source in range(len(ops))]
    return json.dumps({"matrix": matrix, "ops": ops})


def _read(text: str) -> tuple[list[list[int]], list[int]]:
    """The matrix and the places of the inner operations of an exchange text."""
    found = read_json(text)
    if not isinstance(found, dict) or set(found) != {"matrix", "ops"}:
        raise ValueError("it is to be an object of matrix and ops")
    matrix, names = found["matrix"], found["ops"]
    if not isinstance(names, list) or not 2 <= len(names) <= VERTICES or [names[0], names[-1]] != ["input", "output"]:
        raise ValueError(f"ops lists 2 to {VERTICES} vertices, the first one input and the last one output")
    if not isinstance(matrix, list) or [len(row) if isinstance(row, list) else 0 for row in matrix] != [
        len(names)
    ] * len(names):
        raise ValueError(f"matrix has {len(names)} rows of {len(names)} numbers, one for each of ops")
    for source, row in enumerate(matrix):
        for target, value in enumerate(row):
            if type(value) is not int or value not in (0, 1) or (value and target <= source):
                raise ValueError(
                    f"matrix[{source}][{target}] is {shortened(value)}; entries above the diagonal are 0 or 1, and all others 0",
                )
    for name in names[1:-1]:
        if name not in OPERATIONS:
            raise ValueError(unknown("operation", str(name), OPERATIONS))
    return matrix, [OPERATIONS.index(name) for name in names[1:-1]]
