"""Beta decay: a bound on the size of alphas through their logsumexp."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from supernet.part import Running
from supernet.penalties.base import Penalty, mixtures
from supernet.schedules import Linear, Schedule

RISING = Linear(0.0, 50.0)


@dataclass(frozen=True)
class BetaDecay(Penalty):
    """``weight(epoch) * mean over edges of logsumexp(alpha_e)`` (beta-DARTS, Ye et al., CVPR 2022).

    Its gradient lowers every alpha in proportion to its softmax, so the largest most. Edges of all cells have equal
    shares, and only those that still mix are counted. Deviation: the released code divides the epoch by 100 whatever
    the length of the search; here ``weight`` rises over the search's own epochs.
    """

    weight: Schedule = RISING

    def describe(self) -> str:
        return f"beta decay {self.weight}"

    def loss(self, search: Running) -> Tensor:
        moment = search.moment("alphas")
        smooth = [
            torch.logsumexp(alphas.masked_fill(~allowed, -torch.inf), dim=1) for _, alphas, allowed in mixtures(search)
        ]
        if not smooth:
            return torch.zeros((), device=search.device)
        return self.weight(moment.epoch, moment.epochs) * torch.cat(smooth).mean()
