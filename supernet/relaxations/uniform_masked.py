"""Equal weights for all operations that are left."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from supernet.mix import Moment
from supernet.relaxations.base import Relaxation


@dataclass(frozen=True)
class UniformMasked(Relaxation):
    """``theta = 1/O`` for what is allowed, O the most operations on any edge; alphas have no effect (IS-DARTS, AAAI
    2024).

    The weight stays 1/O while operations are removed, as in the released code, so the outputs of an edge shrink with
    their number; ``normalised`` shares a weight of 1 among those left.
    """

    normalised: bool = False

    def describe(self) -> str:
        return "equal weights, normalised" if self.normalised else "equal weights"

    def mean(self, alphas: Tensor, allowed: Tensor, moment: Moment) -> Tensor:
        mask = allowed.to(alphas.dtype)
        return mask / mask.sum(dim=1, keepdim=True).clamp_min(1) if self.normalised else mask / alphas.shape[1]
