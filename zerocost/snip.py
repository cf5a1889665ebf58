"""snip: the sensitivity of the loss to the removal of single weights."""

from __future__ import annotations

import torch

from zerocost.gradients import WeightSum
from zerocost.proxy import BackwardRun, Pass


class Snip(WeightSum):
    """``sum |W * dL/dW|`` over the weights W. Larger is better.

    Source: Lee et al. 2019, "SNIP: single-shot network pruning based on connection sensitivity", eq. 5 without its
    normalisation; summed to a score by Abdelfattah et al. 2021. The published code differentiates by a mask of ones, which at
    one gives W * dL/dW, so that no mask is needed. Which weights count: :class:`zerocost.gradients.WeightSum`.
    """

    name = "snip"
    needs = Pass.BATCH
    reads = frozenset({BackwardRun.LOSS})

    def term(self, weight: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        return (weight * gradient).abs().sum(dtype=torch.float64)
