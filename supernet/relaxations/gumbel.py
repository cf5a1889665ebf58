"""Operations sampled with Gumbel noise: soft samples of all operations, or one path a pass."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from supernet.mix import Moment
from supernet.relaxations.base import Relaxation, masked_softmax
from supernet.schedules import Exponential, Linear, Schedule

GDAS_TEMPERATURE = Linear(10.0, 0.1, inclusive=True)
SNAS_TEMPERATURE = Exponential(1.0, 0.03, inclusive=True)
_LEAST = torch.finfo(torch.float64).tiny


@dataclass(frozen=True)
class GumbelSoftmax(Relaxation):
    """``theta = softmax((alpha + G) / temperature)`` with standard Gumbel noise ``G`` drawn for every pass (SNAS, Xie
    et al., ICLR 2019).

    All operations run; gradients are those of the sample (pathwise). Mean weights are ``softmax(alpha)``: the
    probability that an operation is the largest of a sample, which does not depend on the temperature. ``temperature``
    follows the epochs of the search.
    """

    temperature: Schedule = SNAS_TEMPERATURE

    def describe(self) -> str:
        return f"Gumbel softmax (temperature {self.temperature})"

    def weights(self, alphas: Tensor, allowed: Tensor, moment: Moment, generator: torch.Generator) -> Tensor:
        # Noise first, temperature after: the largest entry does not depend on the temperature.
        noisy = alphas + gumbel_like(alphas, generator)
        return masked_softmax(noisy / self.temperature(moment.epoch, moment.epochs), allowed)

    def mean(self, alphas: Tensor, allowed: Tensor, moment: Moment) -> Tensor:
        return masked_softmax(alphas, allowed)


@dataclass(frozen=True)
class GumbelPath(GumbelSoftmax):
    """One operation an edge, the largest of a Gumbel softmax sample ``p``, with weight 1 (GDAS, Dong & Yang, CVPR
    2019).

    In the backward pass, gradients of the weights are passed to ``p`` unchanged (straight through).

    Args:
        temperature: Divisor of ``alpha + G``, over the epochs of the search.
        compat: Only the sampled operations run, and the gradient of every other weight is the sum of the entries of the
            gradient at the edge's output, as if that operation gave ones: this is what the released code computes,
            which adds bare weights to the output of an edge. False: architecture steps run all operations, and
            gradients are the exact inner products ``<dL/dx, f_o>``.
    """

    temperature: Schedule = GDAS_TEMPERATURE
    compat: bool = True

    def describe(self) -> str:
        exact = "" if self.compat else ", exact gradients"
        return f"Gumbel path (temperature {self.temperature}{exact})"

    def weights(self, alphas: Tensor, allowed: Tensor, moment: Moment, generator: torch.Generator) -> Tensor:
        soft = super().weights(alphas, allowed, moment, generator)
        hard = torch.zeros_like(soft).scatter_(1, soft.detach().argmax(dim=1, keepdim=True), 1.0)
        # The difference is 0 exactly, so that values are those of the path to the last bit.
        return hard * allowed.any(dim=1, keepdim=True) + (soft - soft.detach())

    def chosen(self, theta: Tensor, allowed: Tensor, moment: Moment) -> Tensor | None:
        if theta.requires_grad and not self.compat:
            return None
        return torch.where(allowed.any(dim=1), theta.detach().argmax(dim=1), -1)

    def scalars(self, theta: Tensor, chosen: Tensor) -> Tensor | None:
        if not theta.requires_grad:
            return None
        # The sum of the weights that did not run: its value is 0, and its gradient to each of them is the gradient of
        # the edge's output, summed over entries.
        return theta.sum(dim=1) - theta.gather(1, chosen.clamp_min(0)[:, None])[:, 0].where(chosen >= 0, 0.0)


def gumbel_like(tensor: Tensor, generator: torch.Generator) -> Tensor:
    """Standard Gumbel numbers of the shape, type and device of ``tensor``, all finite; drawn on the CPU in double
    precision."""
    waiting = torch.empty(tensor.shape, dtype=torch.float64).exponential_(generator=generator)
    return -waiting.clamp_min(_LEAST).log().to(tensor)
