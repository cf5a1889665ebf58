"""Graphs of cells: which nodes and edges there are, and which of these matter. No tensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ranknosh.errors import SpaceError

Edge = tuple[int, int]


@dataclass(frozen=True)
class CellTopology:
    """A directed acyclic graph whose edges carry operations.

    Nodes ``0 .. inputs-1`` receive the cell's inputs; every other node is the sum of the edges that enter it.
    ``edges`` are ``(source, target)`` pairs with source < target, in slot order; two may join the same nodes. The cell's
    output is the value of ``outputs``, concatenated along the channels where there is more than one. Raises SpaceError for any
    other graph.
    """

    inputs: int
    nodes: int
    edges: tuple[Edge, ...]
    outputs: tuple[int, ...]

    def __post_init__(self) -> None:
        for source, target in self.edges:
            if not (0 <= source < target < self.nodes and target >= self.inputs):
                raise SpaceError(
                    f"edge {source}->{target} does not fit a cell of {self.nodes} nodes with {self.inputs} inputs: "
                    "edges run from a lower to a higher node and never into an input"
                )
        if not self.outputs or not all(0 <= node < self.nodes for node in self.outputs):
            raise SpaceError(f"outputs {self.outputs} must be one or more of the nodes 0 to {self.nodes - 1}")

    def incoming(self, node: int) -> tuple[int, ...]:
        """Slots of the edges that enter ``node``, in slot order."""
        return tuple(slot for slot, (_, target) in enumerate(self.edges) if target == node)

    @cached_property
    def paths(self) -> tuple[tuple[int, ...], ...]:
        """Every path from an input to an output as the slots along it, shorter ones first, then in slot order."""
        reaching: list[list[tuple[int, ...]]] = [[()] if node < self.inputs else [] for node in range(self.nodes)]
        for node in range(self.inputs, self.nodes):
            for slot in self.incoming(node):
                reaching[node].extend((*path, slot) for path in reaching[self.edges[slot][0]])
        ends = [path for node in dict.fromkeys(self.outputs) for path in reaching[node]]
        return tuple(sorted(ends, key=lambda path: (len(path), path)))

    def live(self, carries: Sequence[bool]) -> tuple[bool, ...]:
        """Per slot: does the edge lie on a path of carrying edges that leads from an input to an output?

        ``carries[slot]`` is False where the slot's operation passes nothing on.
        """
        carrying = [edge for edge, carried in zip(self.edges, carries, strict=True) if carried]
        fed, used = set(range(self.inputs)), set(self.outputs)
        for source, target in sorted(carrying, key=lambda edge: edge[1]):
            if source in fed:
                fed.add(target)
        for source, target in sorted(carrying, reverse=True):
            if target in used:
                used.add(source)
        return tuple(
            bool(carried) and source in fed and target in used
            for (source, target), carried in zip(self.edges, carries, strict=True)
        )


def independent(edges: int) -> CellTopology:
    """``edges`` edges that do not meet: each leaves the input and alone makes a node of its own."""
    nodes = tuple(range(1, edges + 1))
    return CellTopology(1, edges + 1, tuple((0, node) for node in nodes), nodes)
