"""FreeDARTS: search without training (Zhang & Jia, arXiv 2106.11542)."""

from __future__ import annotations

from supernet.alpha_optimisers import Frozen
from supernet.method import Method, Stage
from supernet.relaxations.raw import Raw
from supernet.selections.freedarts import ConnectionSensitivity, Style
from supernet.updates import WeightsOnly


def free_darts(epochs: int = 0, *, style: Style = "synflow", draws: int = 8, compat: bool = False) -> Method:
    """FreeDARTS (Zhang & Jia, arXiv 2106.11542): cells by the sensitivity to raw alphas at initialisation.

    See :class:`supernet.selections.freedarts.ConnectionSensitivity`.

    Args:
        epochs: Epochs of weight training before; 0 as published.
        style: ``synflow`` or ``snip``.
        draws: Draws of alphas that are averaged (8 is ours; 1 as published).
        compat: Batch norms as in the released code.
    """
    return Method(
        "FreeDARTS",
        "Zhang & Jia, arXiv 2106.11542",
        (Stage(epochs),),
        relaxation=Raw(),
        update=WeightsOnly("halves"),
        alpha_optimiser=Frozen(),
        selection=ConnectionSensitivity(style, draws, compat),
    )
