"""GDAS: one sampled path."""

from __future__ import annotations

from supernet.method import Method, Stage, SupernetRecipe
from supernet.relaxations import GumbelPath


def gdas(epochs: int = 250, compat: bool = True) -> Method:
    """GDAS (Dong & Yang, CVPR 2019): one operation an edge, drawn with new Gumbel noise for every step of either level.

    With ``compat`` gradients of operations that did not run are those of the released code; see
    :class:`supernet.relaxations.GumbelPath`. Defaults: the NAS-Bench-201 search of the authors' later code, 250 epochs,
    temperature 10 to 0.1 linearly, SGD with Nesterov momentum, weight decay 5e-4, batch 64 (256 on the DARTS space).
    Deviation: the architecture step comes first.
    """
    return Method(
        "GDAS",
        "Dong & Yang, CVPR 2019",
        (Stage(epochs),),
        relaxation=GumbelPath(compat=compat),
        recipe=SupernetRecipe(nesterov=True, weight_decay=5e-4),
    )
