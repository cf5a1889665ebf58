"""P-DARTS: a supernet that grows deeper while its choices get fewer."""

from __future__ import annotations

from dataclasses import replace

from supernet.alpha_optimisers import Adam
from supernet.method import Method, Stage, SupernetRecipe
from supernet.parts import SkipDropout
from supernet.parts.skip_dropout import SkipDropoutRate
from supernet.restage import Restage
from supernet.selections.skip_cap import SkipCap

CELLS = ({"nasbench201": 1, "": 5}, {"nasbench201": 3, "": 11}, {"nasbench201": 5, "": 17})
KEEP = ({"nasbench201": 3, "": 5}, {"nasbench201": 2, "": 3})


def p_darts(
    epochs: int = 75,
    dropout: tuple[float, float, float] = (0.0, 0.4, 0.7),
    skips: int = 2,
    *,
    warm_up: int | None = None,
) -> Method:
    """P-DARTS (Chen et al., ICCV 2019): three stages of 5, 11 and 17 cells with 8, 5 and 3 operations an edge.

    Every stage begins with fresh weights and alphas and trains weights only in the first 10 of its 25 epochs; identities go
    through dropout that begins at ``dropout`` (CIFAR-10 of the paper; CIFAR-100: .1, .2, .3) and fades; the normal cell
    keeps at most ``skips`` skip connections. Recipe: batch 96, learning rate .025 to 0, Adam 6e-4. The number of cells is set
    by the stages, whatever was asked for. On NAS-Bench-201, for which nothing is published, stages have 1, 3 and 5 cells a
    stage of the network and 5, 3 and 2 operations. Deviation: alphas' gradients are not clipped.
    """
    first, second = epochs // 3, (epochs + 1) // 3
    lengths = (first, second, epochs - first - second)
    stages = []
    for index, length in enumerate(lengths):
        warm = min(length * 2 // 5 if warm_up is None else warm_up, length - 1)
        part = SkipDropout(SkipDropoutRate(dropout[index], warm))
        enter = Restage(cells=CELLS[index], keep=KEEP[index - 1] if index else None, changes={"parts": (part,)})
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
