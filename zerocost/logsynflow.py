"""logsynflow: synaptic flow with logarithms of the gradients."""

from __future__ import annotations

import torch

from zerocost.gradients import FlowSum


class Logsynflow(FlowSum):
    """``sum |W| log(1 + |dR/dW|)`` over the weights W, where R is the sum of the outputs of the flow pass. Larger is better.

    Source: Cavagnero et al. 2023, "FreeREA: training-free evolution-based architecture search", section 3.2. Grows with the depth
    of the network where synflow grows with its exponential. The flow pass is that of synflow: absolute weights, no
    normalisation, an input of ones, float64. The sum runs over every parameter of two or more dimensions.

    Undefined where nothing flows from input to output, or the flow is beyond float64.
    """

    name = "logsynflow"

    def term(self, weight: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        return (weight.abs() * gradient.abs().log1p()).sum()
