"""DrNAS: weights drawn from learnt Dirichlet distributions."""

from __future__ import annotations

from supernet.method import Method, Stage
from supernet.relaxations import Dirichlet


def drnas(epochs: int = 100) -> Method:
    """DrNAS without progressive growth (Chen et al., ICLR 2021), pulled to the uniform Dirichlet by Adam's decay of alphas.

    Defaults: the released NAS-Bench-201 search, 100 epochs, SGD .025 to .001 with weight decay 3e-4, batch 64, Adam 3e-4 with
    decay 1e-3, which is the l2 distance to concentration 1. Deviation: cells are read off the mean weights; the largest
    concentration is the largest alpha, as in the released code.
    """
    return Method("DrNAS", "Chen et al., ICLR 2021", (Stage(epochs),), relaxation=Dirichlet())
