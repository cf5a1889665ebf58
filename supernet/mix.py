"""What one forward pass of a supernet mixes with: weights of operations, factors of edges, the moment of the search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from ranknosh.spaces.nets import EdgeContext

Phase = Literal["weights", "alphas", "evaluation"]


@dataclass(frozen=True)
class Moment:
    """Where a search stands, for everything that follows a schedule. Epochs count from 0; ``stage_*`` within the stage.

    ``kind``: of the cells whose weights are asked for, where that matters.
    """

    epoch: int = 0
    epochs: int = 1
    stage_epoch: int = 0
    stage_epochs: int = 1
    phase: Phase = "weights"
    kind: str = ""

    def of(self, kind: str) -> Moment:
        return replace(self, kind=kind)


@dataclass
class Mix:
    """Weights for one pass, shared by all cells of a kind.

    ``theta[kind]``: (edges, operations). ``executed[kind][edge]``: places of the operations that run. ``edge_factors[kind]``:
    (edges,) or None for 1; they are inside ``theta`` already, and are here for what passes an edge beside its operations.
    ``scalars[kind]``: (edges,) numbers added to the output of an edge (GDAS), of value 0 and with a gradient.
    ``seed``: of everything random inside the pass, so that the same mix gives the same output. ``discrete``: the pass stands
    for one derived network, without what helps a search alone.
    """

    theta: Mapping[str, Tensor]
    executed: Mapping[str, tuple[tuple[int, ...], ...]]
    moment: Moment
    seed: int = 0
    edge_factors: Mapping[str, Tensor] | None = None
    scalars: Mapping[str, Tensor] | None = None
    discrete: bool = False
    _rows: dict[tuple[str, int, bool], tuple[Tensor, ...]] = field(default_factory=dict, repr=False)
    _generator: torch.Generator | None = field(default=None, repr=False)

    def weight(self, context: EdgeContext, place: int) -> Tensor:
        """The weight of one operation, a tensor of no shape."""
        return self._row(context.cell_kind, 0)[self._index(context, place)]

    def channel_weights(self, context: EdgeContext, place: int, channels: int) -> Tensor:
        """The same weight for every channel, (channels,) and contiguous, as a batch norm takes it for its scale."""
        return self._row(context.cell_kind, channels)[self._index(context, place)]

    def channel_scalars(self, context: EdgeContext, channels: int) -> Tensor | None:
        """The edge's added scalar for every channel."""
        if self.scalars is None:
            return None
        return self.scalars[context.cell_kind][context.edge_index].expand(channels).contiguous()

    def edge_factor(self, context: EdgeContext) -> Tensor | None:
        """The factor of an edge; None for 1."""
        return None if self.edge_factors is None else self.edge_factors[context.cell_kind][context.edge_index]

    def generator(self) -> torch.Generator:
        """A generator on the CPU, started from ``seed`` at the beginning of every pass (:meth:`restart`)."""
        if self._generator is None:
            self._generator = torch.Generator().manual_seed(self.seed)
        return self._generator

    def restart(self) -> None:
        """Begin a pass: random draws are those of the first pass again."""
        self._generator = None

    def with_theta(self, theta: Mapping[str, Tensor]) -> Mix:
        """The same pass with other weights."""
        return replace(self, theta=theta, _rows={}, _generator=None)

    def _index(self, context: EdgeContext, place: int) -> int:
        return context.edge_index * self.theta[context.cell_kind].shape[1] + place

    def _row(self, kind: str, channels: int) -> tuple[Tensor, ...]:
        key = (kind, channels, torch.is_grad_enabled())
        if key not in self._rows:
            flat = self.theta[kind].reshape(-1)
            # One tensor for all edges of a width: a slice for every use would cost a node of the graph each, and a batch
            # norm whose scale has stride 0 computes wrong gradients in channels_last.
            table = flat[:, None].expand(-1, channels).contiguous() if channels else flat
            self._rows[key] = table.unbind(0)
        return self._rows[key]
