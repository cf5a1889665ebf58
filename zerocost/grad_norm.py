"""grad_norm: the norms of the gradients of the loss."""

from __future__ import annotations

import torch

from zerocost.gradients import WeightSum
from zerocost.proxy import BackwardRun, Pass


class GradNorm(WeightSum):
    """``sum_l ||dL/dW_l||_2`` over the weights W_l of the layers. Larger is better.

    Source: Abdelfattah et al. 2021, "Zero-cost proxies for lightweight NAS", section 3.2: the sum of the layers' norms, not the
    norm of all together. Which weights count: :class:`zerocost.gradients.WeightSum`.

    Proportional to the loss, and for layers followed by normalisation to one over the scale of their weights. 0 where every
    gradient vanishes (a network cut in two).
    """

    name = "grad_norm"
    needs = Pass.BATCH
    reads = frozenset({BackwardRun.LOSS})

    def term(self, weight: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        return torch.linalg.vector_norm(gradient, dtype=torch.float64)
