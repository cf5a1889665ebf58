"""The supernet of DARTS cells (Liu et al., ICLR 2019): two edges are kept at each node, and ``none`` is never kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from ranknosh.errors import SpaceError
from ranknosh.spaces.genotype import KINDS, Genotype, Pick, format_genotype
from ranknosh.spaces.nets.network import EdgeFactory
from ranknosh.spaces.relaxed import Cells, Edges, Relaxed, normed_pools
from ranknosh.spaces.topology import CellTopology


def relaxed_cells(
    name: str,
    candidates: Mapping[str, tuple[tuple[str, ...], ...]],
    graphs: Mapping[str, CellTopology],
    *,
    build: Callable[[EdgeFactory], nn.Module],
    deeper: Callable[[int], Relaxed],
) -> Relaxed:
    """What a supernet of pairs of cells is built of; for the arguments see :class:`~ranknosh.spaces.relaxed.Relaxed`."""
    edges = Edges(name, candidates)

    def write(cells: Cells) -> str:
        return format_genotype(genotype_of(edges, graphs, cells))

    return Relaxed(
        name, candidates, graphs, build, write, edges_per_node=2, excluded=("none",), make=normed_pools, deeper=deeper
    )


def genotype_of(edges: Edges, graphs: Mapping[str, CellTopology], cells: Cells) -> Genotype:
    """The genotype of kept operations, edges of a node in slot order.

    A node that kept fewer than two edges is filled up with ``none`` from its lowest free sources: the format has two
    edges a node, and this is how it writes a missing one.

    Args:
        edges: names of the operations.
        graphs: of the cells.
        cells: what was kept.

    Raises:
        SpaceError: a node kept more than two edges.
    """
    picked: dict[str, tuple[Pick, ...]] = {}
    for kind in KINDS:
        graph, names = graphs[kind], edges.names(kind, cells)
        picks: list[Pick] = []
        for node in range(graph.inputs, graph.nodes):
            kept = [(name, graph.edges[slot][0]) for slot in graph.incoming(node) if (name := names[slot]) is not None]
            if len(kept) > 2:
                raise SpaceError(f"node {node} of the {kind} cell keeps {len(kept)} edges; a genotype holds two a node")
            taken = {source for _, source in kept}
            kept += [("none", source) for source in range(node) if source not in taken][: 2 - len(kept)]
            picks += kept
        picked[kind] = tuple(picks)
    return Genotype(picked["normal"], graphs["normal"].outputs, picked["reduce"], graphs["reduce"].outputs)
