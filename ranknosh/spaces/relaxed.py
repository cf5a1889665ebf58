"""A space as a supernet sees it: edges with their candidates, a network around them, and what the kept ones mean.

A space with branches of equal shape gives one by ``relaxed(signature)``. What cells give is in
:mod:`ranknosh.spaces.nasbench201` and :mod:`ranknosh.spaces.darts_supernet`; any other space does it likewise. Say each place
where one of several operations runs is an edge. Then

- ``candidates`` lists the operations of every edge by name, in one *kind* (``{"normal": (...)}``) unless parts of the network
  share architecture parameters, as the cells of one kind do;
- ``topologies`` says how edges meet, :func:`ranknosh.spaces.topology.independent` where they do not;
- ``build(edge_factory)`` makes the whole network, with ``edge_factory(EdgeContext(...))`` at every edge. What comes back may read
  only maps of its source, as cells give them, or be nothing: ``ranknosh.spaces.nets.network.TensorEdge(made, channels, context)``
  makes a module from tensor to tensor of it;
- ``make(name, context, affine)`` makes one operation of an edge, without scale and shift in its batch norms unless ``affine``
  (:func:`without_scale`);
- ``write(cells)`` gives the exchange string of the architecture that the kept operations are, and ``listed`` all that could be
  kept where a space is small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from torch import nn

from ranknosh.spaces.nets.network import EdgeFactory
from ranknosh.spaces.nets.ops import NORMED, Mapped, PooledNorm, make_operation
from ranknosh.spaces.nets.skeleton import EdgeContext
from ranknosh.spaces.topology import CellTopology

Cells = Mapping[str, tuple[int | None, ...]]
"""What was kept: for every kind the place of the operation on each edge, None where none is kept."""
MakeOperation = Callable[[str, EdgeContext, bool], nn.Module | None]
"""``(name, context, affine)`` to the operation of an edge; None where it carries nothing."""


@dataclass(frozen=True)
class Edges:
    """The edges of a supernet by name of their operations.

    Args:
        name: of the space.
        candidates: operations of every edge by kind, edges in slot order; lists may differ between edges.
    """

    name: str
    candidates: Mapping[str, tuple[tuple[str, ...], ...]]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of edges, each with architecture parameters of its own."""
        return tuple(self.candidates)

    @property
    def width(self) -> int:
        """The most operations on any edge: the second dimension of the architecture parameters."""
        return max(len(names) for edges in self.candidates.values() for names in edges)

    def names(self, kind: str, cells: Cells) -> tuple[str | None, ...]:
        """The kept operations of a kind by name."""
        return tuple(
            None if place is None else self.candidates[kind][edge][place] for edge, place in enumerate(cells[kind])
        )

    def count(self, cells: Cells, operation: str, kind: str | None = None) -> int:
        """How often an operation was kept.

        Args:
            cells: what was kept.
            operation: name of the operation.
            kind: of the edges that are counted; None for all.
        """
        kinds = self.kinds if kind is None else (kind,)
        return sum(self.names(each, cells).count(operation) for each in kinds)


def operation(name: str, context: EdgeContext, affine: bool) -> nn.Module | None:
    """The operation of ``ranknosh.spaces.nets``, its batch norms without scale and shift unless ``affine``.

    Args:
        name: of the operation.
        context: channels and stride of the edge.
        affine: scale and shift in batch norms.

    Returns:
        The module; None where the operation carries nothing.

    Raises:
        SpaceError: the name is unknown or the channels do not fit.
    """
    module = make_operation(name, context.c_in, context.c_out, context.stride)
    return module if affine else without_scale(module)


def without_scale(module: nn.Module | None) -> nn.Module | None:
    """The same module, its batch norms without scale and shift: the weight of its operation is their scale."""
    for part in () if module is None else module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.affine = False
            part.weight = part.bias = None  # type: ignore[assignment]
    return module


def normed_pools(name: str, context: EdgeContext, affine: bool) -> nn.Module | None:
    """As :func:`operation`, with a batch norm after every pooling: the DARTS supernet (Liu et al., ICLR 2019).

    Args:
        name: of the operation.
        context: channels and stride of the edge.
        affine: scale and shift in batch norms.

    Returns:
        The module; None where the operation carries nothing.
    """
    module = operation(name, context, affine)
    if "pool" not in name or not isinstance(module, Mapped):
        return module
    (pooling,) = module.takes
    return PooledNorm(context.c_out, pooling) if affine else Mapped(pooling + NORMED)


@dataclass(frozen=True)
class Relaxed(Edges):
    """What a supernet is built of, at one size and signature.

    Args:
        topologies: the graph of the edges of a kind, in their order.
        build: the network with what an edge factory makes on its edges, weights drawn from torch's current generator.
        write: the exchange string of what was kept; a node of fewer edges than the space asks for is filled up with ``none``.
        edges_per_node: incoming edges that are kept at a node; None for all.
        excluded: operations that are never kept.
        make: an operation.
        deeper: the same with so many blocks (cells and what stands between them); None where it has one depth.
        listed: everything that could be kept, for spaces that are small enough; None for others.
    """

    topologies: Mapping[str, CellTopology]
    build: Callable[[EdgeFactory], nn.Module]
    write: Callable[[Cells], str]
    edges_per_node: int | None = None
    excluded: tuple[str, ...] = ()
    make: MakeOperation = operation
    deeper: Callable[[int], Relaxed] | None = None
    listed: Callable[[], Iterable[Cells]] | None = None

    def topology(self, kind: str) -> CellTopology:
        """The graph of the edges of a kind."""
        return self.topologies[kind]
