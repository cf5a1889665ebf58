"""The worst weights of operations nearby (SDARTS-ADV)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from supernet.mix import Mix
from supernet.perturbations.random import uniform_noise
from supernet.perturbations.simplex import MovableWeights, Smoothing, mixed_with, movable_weights
from supernet.updates.base import Batch

if TYPE_CHECKING:
    from supernet.search import SupernetSearch

Point = dict[str, Tensor]


@dataclass(frozen=True)
class AdversarialSmoothing(Smoothing):
    """Every weight step sees the weights within ``radius`` that its batch likes least (SDARTS-ADV, Chen & Hsieh, ICML 2020).

    Projected gradient ascent on the training loss of the batch: a random start, ``steps`` steps of ``2 radius / steps`` along the
    sign of ``dL/dtheta``, each cut to the ball ``|theta' - theta| <= radius`` and then brought back to the simplex (which may
    leave the ball by a little). The result is kept only where the loss rose. The network is in evaluation mode meanwhile, with
    the statistics of the batch in searched cells, without what parts add in training; no gradient of a weight is computed. About
    as many passes more as there are steps.
    """

    steps: int = 7

    def describe(self) -> str:
        return f"adversarial smoothing {self.radius}, {self.steps} steps"

    def perturb(self, search: SupernetSearch, mix: Mix, batch: Batch) -> Mix:
        radius = self.radius_now(search)
        if radius == 0:
            return mix
        edges = movable_weights(search, mix)
        training = search.net.training
        search.net.eval()
        try:
            worst = self._worst(search, mix, batch, edges, radius)
        finally:
            search.net.train(training)
        return mix if worst is None else mixed_with(mix, edges, worst)

    def _worst(
        self, search: SupernetSearch, mix: Mix, batch: Batch, edges: dict[str, MovableWeights], radius: float
    ) -> Point | None:
        quiet = replace(mix, moment=replace(mix.moment, phase="evaluation"))
        with torch.no_grad():
            before = _loss(search, mixed_with(quiet, edges, {kind: each.theta for kind, each in edges.items()}), batch)
        noise = uniform_noise(edges, radius, mix.seed)
        point = {kind: each.clipped(each.theta + noise[kind]) for kind, each in edges.items()}
        for _ in range(self.steps):
            leaves = {kind: theta.requires_grad_() for kind, theta in point.items()}
            loss = _loss(search, mixed_with(quiet, edges, leaves), batch)
            gradients = torch.autograd.grad(loss, list(leaves.values()))
            point = {
                kind: edges[kind].clipped(step_in_ball(theta.detach(), gradient, edges[kind].theta, radius, self.steps))
                for (kind, theta), gradient in zip(leaves.items(), gradients, strict=True)
            }
        with torch.no_grad():
            after = _loss(search, mixed_with(quiet, edges, point), batch)
        return point if bool(after > before) else None


def step_in_ball(point: Tensor, gradient: Tensor, centre: Tensor, radius: float, steps: int) -> Tensor:
    """One step of ascent from ``point``, cut to the ball of the largest norm around ``centre``."""
    moved = point + 2 * radius / steps * gradient.sign()
    return centre + (moved - centre).clamp(-radius, radius)


def _loss(search: SupernetSearch, mix: Mix, batch: Batch) -> Tensor:
    images, labels = batch
    return functional.cross_entropy(search.net(images, mix), labels)
