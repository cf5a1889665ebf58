"""Exponential moving average of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class Average:
    """A second network whose weights follow the trained one's.

    Update t (from 0) is ``average += (1 - d) · (weights - average)`` with ``d = min(decay, (1 + t) / (10 + t))``, so that the
    first epochs are not held back by the initial weights. Floating buffers (batch-norm mean and variance) are averaged with
    the same decay: they then describe the same stretch of training as the averaged weights, while the trained network's
    own buffers describe its last few steps only. Integer buffers are copied.
    """

    def __init__(self, network: nn.Module, decay: float, updates: int = 0) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.updates = updates
        sources = [*network.parameters(), *network.buffers()]
        targets = [*self.network.parameters(), *self.network.buffers()]
        pairs = list(zip(targets, (source.detach() for source in sources), strict=True))
        self._averaged: tuple[list[Tensor], list[Tensor]] = _unzip([p for p in pairs if p[0].is_floating_point()])
        self._copied: tuple[list[Tensor], list[Tensor]] = _unzip([p for p in pairs if not p[0].is_floating_point()])

    @torch.no_grad()
    def update(self) -> None:
        """Take in the network's present weights; called after every optimiser step."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(*self._averaged, 1 - decay)
        if self._copied[0]:
            torch._foreach_copy_(*self._copied)
        self.updates += 1


def _unzip(pairs: list[tuple[Tensor, Tensor]]) -> tuple[list[Tensor], list[Tensor]]:
    return [target for target, _ in pairs], [source for _, source in pairs]
