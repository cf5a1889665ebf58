"""Architecture parameters as weights, unchanged."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from supernet.mix import Moment
from supernet.relaxations.base import Relaxation


@dataclass(frozen=True)
class Raw(Relaxation):
    """``theta = alpha``, of any sign and any sum (FreeDARTS, Zhang & Jia, arXiv 2106.11542)."""

    def describe(self) -> str:
        return "raw alphas"

    def mean(self, alphas: Tensor, allowed: Tensor, moment: Moment) -> Tensor:
        return alphas.masked_fill(~allowed, 0.0)
