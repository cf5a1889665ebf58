"""GDAS: one sampled path."""

from __future__ import annotations

from supernet.method import Method, Stage, SupernetRecipe
from supernet.relaxations import GumbelPath


def gdas(epochs: int = 250, compat: bool = True) -> Method:
    """GDAS (Dong & Yang, CVPR 2019): one operation an edge, drawn with Gumbel noise anew for every step of either level.

    Defaults: the NAS-Bench-201 search of the authors' later code, 250 epochs, temperature 10 to .1 linearly, SGD with Nesterov
    momentum, weight decay 5e-4, batch 64 (256 on the DARTS space). ``compat``: gradients of operations that did not run as in
    the released code; see :class:`supernet.relaxations.GumbelPath`. Deviation: the architecture step comes first.
    """
    return Method(
        "GDAS",
        "Dong & Yang, CVPR 2019",
        (Stage(epochs),),
        relaxation=GumbelPath(compat=compat),
        recipe=SupernetRecipe(nesterov=True, weight_decay=5e-4),
    )
