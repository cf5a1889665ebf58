"""SNAS: soft samples of all operations."""

from __future__ import annotations

from dataclasses import replace

from supernet.method import Method, Stage
from supernet.relaxations import GumbelSoftmax
from supernet.schedules import Linear
from supernet.updates import FirstOrder, SingleLevel

SOURCE = "Xie et al., ICLR 2019"


def snas(epochs: int = 150, bilevel: bool = False) -> Method:
    """SNAS (Xie et al., ICLR 2019), single level as published: 150 epochs on all training images, without its resource
    cost.

    The temperature falls from 1 to 0.03 by a constant ratio; the end is our choice. ``bilevel`` is the form that the
    authors of DrNAS run on NAS-Bench-201: alternating steps and a temperature from 10 to 1 linearly (they train 100
    epochs). Recipe of DARTS.
    """
    method = Method("SNAS", SOURCE, (Stage(epochs),), relaxation=GumbelSoftmax(), update=SingleLevel())
    if not bilevel:
        return method
    cooling = GumbelSoftmax(Linear(10.0, 1.0, inclusive=True))
    return replace(method, name="SNAS (bilevel)", relaxation=cooling, update=FirstOrder())
