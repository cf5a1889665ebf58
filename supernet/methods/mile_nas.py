"""MiLeNAS: alphas that learn from both halves."""

from __future__ import annotations

from dataclasses import replace

from supernet.method import Method
from supernet.methods.darts import darts
from supernet.updates import MixedLevel


def mile_nas(epochs: int = 50, weight: float = 1.0) -> Method:
    """MiLeNAS (He et al., CVPR 2020): alphas follow the training loss plus ``weight`` (the paper's lambda) times the
    validation loss.

    Everything else is that of DARTS.
    """
    return replace(darts(epochs), name="MiLeNAS", source="He et al., CVPR 2020", update=MixedLevel(weight))
