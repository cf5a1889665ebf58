"""Mixed operations for the edges of a skeleton."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ranknosh.spaces.nets import EdgeContext, EdgeFactory, Skeleton, make_operation
from ranknosh.spaces.nets.ops import source_maps

EdgeWeights = Callable[[EdgeContext], Tensor]
"""(operations,) weights of an edge, asked for at every forward pass."""


class EdgeAlphas(nn.Module):
    """Architecture parameters, one row an edge, shared by all cells of a kind; gives their softmax (Liu et al. 2019).

    ``alphas[kind]``: (edges, operations), drawn from N(0, ``spread``^2) by ``generator``.
    """

    def __init__(
        self, skeleton: Skeleton, operations: int, *, generator: torch.Generator, spread: float = 1e-3
    ) -> None:
        super().__init__()
        edges = {plan.kind: len(plan.topology.edges) for plan in skeleton.cells}
        self.alphas = nn.ParameterDict(
            {
                kind: nn.Parameter(spread * torch.randn(count, operations, generator=generator))
                for kind, count in sorted(edges.items())
            }
        )

    def forward(self, context: EdgeContext) -> Tensor:
        """(operations,) weights of an edge that sum to 1."""
        return torch.softmax(self.alphas[context.cell_kind][context.edge_index], dim=0)


class MixedOp(nn.Module):
    """The weighted sum of the operations of one edge; ``none`` takes its share of the weight and adds nothing."""

    def __init__(self, operations: Sequence[str], context: EdgeContext, weights: EdgeWeights) -> None:
        super().__init__()
        made = {name: make_operation(name, context.c_in, context.c_out, context.stride) for name in operations}
        self.operations = nn.ModuleDict({name: module for name, module in made.items() if module is not None})
        self.places = tuple(place for place, name in enumerate(operations) if made[name] is not None)
        self.takes = tuple(dict.fromkeys(name for module in self.operations.values() for name in source_maps(module)))
        self.context = context
        # Held in a tuple: the weights belong to the search, not to the parameters of this module.
        self._weights = (weights,)

    def forward(self, *mapped: Tensor) -> Tensor:
        by_map = dict(zip(self.takes, mapped, strict=True))
        weights = self._weights[0](self.context)
        total: Tensor | None = None
        for place, module in zip(self.places, self.operations.values(), strict=True):
            term = weights[place] * module(*(by_map[name] for name in source_maps(module)))
            total = term if total is None else total + term
        assert total is not None, "an edge of none alone is not built"
        return total


def weighted_sum(operations: Sequence[str], weights: EdgeWeights) -> EdgeFactory:
    """An edge factory that puts every operation on every edge, summed with ``weights(context)``.

    ``weights`` is an :class:`EdgeAlphas` or any function of the edge; its result may change from one pass to the next.
    """

    def make(context: EdgeContext) -> nn.Module | None:
        return MixedOp(operations, context, weights) if any(name != "none" for name in operations) else None

    return make
