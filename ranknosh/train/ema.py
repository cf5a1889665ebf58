"""Exponential moving average of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class Average:
    """A second network whose weights follow the trained one's.

    Update t (from 0) is ``average += (1 - d) · (weights - average)`` with ``d = min(decay, (1 + t) / (10 + t))``, so that the
    first epochs are not held back by the initial weights. Buffers, batch-norm statistics among them, are not averaged but
    copied from the trained network (:meth:`copy_buffers`): running statistics lag behind the weights as it is, and averaging
    them once more made the averaged network worse in each of the first four epochs measured.
    """

    def __init__(self, network: nn.Module, decay: float, updates: int = 0) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.updates = updates
        self._averages: list[Tensor] = list(self.network.parameters())
        self._weights: list[Tensor] = [parameter.detach() for parameter in network.parameters()]
        self._source = network

    @torch.no_grad()
    def update(self) -> None:
        """Take in the network's present weights; called after every optimiser step."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self._averages, self._weights, 1 - decay)
        self.updates += 1

    @torch.no_grad()
    def copy_buffers(self) -> None:
        """Take the network's present buffers; called after every epoch, before the averaged network is used."""
        for target, source in zip(self.network.buffers(), self._source.buffers(), strict=True):
            target.copy_(source)
