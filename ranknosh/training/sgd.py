"""Stochastic gradient descent with momentum, kept to what a training step needs.

The update is that of ``torch.optim.SGD`` (dampening 0). The class is not used because making one loads torch's compiler,
which costs every worker process more than two seconds, and because a plain step spends twice the time around its arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class SGD:
    """With the gradient g of a parameter w: g += weight_decay · w; v = momentum · v + g; then w -= lr · (g + momentum · v)
    where ``nesterov``, else w -= lr · v. A parameter without a gradient is left alone; its ``velocity`` begins at zero.

    ``parameters``: by name; those that take no gradient are left out. ``velocity``: v by parameter name, of the parameter's
    shape and strides (elementwise rounding may depend on the order in memory, and resuming has to give the same bits).
    """

    def __init__(
        self, parameters: Mapping[str, nn.Parameter], momentum: float, nesterov: bool, weight_decay: float
    ) -> None:
        self.parameters = {name: p for name, p in parameters.items() if p.requires_grad}
        self.velocity: dict[str, Tensor] = {}
        self.momentum, self.nesterov, self.weight_decay = momentum, nesterov, weight_decay

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Move every parameter that has a gradient, and drop the gradients."""
        weights: list[Tensor] = []
        gradients: list[Tensor] = []
        velocities: list[Tensor] = []
        for name, parameter in self.parameters.items():
            if parameter.grad is None:
                continue
            weights.append(parameter)
            gradients.append(parameter.grad)
            parameter.grad = None
            if self.momentum:
                if name not in self.velocity:
                    self.velocity[name] = torch.zeros_like(parameter)
                velocities.append(self.velocity[name])
        if not weights:
            return
        if self.weight_decay:
            torch._foreach_add_(gradients, weights, alpha=self.weight_decay)
        if self.momentum:
            torch._foreach_mul_(velocities, self.momentum)
            torch._foreach_add_(velocities, gradients)
            if self.nesterov:
                torch._foreach_add_(gradients, velocities, alpha=self.momentum)
            else:
                gradients = velocities
        torch._foreach_add_(weights, gradients, alpha=-lr)

    def load(self, velocity: dict[str, Tensor]) -> None:
        """Take up the velocities of a checkpoint, by parameter name."""
        self.velocity = {
            name: torch.empty_like(parameter, requires_grad=False).copy_(velocity[name])
            for name, parameter in self.parameters.items()
            if name in velocity
        }
