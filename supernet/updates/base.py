"""The weight step and the architecture step, of which every update is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from supernet.data import Batch
from supernet.mix import Mix
from supernet.part import AlphaGradients, Part, Running


@dataclass
class Losses:
    """Mean losses of one step, scalar tensors without gradients; None where the step was not made.

    Attributes:
        weights: Loss of the weight step on its training batch.
        alphas: Loss of the architecture step on its batch.
        outputs: (n, ...) of the weight step, for the metric; taken once, so that an epoch does not hold all of them.
    """

    weights: Tensor | None = None
    alphas: Tensor | None = None
    outputs: Tensor | None = None

    def take_outputs(self) -> Tensor | None:
        """The outputs, which are forgotten here."""
        found, self.outputs = self.outputs, None
        return found


class Update(Part):
    """How weights and architecture parameters are trained within an epoch.

    ``split`` says who learns from which training examples: ``halves`` gives one half to the weights and the other to the
    alphas; ``all`` gives every example to the weight steps and leaves no validation batch. ``uses_validation`` is False
    for updates whose steps never read the alphas' half.
    """

    split: Literal["halves", "all"] = "halves"
    uses_validation = True
    """False where steps never look at the alphas' half."""

    def step(self, search: Running, train: Batch, validation: Batch | None) -> Losses:
        """Train on one batch of each level.

        Args:
            search: The search whose weights and alphas are moved.
            train: Batch for the weights.
            validation: Batch for the alphas; None in epochs that train weights only.

        Returns:
            The losses of the steps that were made.
        """
        raise NotImplementedError


def weight_step(search: Running, batch: Batch) -> Losses:
    """One SGD step on the weights, with the alphas fixed and the method's perturbation applied to the mix.

    Returns:
        The loss and the outputs, both of the forward pass before the step.
    """
    # Detached: gradients of theta would cost an inner product for every operation, and none is used.
    mix = search.perturbed(search.mix("weights", detached=True), batch)
    search.net.train()
    inputs, targets = batch
    outputs = search.net(inputs, mix)
    loss = search.loss(outputs, targets)
    loss.backward()
    search.step_weights()
    return Losses(weights=loss.detach(), outputs=outputs.detach())


def architecture_gradients(search: Running, batch: Batch, mix: Mix | None = None) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a batch and its gradients to all architecture parameters, with the weights fixed.

    Gradients of the weights are not computed. Observers see the result (:class:`supernet.part.AlphaGradients`); nothing
    is moved.

    Args:
        search: The search; its network runs in training mode, so running statistics move where there are any.
        batch: Inputs and targets the loss is taken on.
        mix: The mix of the pass; None draws a new one of phase ``alphas``.

    Returns:
        The mean loss (scalar, detached), and one gradient for each entry of ``search.parameters``,
        shaped like it and zero where the loss does not depend on it.
    """
    mix = search.mix("alphas") if mix is None else mix
    search.net.train()
    inputs, targets = batch
    loss = search.loss(search.net(inputs, mix), targets)
    thetas = [theta for theta in mix.theta.values() if theta.requires_grad]
    tensors = [*search.parameters.values(), *thetas]
    # One call for parameters and thetas: a second one would run the backward pass again. Weights are not among the
    # targets, so their gradients cost nothing and cannot leak into the weight step.
    found = torch.autograd.grad(loss, tensors, allow_unused=True)
    gradients = {
        name: torch.zeros_like(parameter) if gradient is None else gradient
        for (name, parameter), gradient in zip(search.parameters.items(), found, strict=False)
    }
    # Matched by identity, because thetas without gradient (all edges of the kind decided) were left out above.
    by_id = {id(t): g for t, g in zip(thetas, found[len(search.parameters) :], strict=True)}
    theta_gradients = {
        kind: torch.zeros_like(theta) if by_id.get(id(theta)) is None else by_id[id(theta)]
        for kind, theta in mix.theta.items()
    }
    observe(search, loss, mix, theta_gradients, gradients)
    return loss.detach(), gradients


def observe(
    search: Running,
    loss: Tensor,
    mix: Mix,
    theta_gradients: Mapping[str, Tensor],
    gradients: Mapping[str, Tensor],
) -> None:
    """Show every part the gradients of an architecture step, before the alphas move and before penalties are added.

    Args:
        search: The search whose parts are called.
        loss: Mean loss of the pass (scalar).
        mix: The mix of the pass.
        theta_gradients: d loss / d theta per kind, (edges, operations).
        gradients: d loss / d parameter by parameter name; only those of the kinds are shown.
    """
    event = AlphaGradients(
        float(loss.detach()),
        {kind: theta.detach() for kind, theta in mix.theta.items()},
        theta_gradients,
        {kind: gradients[kind] for kind in mix.theta},
    )
    for part in search.method.all_parts():
        part.alpha_gradients(search, event)
