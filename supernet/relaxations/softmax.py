"""The softmax over the operations of an edge."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from supernet.mix import Moment
from supernet.relaxations.base import Relaxation, masked_softmax
from supernet.schedules import Constant, Schedule

NEUTRAL = Constant(1.0)


@dataclass(frozen=True)
class Softmax(Relaxation):
    """``theta = softmax(alpha / temperature)`` (Liu et al., ICLR 2019, eq. 2, at temperature 1)."""

    temperature: Schedule = NEUTRAL

    def describe(self) -> str:
        return "softmax" if self.temperature == NEUTRAL else f"softmax(temperature {self.temperature})"

    def mean(self, alphas: Tensor, allowed: Tensor, moment: Moment) -> Tensor:
        return masked_softmax(alphas / self.temperature(moment.epoch, moment.epochs), allowed)
