"""GAEA: geometry-aware steps on the supernets of DARTS and PC-DARTS."""

from __future__ import annotations

from dataclasses import replace

from supernet.alpha_optimisers import ExponentiatedGradient
from supernet.method import Method, Stage
from supernet.methods.pc_darts import pc_darts
from supernet.monitors import Without
from supernet.relaxations import Simplex
from supernet.updates import FirstOrder, SingleLevel, Update
from supernet.weightings import NodeSimplex

SOURCE = "Li et al., ICLR 2021"


def gaea(epochs: int = 25, bilevel: bool = False, *, lr: float = 0.1, with_none: bool = False) -> Method:
    """GAEA DARTS (Li et al., ICLR 2021): weights on the simplex, moved by exponentiated gradients.

    Defaults: the released NAS-Bench-201 search, 25 epochs, batch 64, SGD from 0.025; it was run with 24 initial
    channels. Deviation: the learning rate falls over the epochs of the search, not over twice as many.

    Args:
        epochs: Epochs of the search.
        bilevel: Two levels; False for the single level that the paper calls ERM.
        lr: Step length of the exponentiated gradients.
        with_none: Search with the operation ``none``; the released search leaves it out.
    """
    update: Update = FirstOrder() if bilevel else SingleLevel()
    return Method(
        "GAEA (bilevel)" if bilevel else "GAEA",
        SOURCE,
        (Stage(epochs),),
        relaxation=Simplex(),
        update=update,
        alpha_optimiser=ExponentiatedGradient(lr),
        monitors=() if with_none else (Without(("none",)),),
    )


def gaea_pc_darts(epochs: int = 50, share: int = 4, *, lr: float = 0.1, single_level: bool = False) -> Method:
    """GAEA PC-DARTS of the same paper: PC-DARTS with operations and edges on simplexes, both moved by exponentiated
    gradients.

    Recipe and warm-up are those of PC-DARTS.

    Args:
        epochs: Epochs of the search.
        share: Parts that the channels are cut into.
        lr: Step length for operations and edges, one number as published.
        single_level: Weights and alphas learn from all images together.
    """
    method = pc_darts(epochs, share)
    return replace(
        method,
        name="GAEA PC-DARTS",
        source=SOURCE,
        relaxation=Simplex(),
        weighting=NodeSimplex(),
        update=SingleLevel() if single_level else method.update,
        alpha_optimiser=ExponentiatedGradient(lr),
    )
