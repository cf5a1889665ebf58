"""Amended DARTS: a hypergradient that cannot point against the true one."""

from __future__ import annotations

from dataclasses import replace

from supernet.method import Method, Stage
from supernet.methods.darts import darts
from supernet.updates import Amended


def amended_darts(epochs: int = 50, eta: float = 0.1, warm_up: int = 0) -> Method:
    """Amended DARTS (Bi et al., arXiv 1910.11831): ``eta`` times the Hessian in place of its inverse.

    Deviation: the recipe is that of DARTS' search; the paper has one recipe for search and retraining (deeper network,
    drop-path).

    Args:
        epochs: Epochs of the search.
        eta: Factor of the Hessian.
        warm_up: First epochs that train weights only.
    """
    return replace(
        darts(epochs),
        name="Amended DARTS",
        source="Bi et al., arXiv 1910.11831",
        stages=(Stage(epochs, warm_up=warm_up),),
        update=Amended(eta),
    )
