"""The zero-one loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from supernet.part import Running
from supernet.penalties.base import Penalty, mean_weights
from supernet.schedules import Constant, Schedule

PUBLISHED = Constant(10.0)


@dataclass(frozen=True)
class ZeroOne(Penalty):
    """``-weight * mean (theta - 1/2)^2``: pushes gates away from one half (FairDARTS, Chu et al., ECCV 2020).

    The mean is over all operations of all edges that still mix. It is least where every gate is 0 or 1, and 0 where all
    are one half.

    Args:
        weight: Factor over the epochs of the search.
        power: 2, or 1 for the absolute value in place of the square.
    """

    weight: Schedule = PUBLISHED
    power: Literal[1, 2] = 2

    def describe(self) -> str:
        return f"zero-one {self.weight}" + (" (absolute)" if self.power == 1 else "")

    def loss(self, search: Running) -> Tensor:
        moment = search.moment("alphas")
        # Minus: the loss is least where the distances from one half are largest.
        away = [(theta[allowed] - 0.5).abs() ** self.power for theta, allowed in mean_weights(search)]
        if not away:
            return torch.zeros((), device=search.device)
        return -self.weight(moment.epoch, moment.epochs) * torch.cat(away).mean()
