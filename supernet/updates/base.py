"""The two steps that updates are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.nn import functional

from supernet.mix import Mix
from supernet.part import AlphaGradients, Part

if TYPE_CHECKING:
    from supernet.search import SupernetSearch

Batch = tuple[Tensor, Tensor]
"""Images (n, c, h, w) float and labels (n,) int64, on the device of the supernet."""


@dataclass
class Losses:
    """Mean cross-entropies of one step, of no shape and without gradients; None where there was no such step.

    ``correct``: (n,) bool, whether the weight step's images were classified rightly.
    """

    weights: Tensor | None = None
    alphas: Tensor | None = None
    correct: Tensor | None = None


class Update(Part):
    """One step of both levels. ``split``: ``halves`` gives weights and alphas a half of the training images each; ``all``
    gives all images to the weights, and none to the alphas."""

    split: Literal["halves", "all"] = "halves"
    uses_validation = True
    """False where steps never look at the alphas' half."""

    def step(self, search: SupernetSearch, train: Batch, validation: Batch | None) -> Losses:
        """``validation`` is None while only weights are trained."""
        raise NotImplementedError


def weight_step(search: SupernetSearch, batch: Batch) -> Losses:
    """One step of SGD on the weights, the alphas fixed: gradients of theta are neither needed nor computed."""
    mix = search.mix("weights", detached=True)
    if search.method.perturbation is not None:
        mix = search.method.perturbation.perturb(search, mix, batch)
    search.net.train()
    images, labels = batch
    logits = search.net(images, mix)
    loss = functional.cross_entropy(logits, labels)
    loss.backward()
    search.step_weights()
    return Losses(weights=loss.detach(), correct=logits.detach().argmax(1) == labels)


def architecture_gradients(
    search: SupernetSearch, batch: Batch, mix: Mix | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss on ``batch`` and its gradients to all architecture parameters, the weights fixed.

    Only these gradients are computed, and observers are told (see :class:`supernet.part.AlphaGradients`).
    """
    mix = search.mix("alphas") if mix is None else mix
    search.net.train()
    images, labels = batch
    loss = functional.cross_entropy(search.net(images, mix), labels)
    thetas = [theta for theta in mix.theta.values() if theta.requires_grad]
    tensors = [*search.parameters.values(), *thetas]
    found = torch.autograd.grad(loss, tensors, allow_unused=True)
    gradients = {
        name: torch.zeros_like(parameter) if gradient is None else gradient
        for (name, parameter), gradient in zip(search.parameters.items(), found, strict=False)
    }
    by_id = {id(t): g for t, g in zip(thetas, found[len(search.parameters) :], strict=True)}
    theta_gradients = {
        kind: torch.zeros_like(theta) if by_id.get(id(theta)) is None else by_id[id(theta)]
        for kind, theta in mix.theta.items()
    }
    observe(search, loss, mix, theta_gradients, gradients)
    return loss.detach(), gradients


def observe(
    search: SupernetSearch,
    loss: Tensor,
    mix: Mix,
    theta_gradients: Mapping[str, Tensor],
    gradients: Mapping[str, Tensor],
) -> None:
    """Show every part the gradients of an architecture step before it is made."""
    event = AlphaGradients(
        float(loss.detach()),
        {kind: theta.detach() for kind, theta in mix.theta.items()},
        theta_gradients,
        {kind: gradients[kind] for kind in mix.theta},
    )
    for part in search.method.all_parts():
        part.alpha_gradients(search, event)


def alpha_step(search: SupernetSearch, gradients: dict[str, Tensor]) -> None:
    """Add the penalties' gradients, move the alphas, and let parts correct the result."""
    if search.method.penalties:
        total = sum((p.loss(search) for p in search.method.penalties), torch.zeros((), device=search.device))
        tensors = list(search.parameters.values())
        found = torch.autograd.grad(total, tensors, allow_unused=True) if total.requires_grad else [None] * len(tensors)
        gradients = {
            name: gradient if added is None else gradient + added
            for (name, gradient), added in zip(gradients.items(), found, strict=True)
        }
    search.method.alpha_optimiser.step(search, gradients)
    for part in search.method.all_parts():
        part.after_alpha_step(search)
