"""The base of proxies that are a sum over weights of a term of the weight and a gradient."""

from __future__ import annotations

import math

import torch

from zerocost.errors import Undefined
from zerocost.proxy import Pass, Proxy, Subject


class WeightSum(Proxy):
    """Adds up ``term(weight, gradient)`` over the trainable weights of two or more dimensions, in float64.

    For convolutional networks these are the convolution and linear weights that published code sums over. A weight that
    the loss does not depend on (an unused layer) adds nothing.
    """

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._terms: list[torch.Tensor] = []

    def term(self, weight: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """The contribution of one weight, a scalar tensor."""
        raise NotImplementedError

    def weight(self, weight: torch.Tensor, gradient: torch.Tensor) -> None:
        self._terms.append(self.term(weight, gradient).double())

    def value(self) -> float:
        if not self._terms:
            raise Undefined("the loss does not depend on any trainable weight of two or more dimensions")
        return float(torch.stack(self._terms).sum())


class FlowSum(WeightSum):
    """Adds up ``term(weight, gradient)`` over all weights of two or more dimensions of the flow pass, trainable or not. Above 0.

    Undefined where nothing flows from input to output, or the flow is beyond float64.
    """

    needs = Pass.FLOW

    def value(self) -> float:
        if not self._terms:
            raise Undefined("the network has no weight of two or more dimensions")
        total = super().value()
        if not math.isfinite(total):
            raise Undefined(f"the flow through the network is {total}: weights are not finite, or it overflows float64")
        if total == 0.0:
            raise Undefined("the flow is zero: no path of non-zero weights leads from the input to the output")
        return total


def inner(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Sum of the products of two tensors, in float64, because terms of both signs cancel."""
    return torch.dot(first.double().flatten(), second.double().flatten())
