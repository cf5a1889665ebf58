"""swap: the number of different patterns that activation units have over the samples of a batch."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from zerocost.activations import Activations
from zerocost.errors import Undefined
from zerocost.proxy import Pass, Proxy, Subject

# float32 holds whole numbers below 2**24 exactly.
_WORD = 24


class Swap(Proxy):
    """Number of distinct columns of the binary matrix (N samples, V units) that says which unit is active for which sample.
    Larger is better. A whole number between 1 and min(V, 2^N).

    Source: Peng et al. 2024, "SWAP-NAS: sample-wise activation patterns for ultra-fast NAS", definitions 3.2 and 3.3. Which
    activations count: :class:`zerocost.activations.Activations`.

    Deviations: the weights are the module's own, and one batch is read; the published code draws weights from N(0, 1) and
    averages over 32 draws with 16 samples, where the count saturates at 65,536. Activations of any shape count, in the
    published code those with four dimensions only.
    """

    name = "swap"
    needs = Pass.BATCH

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._patterns: list[torch.Tensor] = []

    def watch(self) -> AbstractContextManager[Activations]:
        return Activations(self.subject.batch, self._read)

    def _read(self, codes: torch.Tensor) -> None:
        """Keeps the distinct columns of one activation, each packed into words of 24 samples."""
        samples = torch.arange(len(codes), device=codes.device)
        # One matrix product packs the binary columns into numbers: row w has the powers of two of its 24 samples.
        weights = torch.zeros((-(-len(codes) // _WORD), len(codes)), dtype=torch.float32, device=codes.device)
        weights[samples // _WORD, samples] = (1 << samples % _WORD).to(torch.float32)
        self._patterns.append(_distinct((weights @ codes).to(torch.int64)))

    def value(self) -> float:
        if not self._patterns:
            raise Undefined(
                "no ReLU-like activation (kink at zero) ran on a tensor whose first dimension is the batch of "
                f"{self.subject.batch}"
            )
        return float(_distinct(torch.cat(self._patterns, dim=1)).shape[1])


def _distinct(words: torch.Tensor) -> torch.Tensor:
    """The distinct columns of (words, columns). Two words share an int64 at a time: sorting numbers beats sorting rows."""
    keys = words[0]
    for word in words[1:]:
        _, keys = torch.unique(keys, return_inverse=True)
        keys = (keys << _WORD) + word
    distinct, inverse = torch.unique(keys, return_inverse=True)
    place = torch.empty(len(distinct), dtype=torch.int64, device=words.device)
    place[inverse] = torch.arange(len(keys), device=words.device)
    return words[:, place]
