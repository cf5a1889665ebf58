"""DARTS, of which many other methods are variations."""

from __future__ import annotations

from supernet.method import Method, Stage


def darts(epochs: int = 50) -> Method:
    """DARTS, first order (Liu et al., ICLR 2019): softmax relaxation, alternating steps, largest weight kept."""
    return Method("DARTS", "Liu et al., ICLR 2019", (Stage(epochs),))
