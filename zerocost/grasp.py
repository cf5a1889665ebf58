"""grasp: the effect that the removal of weights has on the gradient flow."""

from __future__ import annotations

import torch

from zerocost.gradients import WeightSum, inner
from zerocost.proxy import BackwardRun, Pass


class Grasp(WeightSum):
    """``-sum W * (H g)`` over the weights W, with g the gradient of the loss and H its Hessian, both over the weights that
    count. Larger is better.

    Source: Wang et al. 2020, "Picking winning tickets before training by preserving gradient flow", eq. 8; summed to a score,
    with its sign turned, by Abdelfattah et al. 2021, "Zero-cost proxies for lightweight NAS". With one batch the gradient of the
    published code's first run is the one of the second, so that one run serves both. Which weights count:
    :class:`zerocost.gradients.WeightSum`.

    A layer followed by normalisation contributes ||g_l||^2 where H g is taken over the layer alone; the few layers without it
    decide the sign, which makes this score unreliable. Undefined where the network cannot be differentiated twice.
    """

    name = "grasp"
    needs = Pass.CURVATURE
    reads = frozenset({BackwardRun.LOSS})

    def term(self, weight: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        return -inner(weight, gradient)
