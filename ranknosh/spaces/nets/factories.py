"""Edge factories that put one chosen operation on every edge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import nn

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.genotype import Genotype
from ranknosh.spaces.nets.cell import EdgeFactory
from ranknosh.spaces.nets.ops import make_operation
from ranknosh.spaces.nets.skeleton import EdgeContext


def named_ops(choose: Callable[[EdgeContext], str]) -> EdgeFactory:
    """A factory from a rule that names the operation of an edge."""

    def make(context: EdgeContext) -> nn.Module | None:
        return make_operation(choose(context), context.c_in, context.c_out, context.stride)

    return make


SLOT_OF_EDGE: dict[str, Callable[[EdgeContext], int]] = {
    "nasbench201": lambda context: context.edge_index,
}
"""Which slot of a space's code decides an edge."""


def chosen_op(space: Space, architecture: Architecture) -> EdgeFactory:
    """The factory of an architecture: every edge gets the operation its slot chose, and nothing for ``none``.

    Raises SpaceError where the architecture is of another space or the space's edges are unknown.
    """
    if architecture.space != space.name or space.name not in SLOT_OF_EDGE:
        raise SpaceError(
            f"cannot place an architecture of space {architecture.space!r} in networks of {space.name!r}: the two must "
            f"agree and be one of {', '.join(SLOT_OF_EDGE)}"
        )
    if len(architecture.code) != len(space.choices) or not all(
        0 <= value < options for value, options in zip(architecture.code, space.choices, strict=True)
    ):
        raise SpaceError(
            f"code {architecture.code} of {space.name} must have {len(space.choices)} entries, each an option of its slot"
        )
    slot_of = SLOT_OF_EDGE[space.name]
    return named_ops(lambda context: space.operations[architecture.code[slot_of(context)]])


def chosen_genotype(genotype: Genotype) -> EdgeFactory:
    """The factory of a DARTS genotype, for ``skeleton.genotype_skeleton``; edges it does not name carry nothing."""
    by_kind = {"normal": genotype.edges("normal"), "reduce": genotype.edges("reduce")}
    return named_ops(lambda context: by_kind[context.cell_kind].get((context.source, context.target), "none"))


def chosen_chain(operations: Sequence[str]) -> EdgeFactory:
    """The factory of a chain: layer ``i`` of ``skeleton.chain_skeleton`` gets ``operations[i]``."""

    def choose(context: EdgeContext) -> str:
        if context.cell_index >= len(operations):
            raise SpaceError(f"the chain has more layers than the {len(operations)} operations given: name one a layer")
        return operations[context.cell_index]

    return named_ops(choose)
