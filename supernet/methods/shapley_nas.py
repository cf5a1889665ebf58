"""Shapley-NAS (Xiao et al., CVPR 2022)."""

from __future__ import annotations

from supernet.alpha_optimisers import Frozen
from supernet.method import Method, Stage, SupernetRecipe
from supernet.updates.shapley import ShapleyValues


def shapley_nas(epochs: int = 50, *, warm_up: int | None = None, permutations: int = 10, batch: int = 1024) -> Method:
    """Shapley-NAS (Xiao et al., CVPR 2022): alphas from Shapley values of operations, largest weight kept.

    Recipe of PC-DARTS (Xu et al., ICLR 2020), as in the released code; the same on NAS-Bench-201. See
    :class:`supernet.updates.shapley.ShapleyValues`.

    Args:
        epochs: Epochs of the search.
        warm_up: First epochs that train weights only; None for half of them.
        permutations: Orders of removal for each estimate.
        batch: Images that each order is measured on.
    """
    return Method(
        "Shapley-NAS",
        "Xiao et al., CVPR 2022",
        (Stage(epochs, warm_up=epochs // 2 if warm_up is None else warm_up),),
        update=ShapleyValues(permutations=permutations, batch=batch),
        alpha_optimiser=Frozen(),
        recipe=SupernetRecipe(batch=256, lr=0.1, lr_last=0.0),
    )
