"""zico: the size of the gradients of an untrained network relative to their deviation over batches."""

from __future__ import annotations

import torch

from zerocost.errors import Undefined
from zerocost.proxy import BackwardRun, Pass, Proxy, Subject

# Entries whose float64 copies are held at a time.
_BLOCK = 2**22


class Zico(Proxy):
    """``sum_l log sum_i mean_b |g_bli| / std_b(g_bli)`` with g_bli the gradient of the mean loss of half batch b with respect to
    entry i of weight l, and the population standard deviation. Larger is better.

    Source: Li et al. 2023, "ZiCo: zero-shot NAS via inverse coefficient of variation on gradients", section 3. As in the
    published code the deviation is that of the signed gradients, and entries where it is 0 add nothing, nor does a weight
    that has no other entries. Over two halves a term is ``(|g_1| + |g_2|) / |g_1 - g_2|``: a few nearly equal entries decide.

    Deviations: published are two whole batches, here two halves of one (:mod:`zerocost.passes.halves`), so that scores of
    different batch sizes cannot be compared. Every trainable weight of two or more dimensions with a gradient in both halves
    counts, in the published code convolution and linear weights. The gradients are the network's own; what follows is in
    float64, because differences of nearly equal numbers decide.

    Does not change with a factor on the loss, nor where the halves change places. Undefined for fewer than two samples, where
    the halves have equal gradients everywhere (repeated samples, a network cut in two), and without such a weight.
    """

    name = "zico"
    needs = Pass.HALVES
    reads = frozenset({BackwardRun.LOSS})

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._gradients: list[torch.Tensor] = []

    def weight(self, weight: torch.Tensor, gradient: torch.Tensor) -> None:
        self._gradients.append(gradient)

    def value(self) -> float:
        if not self._gradients:
            raise Undefined("no trainable weight of two or more dimensions has a gradient in both halves of the batch")
        # The pass gives all weights of the first half, then those of the second, in the same order.
        count = len(self._gradients) // 2
        pairs = zip(self._gradients[:count], self._gradients[count:], strict=True)
        ratios = torch.stack([_inverse_variation(first, second) for first, second in pairs])
        counted = ratios[ratios != 0]
        if len(counted) == 0:
            raise Undefined(
                "the two halves of the batch have equal gradients in every weight: their spread, which it divides by, is 0"
            )
        return float(counted.log().sum())


def _inverse_variation(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Sum over entries of mean size over deviation: ``(|a| + |b|) / 2`` over ``|a - b| / 2``, in which the halves cancel."""
    blocks = zip(first.flatten().split(_BLOCK), second.flatten().split(_BLOCK), strict=True)
    return torch.stack([_ratios(a.double(), b.double()).sum() for a, b in blocks]).sum()


def _ratios(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    apart = (first - second).abs()
    return ((first.abs() + second.abs()) / apart).masked_fill(apart == 0, 0.0)
