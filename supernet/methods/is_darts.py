"""IS-DARTS: stable search by shrinking (He et al., AAAI 2024)."""

from __future__ import annotations

from supernet.alpha_optimisers import Frozen
from supernet.decisions.shrinking import InformationShrinking
from supernet.method import Method, Stage, SupernetRecipe
from supernet.relaxations.uniform_masked import UniformMasked
from supernet.updates import WeightsOnly


def is_darts(
    epochs: int = 30, interval: int | None = None, *, batches: int | None = None, compat: bool = False
) -> Method:
    """IS-DARTS (He et al., AAAI 2024): equal weights, no architecture parameters, weights learn from all images.

    30 epochs on NAS-Bench-201, 50 on the DARTS space. See :class:`supernet.decisions.InformationShrinking`.
    """
    return Method(
        "IS-DARTS",
        "He et al., AAAI 2024",
        (Stage(epochs),),
        relaxation=UniformMasked(),
        update=WeightsOnly("all"),
        alpha_optimiser=Frozen(),
        selection=InformationShrinking(interval, batches, compat),
        recipe=SupernetRecipe(nesterov=True),
    )
