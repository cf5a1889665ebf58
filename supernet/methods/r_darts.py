"""R-DARTS: DARTS with stronger regularisation of the weights."""

from __future__ import annotations

from dataclasses import replace

from supernet.method import Method, with_recipe
from supernet.methods.darts import darts
from supernet.parts import Cutout, EdgeDropPath
from supernet.schedules import Linear

SOURCE = "Zela et al., ICLR 2020"
WEIGHT_DECAYS = (3e-4, 9e-4, 27e-4, 81e-4)
"""The paper's grid of weight decays; the first one is that of DARTS."""
DROP_RATES = (0.0, 0.2, 0.4, 0.6)
"""The paper's grid of largest drop-path rates."""


def r_darts_l2(epochs: int = 50, weight_decay: float = 81e-4) -> Method:
    """R-DARTS (L2) (Zela et al., ICLR 2020): DARTS with a larger weight decay, one point of the paper's grid.

    The method of the paper is the whole grid: search with each of :data:`WEIGHT_DECAYS`, train the cells
    found in the same way, and keep those of best validation accuracy. The default, the largest decay of
    the grid, is ours. Deviation: first order; the paper's scripts take the second, ``replace(method,
    update=SecondOrder())``.
    """
    method = replace(darts(epochs), name=f"R-DARTS (L2 {weight_decay:g})", source=SOURCE)
    return with_recipe(method, weight_decay=weight_decay)


def r_darts_dp(epochs: int = 50, drop_rate: float = 0.6, *, cutout: bool = True) -> Method:
    """R-DARTS (DP) of the same paper: drop-path on the supernet's edges, and cutout, both growing from 0.

    In epoch ``t`` of ``T`` the rate is ``drop_rate t / (T - 1)``, and an image is cut with chance ``t / (T - 1)``, as
    in the released code. The paper's grid is :data:`DROP_RATES`. Deviation: first order.

    Args:
        epochs: T, epochs of the search.
        drop_rate: Rate in the last epoch; 0 is DARTS, without cutout. The default, the largest of the grid, is ours.
        cutout: False for no cutout, for images that are too small or too few.
    """
    if drop_rate == 0:
        return replace(darts(epochs), name="R-DARTS (DP 0)", source=SOURCE)
    part = EdgeDropPath(Linear(0.0, drop_rate, inclusive=True))
    monitors = (Cutout(),) if cutout else ()
    return replace(darts(epochs), name=f"R-DARTS (DP {drop_rate:g})", source=SOURCE, parts=(part,), monitors=monitors)
