"""logsynflow: synaptic flow with its gradients in logarithms."""

from __future__ import annotations

import math

import torch

from zerocost.errors import Undefined
from zerocost.proxy import Pass, Proxy, Subject


class Logsynflow(Proxy):
    """``sum |W| log(1 + |dR/dW|)`` over the weights W, where R is the sum of the outputs of the flow pass. Larger is better.

    Source: Cavagnero et al. 2023, "FreeREA: training-free evolution-based architecture search", section 3.2. Grows with the depth
    of the network where synflow grows with its exponential. The flow pass is that of synflow: absolute weights, no
    normalisation, an input of ones, float64. The sum runs over every parameter of two or more dimensions.

    Undefined where nothing flows from input to output, or the flow is beyond float64.
    """

    name = "logsynflow"
    needs = Pass.FLOW

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._terms: list[torch.Tensor] = []

    def weight(self, weight: torch.Tensor, gradient: torch.Tensor) -> None:
        self._terms.append((weight.abs() * gradient.abs().log1p()).sum())

    def value(self) -> float:
        if not self._terms:
            raise Undefined("the network has no weight of two or more dimensions")
        total = float(torch.stack(self._terms).sum())
        if not math.isfinite(total):
            raise Undefined(f"the flow through the network is {total}: weights are not finite, or it overflows float64")
        if total == 0.0:
            raise Undefined("the flow is zero: no path of non-zero weights leads from the input to the output")
        return total
