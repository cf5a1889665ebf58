"""synflow: synaptic flow, as a logarithm."""

from __future__ import annotations

import math

import torch

from zerocost.gradients import FlowSum


class Synflow(FlowSum):
    """``log sum |W * dR/dW|`` over the weights W, where R is the sum of the outputs of the flow pass. Larger is better.

    Source: Tanaka et al. 2020, "Pruning neural networks without any data by iteratively conserving synaptic flow", eq. 2
    and 3; summed to a score by Abdelfattah et al. 2021, "Zero-cost proxies for lightweight NAS". In the flow pass every
    parameter is replaced by its absolute value, normalisation by the identity and the input by one sample of ones.

    Deviations: computed in float64, and the natural logarithm is returned for every network, because the plain score grows
    exponentially with depth (about 1e36 for the 17-cell NAS-Bench-201 network); the order of the scores is the published one.
    The published code leaves batch norm in the reduction blocks of its NAS-Bench-201 network; here all normalisation goes.
    The sum runs over every parameter of two or more dimensions, which for convolutional networks are the convolution and
    linear weights of the published code. Biases take part in R by their absolute value, as published.

    Undefined where the score is 0 (nothing flows from input to output) or beyond float64 (some 300 layers deep).
    The theory holds for activations with f(x) = x for x > 0 and for pooling; others give a value with less meaning.
    """

    name = "synflow"

    def term(self, weight: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        return (weight * gradient).abs().sum()

    def value(self) -> float:
        return math.log(super().value())
