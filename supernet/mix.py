"""What one forward pass of a supernet mixes with: weights of operations, factors of edges, and the moment of the
search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor

from ranknosh.spaces.nets.skeleton import EdgeContext

Phase = Literal["weights", "alphas", "evaluation"]


@dataclass(frozen=True)
class Moment:
    """The present epoch and phase of a search, for everything that follows a schedule. Epochs count from 0.

    Attributes:
        epoch: Epoch of the search.
        epochs: Epochs of all stages.
        stage_epoch: Epoch within the stage.
        stage_epochs: Epochs of the stage.
        phase: What the pass is for: a weight step, an architecture step, or evaluation.
        kind: Kind of the cells whose weights are asked for, where that matters.
    """

    epoch: int = 0
    epochs: int = 1
    stage_epoch: int = 0
    stage_epochs: int = 1
    phase: Phase = "weights"
    kind: str = ""

    def of(self, kind: str) -> Moment:
        """The same moment for one kind of cell."""
        return replace(self, kind=kind)


@dataclass
class Mix:
    """Weights for one pass, shared by all cells of a kind. The same mix gives the same output.

    Attributes:
        theta: (edges, operations) weights per kind.
        executed: Places of the operations that run, per kind and edge.
        moment: Epoch and phase of the pass.
        seed: Of everything random inside the pass.
        edge_factors: (edges,) factors per kind, None for 1; they are inside ``theta`` already, and are here for parts
            that carry something past the operations of an edge.
        scalars: (edges,) numbers per kind added to the output of an edge (GDAS), of value 0 and with a gradient.
        discrete: The pass evaluates one derived network, without what parts add for the search alone.
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
        """The weight of one operation, a scalar tensor."""
        return self._row(context.cell_kind, 0)[self._index(context, place)]

    def channel_weights(self, context: EdgeContext, place: int, channels: int) -> Tensor:
        """The weight of one operation, repeated for every channel.

        Args:
            context: Kind of cell and index of the edge.
            place: Index of the operation on the edge.
            channels: How often it is repeated.

        Returns:
            (channels,), contiguous, as a batch norm takes it for its scale.
        """
        return self._row(context.cell_kind, channels)[self._index(context, place)]

    def edge_factor(self, context: EdgeContext) -> Tensor | None:
        """The factor of an edge, a scalar tensor; None for 1."""
        return None if self.edge_factors is None else self.edge_factors[context.cell_kind][context.edge_index]

    def generator(self) -> torch.Generator:
        """The generator (CPU) of the pass, seeded with ``seed`` when it is first used after :meth:`restart`."""
        if self._generator is None:
            self._generator = torch.Generator().manual_seed(self.seed)
        return self._generator

    def restart(self) -> None:
        """Start a pass: random draws are those of the first pass again."""
        self._generator = None

    def with_theta(self, theta: Mapping[str, Tensor]) -> Mix:
        """The same pass with other weights."""
        return replace(self, theta=theta, _rows={}, _generator=None)

    def _index(self, context: EdgeContext, place: int) -> int:
        return context.edge_index * self.theta[context.cell_kind].shape[1] + place

    def _row(self, kind: str, channels: int) -> tuple[Tensor, ...]:
        # Rows made without gradients must not be used in a pass that needs them.
        key = (kind, channels, torch.is_grad_enabled())
        if key not in self._rows:
            flat = self.theta[kind].reshape(-1)
            # One tensor for all edges of a width: slicing at every use would add a graph node each time. Contiguous, since a
            # batch norm whose scale has stride 0 computes wrong gradients in channels_last.
            table = flat[:, None].expand(-1, channels).contiguous() if channels else flat
            self._rows[key] = table.unbind(0)
        return self._rows[key]


class Current:
    """The mix of the running pass, in one place: edges read it here, so that it is not an argument of every module."""

    def __init__(self, plain: bool = False) -> None:
        self._mix: Mix | None = None
        self.plain = plain

    @property
    def mix(self) -> Mix:
        """The mix of the running pass."""
        assert self._mix is not None, "a supernet is run as supernet(images, mix)"
        return self._mix

    def set(self, mix: Mix | None) -> None:
        """Set the mix at the start of a pass; None at its end."""
        self._mix = mix

    def __deepcopy__(self, memo: dict[int, Any]) -> Current:
        # A copied supernet runs its own passes: copy.deepcopy keeps one Current for all of its edges.
        memo[id(self)] = copied = Current(self.plain)
        return copied
