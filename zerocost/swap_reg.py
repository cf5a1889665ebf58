"""swap_reg: swap, with a factor that prefers networks of some size."""

from __future__ import annotations

import math

from zerocost.errors import Undefined
from zerocost.proxy import Subject
from zerocost.swap import Swap


class SwapReg(Swap):
    """``swap * exp(-(P - mu)^2 / sigma)`` with P the thousands of trainable weights. Larger is better.

    Source: Peng et al. 2024, "SWAP-NAS: sample-wise activation patterns for ultra-fast NAS", definition 3.4. Both
    options depend on the search space and have no default: without them the proxy is undefined. Deviations: those of
    swap.

    Args:
        subject: The network and the batch.
        mu: The preferred size, in thousands of weights.
        sigma: Its width, in squared thousands of weights, above 0.
    """

    name = "swap_reg"

    def __init__(self, subject: Subject, *, mu: float | None = None, sigma: float | None = None) -> None:
        super().__init__(subject)
        if sigma is not None and not sigma > 0:
            raise ValueError(f"swap_reg got sigma={sigma}; it is a width in squared thousands of weights, above 0")
        self._mu, self._sigma = mu, sigma

    def value(self) -> float:
        if self._mu is None or self._sigma is None:
            raise Undefined(
                "it needs the options mu and sigma: the size wanted, in thousands of weights, and its width in squared thousands"
            )
        thousands = sum(tensor.numel() for tensor in self.subject.parameters if tensor.requires_grad) / 1e3
        return super().value() * math.exp(-((thousands - self._mu) ** 2) / self._sigma)
