"""One architecture for each pass, drawn uniformly."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ranknosh.spaces.relaxed import Relaxed
from supernet.mix import Moment
from supernet.part import Running
from supernet.relaxations.base import Relaxation, masked_softmax
from supernet.sampling import sample_kind


@dataclass
class UniformPath(Relaxation):
    """Every weight step trains one architecture of the space, drawn uniformly (Li & Talwalkar, UAI 2019).

    With ``dense_alphas`` architecture steps run the softmax of the alphas over all operations instead (SETN, Dong &
    Yang, ICCV 2019). Mean weights are that softmax; they are uniform up to the initial noise where no step trains the
    alphas.
    """

    dense_alphas: bool = False
    _space: Relaxed | None = field(default=None, repr=False, compare=False)

    def describe(self) -> str:
        return "uniform path in weight steps, softmax in alpha steps" if self.dense_alphas else "uniform path"

    def begin(self, search: Running) -> None:
        self._space = search.space

    def weights(self, alphas: Tensor, allowed: Tensor, moment: Moment, generator: torch.Generator) -> Tensor:
        if moment.phase == "alphas" and self.dense_alphas:
            return self.mean(alphas, allowed, moment)
        assert self._space is not None
        theta = torch.zeros_like(alphas)
        for edge, place in enumerate(sample_kind(self._space, moment.kind, generator)):
            if place is not None:
                theta[edge, place] = 1
        return theta

    def mean(self, alphas: Tensor, allowed: Tensor, moment: Moment) -> Tensor:
        return masked_softmax(alphas, allowed)

    def chosen(self, theta: Tensor, allowed: Tensor, moment: Moment) -> Tensor | None:
        if moment.phase == "alphas" and self.dense_alphas:
            return None
        return torch.where(theta.any(dim=1), theta.argmax(dim=1), -1)
