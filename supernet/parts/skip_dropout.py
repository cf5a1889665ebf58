"""Dropout on skip connections (P-DARTS)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

from ranknosh.spaces.nets.ops import Mapped
from supernet.draws import kept_like
from supernet.mix import Mix
from supernet.parts.skip_changes import SkipChange
from supernet.schedules import Schedule


@dataclass(frozen=True)
class SkipDropoutRate:
    """The dropout rate of P-DARTS in a stage of ``epochs`` (Chen et al., ICCV 2019, released code).

    ``first (epochs - e - 1) / epochs`` in the first ``warm_up`` epochs, then ``first exp(-0.2 (e - warm_up))``: it
    restarts when the alphas begin to be trained.
    """

    first: float
    warm_up: int = 10

    def __call__(self, epoch: int, epochs: int) -> float:
        if epoch < self.warm_up:
            return self.first * (epochs - epoch - 1) / epochs
        return self.first * math.exp(-0.2 * (epoch - self.warm_up))

    def __str__(self) -> str:
        return f"{self.first:g} fading"


@dataclass(frozen=True)
class SkipDropout(SkipChange):
    """Dropout on every number of a skip connection's output, on identities only (P-DARTS, Chen et al., ICCV 2019, sec.
    3.3).

    ``rate`` follows the epochs of the stage. What is kept is divided by ``1 - rate``, so that the expected value stays.
    """

    rate: Schedule

    def describe(self) -> str:
        return f"dropout {self.rate} on skips"

    def applies(self, skip: nn.Module) -> bool:
        return isinstance(skip, Mapped)

    def changed(self, x: Tensor, mix: Mix) -> Tensor:
        rate = self.rate(mix.moment.stage_epoch, mix.moment.stage_epochs)
        if rate == 0:
            return x
        return x * kept_like(x, 1 - rate, mix).div_(1 - rate)
