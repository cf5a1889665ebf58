"""Perturbations that keep the weights of an edge on the simplex."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ranknosh.spaces.relaxed import Relaxed
from supernet.mix import Mix
from supernet.part import PROJECTION, Composition, Running
from supernet.perturbations.base import Perturbation
from supernet.relaxations import Softmax
from supernet.schedules import Linear, Schedule
from supernet.updates import SingleLevel

RADIUS = Linear(0.03, 0.3)
"""Radius of the ball of perturbations, over the epochs of a search (SDARTS, Chen & Hsieh, ICML 2020, released code)."""


@dataclass(frozen=True)
class Smoothing(Perturbation):
    """The base of perturbations of the softmax weights of mixed edges within ``radius``, each edge brought back to the
    simplex.

    ``radius`` follows the epochs of the search and stays at its last value in the tuning stage of a projection. Weights
    of operations that an edge does not allow stay 0, decided edges stay as they are, and edge factors are not
    perturbed.
    """

    radius: Schedule = RADIUS

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        if not isinstance(method.relaxation, Softmax):
            return f"{self.describe()} perturbs the weights of a softmax, not of {method.relaxation.describe()}"
        updates = [method.update, *(stage.update for stage in method.stages)]
        if any(isinstance(update, SingleLevel) for update in updates):
            return f"{self.describe()} acts in weight steps of their own, and a single level has none; use two levels"
        return None

    def radius_now(self, search: Running) -> float:
        """The radius of the present epoch."""
        epochs = sum(stage.epochs for stage in search.method.stages if stage.name != PROJECTION)
        return self.radius(min(search.epoch, epochs), epochs)


@dataclass
class MovableWeights:
    """The weights of one kind of cell and which of them may move.

    Attributes:
        theta: (edges, operations) without edge factors, detached.
        free: (edges, operations) bool, allowed operations of undecided edges.
        factors: (edges,) edge factors, None where the method has none.
    """

    theta: Tensor
    free: Tensor
    factors: Tensor | None

    def clipped(self, moved: Tensor) -> Tensor:
        """``moved`` (edges, operations) brought back to the simplex.

        Entries are cut to [0, 1], a row that is then all zeros is put on its largest entry, and rows are divided by
        their sums. Rows without free entries are those of ``theta``.
        """
        cut = torch.where(self.free, moved.clamp(0, 1), 0)
        top = moved.masked_fill(~self.free, -torch.inf).argmax(dim=1, keepdim=True)
        largest = torch.zeros_like(cut).scatter_(1, top, 1)
        cut = torch.where(cut.sum(dim=1, keepdim=True) > 0, cut, largest)
        return torch.where(self.free.any(dim=1, keepdim=True), cut / cut.sum(dim=1, keepdim=True), self.theta)

    def weights(self, theta: Tensor) -> Tensor:
        """``theta`` with edge factors, as a mix holds it."""
        return theta if self.factors is None else theta * self.factors[:, None]


def movable_weights(search: Running, mix: Mix) -> dict[str, MovableWeights]:
    """The weights of every kind in a mix, without gradients."""
    found = {}
    for kind, theta in mix.theta.items():
        undecided = torch.zeros(len(theta), 1, dtype=torch.bool)
        undecided[search.states.undecided(kind)] = True
        free = (search.states.allowed[kind] & undecided).to(theta.device)
        factors = None
        theta = theta.detach()
        if mix.edge_factors is not None:
            factors = mix.edge_factors[kind].detach()
            # Factors are taken out, so that rows sum to 1 and the radius means the same on every edge; decided rows
            # have constants in place of theta times factor.
            theta = torch.where(undecided.to(theta.device), theta / factors[:, None], theta)
        found[kind] = MovableWeights(theta, free, factors)
    return found


def mixed_with(mix: Mix, edges: Mapping[str, MovableWeights], theta: Mapping[str, Tensor]) -> Mix:
    """The mix with other weights.

    Args:
        mix: The mix to change; it is not modified.
        edges: What :func:`movable_weights` found in it.
        theta: (edges, operations) per kind, without edge factors.

    Returns:
        A mix of the same seed and moment.
    """
    return mix.with_theta({kind: edges[kind].weights(theta[kind]) for kind in edges})
