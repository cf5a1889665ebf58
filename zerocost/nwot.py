"""nwot: how different the activation patterns of the samples of a batch are in an untrained network."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from zerocost.activations import Activations
from zerocost.errors import Undefined
from zerocost.proxy import Pass, Proxy, Subject

# float32 sums of ones are exact below 2**24, so a block of units this wide loses nothing.
_BLOCK = 2**23


class Nwot(Proxy):
    """``log det K`` where ``K[i, j]`` is the number of activation units on which samples i and j agree. Larger is better.

    Source: Mellor et al. 2021, "Neural architecture search without training", section 3. A unit's code is 1 where its input
    is positive; ``K = sum (b b^T + (1-b)(1-b)^T) = V - a_i - a_j + 2 b b^T`` with V units, a_i of them active for sample i.
    Products are exact integers; they are added up and the log-determinant is taken in float64. ``value <= N log V``.

    Which activations count: :class:`zerocost.activations.Activations`. Deviation: the published code hooks modules whose
    class name contains "ReLU", so that functional calls are missed.

    Undefined where no such activation ran, or where K is singular (for example by samples with equal codes).
    Scores of different batch sizes cannot be compared.
    """

    name = "nwot"
    needs = Pass.BATCH

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._units = 0
        self._common: list[torch.Tensor] = []

    def watch(self) -> AbstractContextManager[Activations]:
        return Activations(self.subject.batch, self._read)

    def _read(self, codes: torch.Tensor) -> None:
        for active in codes.split(_BLOCK, dim=1):
            self._common.append(active @ active.T)
            self._units += active.shape[1]

    def value(self) -> float:
        if self._units == 0:
            raise Undefined(
                "no ReLU-like activation (kink at zero) ran on a tensor whose first dimension is the batch of "
                f"{self.subject.batch}"
            )
        common = torch.stack(self._common).cpu().double().sum(dim=0)
        active = common.diagonal()
        kernel = self._units - active[:, None] - active[None, :] + 2 * common
        rank = int(torch.linalg.matrix_rank(kernel, hermitian=True))
        if rank < self.subject.batch:
            raise Undefined(
                f"the code kernel of {self.subject.batch} samples has rank {rank}: the activations do not tell all samples apart"
            )
        return float(torch.linalg.slogdet(kernel).logabsdet)
