"""The worst weights of operations within a radius (SDARTS-ADV)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from supernet.data import Batch
from supernet.mix import Mix
from supernet.part import Running
from supernet.perturbations.random import uniform_noise
from supernet.perturbations.simplex import MovableWeights, Smoothing, mixed_with, movable_weights

Point = dict[str, Tensor]


@dataclass(frozen=True)
class AdversarialSmoothing(Smoothing):
    """Every weight step runs with the weights within ``radius`` on which its batch has the highest loss (SDARTS-ADV,
    Chen & Hsieh, ICML 2020).

    Projected gradient ascent on the training loss of the batch: a random start, ``steps`` steps of ``2 radius / steps``
    along the sign of ``dL/dtheta``, each cut to the ball ``|theta' - theta| <= radius`` (largest norm) and then brought
    back to the simplex, which may leave the ball by a little. The result is used only if its loss is higher than
    without. During the ascent the network is in evaluation mode, with the statistics of the batch in searched cells and
    without what parts add in training; no gradient of a weight is computed. It costs about ``steps`` more passes a
    weight step.

    Args:
        radius: Over the epochs of the search, see :class:`supernet.perturbations.simplex.Smoothing`.
        steps: Steps of the ascent.
    """

    steps: int = 7

    def describe(self) -> str:
        return f"adversarial smoothing {self.radius}, {self.steps} steps"

    def perturb(self, search: Running, mix: Mix, batch: Batch) -> Mix:
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
        self, search: Running, mix: Mix, batch: Batch, edges: dict[str, MovableWeights], radius: float
    ) -> Point | None:
        # Parts that add noise or drop paths act by phase: in evaluation the loss is a function of theta alone, so that
        # the steps of the ascent can be compared.
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
    """One step of ascent, cut to the ball of the largest norm around ``centre``.

    Args:
        point: Present weights, any shape.
        gradient: dL/dtheta at ``point``; the step follows its sign.
        centre: Weights without perturbation.
        radius: Radius of the ball.
        steps: Steps of the whole ascent, each ``2 radius / steps`` long.

    Returns:
        The new weights, of the shape of ``point``; not yet on the simplex.
    """
    moved = point + 2 * radius / steps * gradient.sign()
    return centre + (moved - centre).clamp(-radius, radius)


def _loss(search: Running, mix: Mix, batch: Batch) -> Tensor:
    inputs, targets = batch
    return search.loss(search.net(inputs, mix), targets)
