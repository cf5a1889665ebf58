"""PC-DARTS: search over a part of the channels."""

from __future__ import annotations

from supernet.alpha_optimisers import Adam
from supernet.method import Method, Stage, SupernetRecipe
from supernet.parts import PartialChannels
from supernet.weightings import NodeSoftmax

SOURCE = "Xu et al., ICLR 2020"


def pc_darts(epochs: int = 50, share: int = 4, *, warm_up: int | None = None) -> Method:
    """PC-DARTS (Xu et al., ICLR 2020): a mixture over a ``share``-th of the channels, and a softmax over the edges of a node.

    Defaults of the paper's CIFAR-10 search: share 4, 50 epochs, the first 15 of weights only, batch 256, learning rate .1 to 0,
    Adam 6e-4 for alphas. ``warm_up``: epochs of weights only; None for 15 of 50, in proportion. Edges and operations are chosen
    by the product of both softmaxes. The paper's share for ImageNet is 2. Deviation: the channels that are mixed are the first
    ones, as in the released code; the paper speaks of sampling them.
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
