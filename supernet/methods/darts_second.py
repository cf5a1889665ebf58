"""DARTS with the alphas' gradient through one step of the weights."""

from __future__ import annotations

from dataclasses import replace

from supernet.method import Method
from supernet.methods.darts import darts
from supernet.updates import SecondOrder


def darts_second(epochs: int = 50) -> Method:
    """DARTS, second order (Liu et al., ICLR 2019): the alphas' gradient through one step of the weights."""
    return replace(darts(epochs), name="DARTS-2nd", update=SecondOrder())
