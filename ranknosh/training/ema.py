"""Exponential moving average of a network's weights."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


# torch.optim.swa_utils has both parts, and neither fits: AveragedModel copies every buffer at every step (6 to 9 ms for a cell
# network of 156 weight tensors, against 0.3 ms here, where a training step takes 200 ms), and update_bn puts the whole network
# into training mode, so that drop path would act and draw random numbers.
class Average:
    """A second network whose weights follow the trained one's.

    Update t (from 0) is ``average += (1 - d) · (weights - average)`` with ``d = min(decay, (1 + t) / (10 + t))``, so that the
    first epochs are not held back by the initial weights. Buffers are not averaged: batch-norm statistics are taken anew
    from training images at the end of an epoch (:meth:`estimate_statistics`), the others are copied.
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
    def estimate_statistics(self, batches: Iterable[Tensor]) -> None:
        """Give the averaged weights their own batch-norm statistics: means over ``batches``, normalised training images.

        Neither averaging the running statistics nor copying them fits the averaged weights, least of all in the first
        epochs, where the running ones lag behind (Izmailov et al., UAI 2018, section 3.2, does the same).
        """
        for target, source in zip(self.network.buffers(), self._source.buffers(), strict=True):
            target.copy_(source)
        norms = [module for module in self.network.modules() if isinstance(module, _BatchNorm)]
        norms = [norm for norm in norms if norm.track_running_stats]
        if not norms:
            return
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain mean over batches
            norm.train()
        for images in batches:
            self.network(images)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        self.network.eval()
