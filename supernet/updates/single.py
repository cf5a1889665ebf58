"""One level: weights and alphas learn from the same batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from supernet.data import Batch
from supernet.part import Running
from supernet.updates.base import Losses, Update, observe


@dataclass(frozen=True)
class SingleLevel(Update):
    """One backward pass a batch moves weights and alphas, on all training examples (Hou et al., arXiv 2012.11337)."""

    split: Literal["halves", "all"] = "all"

    def describe(self) -> str:
        return "single level"

    def step(self, search: Running, train: Batch, validation: Batch | None) -> Losses:
        # Not detached: the one backward pass below gives the gradients of both levels.
        mix = search.mix("weights")
        search.net.train()
        inputs, targets = train
        for theta in mix.theta.values():
            if theta.requires_grad:
                # Observers get d loss / d theta, which autograd drops for tensors that are no leaves.
                theta.retain_grad()
        outputs = search.net(inputs, mix)
        loss = search.loss(outputs, targets)
        loss.backward()
        gradients = {name: _gradient(parameter) for name, parameter in search.parameters.items()}
        for parameter in search.parameters.values():
            # Taken off before the weight step and handed to the alphas' own optimiser.
            parameter.grad = None
        search.step_weights()
        losses = Losses(weights=loss.detach(), outputs=outputs.detach())
        if not search.warming_up:
            observe(search, loss, mix, {kind: _gradient(theta) for kind, theta in mix.theta.items()}, gradients)
            search.step_alphas(gradients)
            losses.alphas = loss.detach()
        return losses


def _gradient(tensor: Tensor) -> Tensor:
    found = tensor.grad if tensor.requires_grad else None
    return torch.zeros_like(tensor) if found is None else found
