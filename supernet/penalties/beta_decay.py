"""Beta decay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from supernet.penalties.base import Penalty, mixtures
from supernet.schedules import Linear, Schedule

if TYPE_CHECKING:
    from supernet.search import SupernetSearch

RISING = Linear(0.0, 50.0)


@dataclass(frozen=True)
class BetaDecay(Penalty):
    """``weight(t) * mean over edges of logsumexp(alpha_e)`` (beta-DARTS, Ye et al., CVPR 2022).

    Its gradient pulls every alpha down in proportion to its softmax, so the largest most. Edges of all cells count alike, and
    only those that still mix. The released code divides the epoch by 100 whatever the length; here the slope is that of
    ``weight`` over the search.
    """

    weight: Schedule = RISING

    def describe(self) -> str:
        return f"beta decay {self.weight}"

    def loss(self, search: SupernetSearch) -> Tensor:
        moment = search.moment("alphas")
        smooth = [
            torch.logsumexp(alphas.masked_fill(~allowed, -torch.inf), dim=1) for _, alphas, allowed in mixtures(search)
        ]
        if not smooth:
            return torch.zeros((), device=search.device)
        return self.weight(moment.epoch, moment.epochs) * torch.cat(smooth).mean()
