"""Cell spaces of supernets: a skeleton, the candidates of every edge, and the rule of a derived cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from torch import nn

from ranknosh.errors import SpaceError
from ranknosh.spaces import genotype as darts_genotype
from ranknosh.spaces.base import Architecture, NetworkSize
from ranknosh.spaces.cell import CellTopology
from ranknosh.spaces.genotype import Genotype, format_genotype
from ranknosh.spaces.nasbench201 import OPERATIONS as NASBENCH201_OPERATIONS
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.nets.ops import NORMED, Mapped, PooledNorm, make_operation
from ranknosh.spaces.nets.skeleton import EdgeContext, Skeleton, darts_skeleton, nasbench201_skeleton

Cells = Mapping[str, tuple[int | None, ...]]
"""A derived architecture: for every kind of cell the place of the operation kept on each edge, None where none is kept."""
MakeOperation = Callable[[str, EdgeContext, bool], nn.Module | None]
"""``(name, context, affine)`` to the operation of an edge; None where it carries nothing."""


def supernet_operation(name: str, context: EdgeContext, affine: bool) -> nn.Module | None:
    """The operation of ``ranknosh.spaces.nets``, its batch norms without scale and shift unless ``affine``.

    Args:
        name: Name of the operation.
        context: Channels and stride of the edge.
        affine: Scale and shift in batch norms.

    Returns:
        The module; None where the operation carries nothing.

    Raises:
        SpaceError: The name is unknown or the channels do not fit.
    """
    module = make_operation(name, context.c_in, context.c_out, context.stride)
    if module is not None and not affine:
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.affine = False
                part.weight = part.bias = None  # type: ignore[assignment]
    return module


def normed_pools(name: str, context: EdgeContext, affine: bool) -> nn.Module | None:
    """As :func:`supernet_operation`, with a batch norm after every pooling: the DARTS supernet (Liu et al., ICLR 2019).

    Args:
        name: Name of the operation.
        context: Channels and stride of the edge.
        affine: Scale and shift in batch norms.

    Returns:
        The module; None where the operation carries nothing.
    """
    module = supernet_operation(name, context, affine)
    if "pool" not in name or not isinstance(module, Mapped):
        return module
    (pooling,) = module.takes
    return PooledNorm(context.c_out, pooling) if affine else Mapped(pooling + NORMED)


@dataclass(frozen=True)
class CellSpace:
    """What a supernet is built over.

    Args:
        name: Name of the space.
        skeleton: Gives the blocks of a network of some size.
        candidates: Operations of every edge by kind, edges in the slot order of the cell's topology; lists may differ
            between edges.
        edges_per_node: Incoming edges that a derived cell keeps at a node; None for all.
        excluded: Operations that are never derived.
        make: Builds an operation.
        text: Writes a derived architecture in the field's format; None for a list of edges.
    """

    name: str
    skeleton: Callable[[NetworkSize], Skeleton]
    candidates: Mapping[str, tuple[tuple[str, ...], ...]]
    edges_per_node: int | None = None
    excluded: tuple[str, ...] = ()
    make: MakeOperation = supernet_operation
    text: Callable[[CellSpace, Cells], str] | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of cells, each with architecture parameters of its own."""
        return tuple(self.candidates)

    @property
    def width(self) -> int:
        """The most operations on any edge: the second dimension of the architecture parameters."""
        return max(len(names) for edges in self.candidates.values() for names in edges)

    def topology(self, kind: str) -> CellTopology:
        """The graph of the cells of a kind."""
        # A small size that has cells of every kind.
        for plan in self.skeleton(NetworkSize(4, 3, 2)).cells:
            if plan.kind == kind:
                return plan.topology
        raise SpaceError(f"the skeleton of {self.name} has no {kind} cell: its kinds are {', '.join(self.kinds)}")

    def names(self, kind: str, cells: Cells) -> tuple[str | None, ...]:
        """The kept operations of a cell by name."""
        return tuple(
            None if place is None else self.candidates[kind][edge][place] for edge, place in enumerate(cells[kind])
        )

    def count(self, cells: Cells, operation: str, kind: str | None = None) -> int:
        """How often an operation was kept.

        Args:
            cells: The derived architecture.
            operation: Name of the operation.
            kind: Kind of the cell that is counted; None for all.
        """
        kinds = self.kinds if kind is None else (kind,)
        return sum(self.names(each, cells).count(operation) for each in kinds)

    def write(self, cells: Cells) -> str:
        """The derived architecture as text."""
        return self.text(self, cells) if self.text is not None else _listing(self, cells)


def nasbench201() -> CellSpace:
    """NAS-Bench-201 (Dong & Yang, ICLR 2020): one cell of six edges, five operations, every edge kept, ``none`` allowed."""
    edges = (NASBENCH201_OPERATIONS,) * 6
    return CellSpace("nasbench201", nasbench201_skeleton, {"normal": edges}, text=_nasbench201_text)


def nasbench201_architecture(cells: Cells) -> Architecture:
    """The architecture of ``ranknosh.spaces.nasbench201``; an edge without an operation is ``none``."""
    return Architecture("nasbench201", tuple(0 if place is None else place for place in cells["normal"]))


def _nasbench201_text(space: CellSpace, cells: Cells) -> str:
    return NasBench201().format(nasbench201_architecture(cells))


def darts(operations: Sequence[str] = darts_genotype.OPERATIONS, steps: int = 4, name: str = "darts") -> CellSpace:
    """The DARTS space (Liu et al., ICLR 2019): a normal and a reduction cell, two edges kept at each node, ``none``
    never derived.

    Args:
        operations: Candidates of every edge.
        steps: Intermediate nodes of a cell.
        name: Name of the space.
    """
    concat = tuple(range(2, steps + 2))
    edges = (tuple(operations),) * len(darts_genotype.topology(steps, concat).edges)

    def skeleton(size: NetworkSize) -> Skeleton:
        return darts_skeleton(size, steps, concat, concat)

    return CellSpace(
        name,
        skeleton,
        {"normal": edges, "reduce": edges},
        edges_per_node=2,
        excluded=("none",),
        make=normed_pools,
        text=_genotype_text,
    )


def darts_without_none() -> CellSpace:
    """The DARTS space of seven operations, without ``none``, that SDARTS, DARTS-PT and DARTS- search."""
    return replace(darts(darts_genotype.OPERATIONS[1:]), name="darts_without_none")


def to_genotype(space: CellSpace, cells: Cells) -> Genotype:
    """The DARTS genotype of derived cells, edges of a node in slot order.

    A node that kept fewer than two edges is filled up with ``none`` from its lowest free sources: the format has two
    edges a node, and this is how it writes a missing one.

    Raises:
        SpaceError: A node kept more than two edges.
    """
    picked: dict[str, tuple[tuple[str, int], ...]] = {}
    for kind in ("normal", "reduce"):
        topology = space.topology(kind)
        names = space.names(kind, cells)
        picks: list[tuple[str, int]] = []
        for node in range(topology.inputs, topology.nodes):
            kept = [(name, topology.edges[s][0]) for s in topology.incoming(node) if (name := names[s]) is not None]
            if len(kept) > 2:
                raise SpaceError(f"node {node} of the {kind} cell keeps {len(kept)} edges; a genotype holds two a node")
            taken = {source for _, source in kept}
            kept += [("none", source) for source in range(node) if source not in taken][: 2 - len(kept)]
            picks += kept
        picked[kind] = tuple(picks)
    concat = {kind: space.topology(kind).outputs for kind in ("normal", "reduce")}
    return Genotype(picked["normal"], concat["normal"], picked["reduce"], concat["reduce"])


def _genotype_text(space: CellSpace, cells: Cells) -> str:
    return format_genotype(to_genotype(space, cells))


def _listing(space: CellSpace, cells: Cells) -> str:
    parts = []
    for kind in space.kinds:
        edges = space.topology(kind).edges
        kept = [
            f"{name}({source}->{target})"
            for name, (source, target) in zip(space.names(kind, cells), edges, strict=True)
            if name is not None
        ]
        parts.append(f"{kind}: {' '.join(kept)}")
    return "; ".join(parts)
