"""gradsign: how often the gradients of the samples of a batch have the same sign."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from zerocost.errors import Undefined
from zerocost.proxy import BackwardRun, Pass, Proxy, Subject


class GradSign(Proxy):
    """``sum_k | sum_n sign(dL_n / dtheta_k) |`` over the samples n and the trainable weights theta_k of two or more dimensions,
    L_n the loss of sample n alone. Larger is better. A whole number between 0 and N times the weights.

    Source: Zhang and Jia 2022, "GradSign: model performance inference with theoretical insights", algorithm 1. Which weights: the
    algorithm sums over all parameters, its code over convolution and linear weights; this is the rule of the other sums over
    weights in this package.

    Deviation: the statistics of the batch are held fixed (``passes.singles``); the published code runs batch norm in training
    mode on single samples. Signs are added up as they come, so that memory grows with the weights and not with the batch.

    Grows with the number of weights and of samples: compare equal batches only. Undefined for fewer than two samples,
    where it would count weights, without targets, and where no gradient reaches a weight of two or more dimensions.
    """

    name = "gradsign"
    needs = Pass.SINGLES
    reads = frozenset({BackwardRun.LOSS})

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._sums: dict[int, torch.Tensor] = {}
        self._total: float | None = None

    def samples(self) -> int:
        if self.subject.batch < 2:
            raise Undefined("it compares the gradients of samples and needs a batch of 2 or more")
        return self.subject.batch

    def sample_gradients(self, index: int, reading: BackwardRun, gradients: Mapping[int, torch.Tensor]) -> None:
        for place, gradient in gradients.items():
            if gradient.ndim >= 2:
                signs = gradient.sign().float()
                self._sums[place] = self._sums[place].add_(signs) if place in self._sums else signs
        # The last sample of a group of weights: signs are complete and can be freed.
        if index == self.subject.batch - 1 and self._sums:
            agreed = torch.stack([sums.abs().sum(dtype=torch.float64) for sums in self._sums.values()])
            self._total = (self._total or 0.0) + float(agreed.sum())
            self._sums.clear()

    def value(self) -> float:
        if self._total is None:
            raise Undefined("the loss does not depend on any trainable weight of two or more dimensions")
        return self._total
