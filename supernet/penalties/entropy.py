"""The entropy of mixtures as a penalty."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from supernet.part import Running
from supernet.penalties.base import Penalty, mean_weights
from supernet.schedules import Constant, Schedule

WEAK = Constant(0.01)


@dataclass(frozen=True)
class Entropy(Penalty):
    """``weight * mean over edges of the entropy (nats) of theta_e``, for mean weights that sum to 1, over edges that
    still mix.

    A positive weight pulls mixtures towards single operations, a negative one towards even mixtures.
    """

    weight: Schedule = WEAK

    def describe(self) -> str:
        return f"entropy {self.weight}"

    def loss(self, search: Running) -> Tensor:
        moment = search.moment("alphas")
        entropies = [entropy(theta, allowed) for theta, allowed in mean_weights(search)]
        if not entropies:
            return torch.zeros((), device=search.device)
        return self.weight(moment.epoch, moment.epochs) * torch.cat(entropies).mean()


def entropy(theta: Tensor, allowed: Tensor) -> Tensor:
    """(edges,) nats: the entropy of each row; its gradient is finite where a weight is 0."""
    # The clamp is inside of the logarithm only: 0 * log(tiny) is 0, and its gradient is finite.
    return -(theta * theta.masked_fill(~allowed, 1.0).clamp_min(torch.finfo(theta.dtype).tiny).log()).sum(dim=1)
