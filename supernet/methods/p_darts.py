"""P-DARTS: a supernet that grows deeper while its edges lose operations."""

from __future__ import annotations

from dataclasses import replace

from supernet.alpha_optimisers import Adam
from supernet.method import Method, Stage, SupernetRecipe
from supernet.parts import SkipDropout
from supernet.parts.skip_dropout import SkipDropoutRate
from supernet.restage import Restage
from supernet.selections.skip_cap import SkipCap

BLOCKS = (5, 11, 17)
KEEP = (0.65, 0.38)
"""Shares of the operations: 5 and 3 of 8."""


def p_darts(
    epochs: int = 75,
    dropout: tuple[float, float, float] = (0.0, 0.4, 0.7),
    skips: int = 2,
    *,
    warm_up: int | None = None,
) -> Method:
    """P-DARTS (Chen et al., ICCV 2019): three stages of 5, 11 and 17 cells with 8, 5 and 3 operations an edge.

    Every stage starts with fresh weights and alphas. Identities go through dropout that fades within a stage, and the
    normal cell keeps a limited number of skip connections. Recipe: batch 96, learning rate 0.025 to 0, Adam 6e-4. The
    stages set the depth, whatever size the search was given. Where cells come in three stages, for which nothing is
    published, 5, 11 and 17 blocks are 1, 3 and 5 cells in each; of five operations an edge keeps 3 and then 2.
    Deviation: gradients of the alphas are not clipped.

    Args:
        epochs: Epochs of the three stages together.
        dropout: First dropout rate of each stage; default of the paper's CIFAR-10 search (CIFAR-100: 0.1, 0.2, 0.3).
        skips: Most skip connections of the normal cell.
        warm_up: First epochs of each stage that train weights only; None for 10 of 25.
    """
    first, second = epochs // 3, (epochs + 1) // 3
    lengths = (first, second, epochs - first - second)
    stages = []
    for index, length in enumerate(lengths):
        warm = min(length * 2 // 5 if warm_up is None else warm_up, length - 1)
        part = SkipDropout(SkipDropoutRate(dropout[index], warm))
        enter = Restage(blocks=BLOCKS[index], keep=KEEP[index - 1] if index else None, changes={"parts": (part,)})
        stages.append(Stage(length, warm_up=warm, enter=enter, name=f"stage {index + 1}"))
    return Method(
        "P-DARTS",
        "Chen et al., ICCV 2019",
        tuple(stages),
        parts=(SkipDropout(SkipDropoutRate(dropout[0])),),
        alpha_optimiser=Adam(lr=6e-4),
        selection=SkipCap(skips),
        recipe=replace(SupernetRecipe(), batch=96, lr_last=0.0),
    )
