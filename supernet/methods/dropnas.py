"""DropNAS: grouped operation dropout, weights and alphas on one level."""

from __future__ import annotations

from supernet.alpha_optimisers import Adam
from supernet.method import Method, Stage, SupernetRecipe
from supernet.relaxations import OperationDropout
from supernet.updates import SingleLevel


def dropnas(epochs: int = 76, probability: float = 3e-5**0.25) -> Method:
    """DropNAS (Hong et al., IJCAI 2020): operations dropped in groups, on one level, decay only of what had a gradient.

    ``probability`` of dropping an operation is published for the DARTS space; on NAS-Bench-201, whose groups are
    smaller, we keep it. Defaults: 76 epochs on all training images, batch 96, SGD 0.0375 to 0.0015, gradient norm 3, on
    14 cells of 16 channels. Deviations: decay is part of the one step of each optimiser, where the released code makes
    a second step of it, of twice the strength; parameters of dropped operations do not move at all.
    """
    return Method(
        "DropNAS",
        "Hong et al., IJCAI 2020",
        (Stage(epochs),),
        relaxation=OperationDropout(probability),
        update=SingleLevel(),
        alpha_optimiser=Adam(partial=True),
        recipe=SupernetRecipe(batch=96, lr=0.0375, lr_last=0.0015, clip=3.0),
    )
