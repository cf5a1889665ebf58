"""plain: the signed sum of weights times gradients."""

from __future__ import annotations

import torch

from zerocost.gradients import WeightSum, inner
from zerocost.proxy import BackwardRun, Pass


class Plain(WeightSum):
    """``sum W * dL/dW`` over the weights W, signed. Larger is better.

    Source: Mozer & Smolensky 1988, "Skeletonization"; as a score Abdelfattah et al. 2021, "Zero-cost proxies for lightweight
    NAS". A weight followed by normalisation contributes 0 but for the constant inside the normalisation: the loss does not
    change with its scale. On such networks only the layers without normalisation contribute, and the score is mostly noise.
    Which weights count: :class:`zerocost.gradients.WeightSum`.
    """

    name = "plain"
    needs = Pass.BATCH
    reads = frozenset({BackwardRun.LOSS})

    def term(self, weight: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        return inner(weight, gradient)
