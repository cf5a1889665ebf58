"""The base of proxies that are a sum over weights of something made from the weight and a gradient."""

from __future__ import annotations

import torch

from zerocost.errors import Undefined
from zerocost.proxy import Proxy, Subject


class WeightSum(Proxy):
    """Adds up ``term(weight, gradient)`` over the trainable weights of two or more dimensions, in float64.

    For convolutional networks these are the convolution and linear weights that published code sums over. A weight that
    the loss does not depend on (an unused layer) adds nothing.
    """

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._terms: list[torch.Tensor] = []

    def term(self, weight: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """The contribution of one weight, a number."""
        raise NotImplementedError

    def weight(self, weight: torch.Tensor, gradient: torch.Tensor) -> None:
        self._terms.append(self.term(weight, gradient).double())

    def value(self) -> float:
        if not self._terms:
            raise Undefined("the loss does not depend on any trainable weight of two or more dimensions")
        return float(torch.stack(self._terms).sum())


def inner(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Sum of the products of two tensors, in float64: terms of both signs cancel."""
    return torch.dot(first.double().flatten(), second.double().flatten())
