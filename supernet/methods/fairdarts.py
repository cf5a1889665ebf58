"""FairDARTS: gates that do not compete."""

from __future__ import annotations

from supernet.alpha_optimisers import Adam
from supernet.method import Method, Stage, SupernetRecipe
from supernet.penalties import ZeroOne
from supernet.relaxations import Sigmoid
from supernet.schedules import Constant
from supernet.selections import Threshold
from supernet.updates import FirstOrder, SingleLevel, Update


def fairdarts(epochs: int = 50, weight: float = 10.0, least: float = 0.85, single_level: bool = False) -> Method:
    """FairDARTS (Chu et al., ECCV 2020): sigmoid gates, the zero-one loss, and a threshold for kept edges.

    Defaults: the released search on the DARTS space without ``none``, 50 epochs, batch 128, SGD 0.005 to 0.001, Adam
    3e-3 with betas 0.9 and 0.999. On NAS-Bench-201, for which nothing is published, the same numbers, and an edge is
    ``none`` where all gates are below one half.

    Args:
        epochs: Epochs of the search.
        weight: Weight of the zero-one loss.
        least: Least gate of a kept edge.
        single_level: Weights and alphas learn from all images together, an option of the released code.
    """
    update: Update = SingleLevel() if single_level else FirstOrder()
    return Method(
        "FairDARTS",
        "Chu et al., ECCV 2020",
        (Stage(epochs),),
        relaxation=Sigmoid(),
        update=update,
        alpha_optimiser=Adam(lr=3e-3, betas=(0.9, 0.999)),
        penalties=(ZeroOne(Constant(weight)),),
        selection=Threshold(least),
        recipe=SupernetRecipe(batch=128, lr=0.005),
    )
