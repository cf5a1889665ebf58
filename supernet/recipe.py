"""How the weights of a supernet are trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class SupernetRecipe:
    """How the weights of a supernet are trained: SGD with a cosine learning rate. Defaults: DARTS (Liu et al., ICLR
    2019, sec. A.1.1).

    Args:
        batch: Examples of a batch, of either level.
        lr: Learning rate of the first epoch.
        lr_last: End of the cosine, reached one epoch after the last.
        momentum: Momentum of SGD.
        nesterov: Nesterov's momentum.
        weight_decay: Coefficient of the L2 term.
        clip: Bound of the global gradient norm, 0 for none.
        augment: Augmentation of the training inputs; pictures alone have any.
        spans_stages: One cosine over the epochs of all stages instead of one for each stage.
    """

    batch: int = 64
    lr: float = 0.025
    lr_last: float = 0.001
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 3e-4
    clip: float = 5.0
    augment: Literal["none", "crop_flip", "crop_flip_cutout"] = "crop_flip"
    spans_stages: bool = False
