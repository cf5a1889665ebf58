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

    See :class:`supernet.decisions.shrinking.InformationShrinking`.

    Args:
        epochs: Epochs of the search: 30 on NAS-Bench-201, 50 on the DARTS space.
        interval: Epochs between removals; None for the published number.
        batches: Batches that the information is measured on; None for all.
        compat: Count the removals as the released code does.
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
