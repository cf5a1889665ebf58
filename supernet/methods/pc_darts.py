"""PC-DARTS: search over a part of the channels."""

from __future__ import annotations

from supernet.alpha_optimisers import Adam
from supernet.method import Method, Stage, SupernetRecipe
from supernet.parts import PartialChannels
from supernet.weightings import NodeSoftmax

SOURCE = "Xu et al., ICLR 2020"


def pc_darts(epochs: int = 50, share: int = 4, *, warm_up: int | None = None) -> Method:
    """PC-DARTS (Xu et al., ICLR 2020): a mixture over a part of the channels, and a softmax over the edges of a node.

    Defaults of the paper's CIFAR-10 search: share 4 (2 for ImageNet), 50 epochs, batch 256, learning rate 0.1 to 0,
    Adam 6e-4 for the alphas. Edges and operations are chosen by the product of both softmaxes. Deviation: the mixed
    channels are the first ones, as in the released code; the paper speaks of sampling them.

    Args:
        epochs: Epochs of the search.
        share: Parts that the channels are cut into; one of them is mixed.
        warm_up: First epochs that train weights only; None for 15 of 50, in proportion.
    """
    warm = epochs * 15 // 50 if warm_up is None else warm_up
    return Method(
        "PC-DARTS",
        SOURCE,
        (Stage(epochs, warm_up=warm),),
        parts=(PartialChannels(share),),
        weighting=NodeSoftmax(),
        alpha_optimiser=Adam(lr=6e-4),
        recipe=SupernetRecipe(batch=256, lr=0.1, lr_last=0.0),
    )
