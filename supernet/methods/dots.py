"""DOTS: a search for operations, then a search for the topology."""

from __future__ import annotations

from supernet.alpha_optimisers import Adam
from supernet.method import Method, Stage, SupernetRecipe
from supernet.relaxations.grouped import GroupedSoftmax
from supernet.restage import Restage
from supernet.schedules import Exponential
from supernet.selections.pairs import LikeliestPairs
from supernet.updates import SingleLevel
from supernet.weightings.pairs import PairSoftmax

GROUPS = (
    ("none", "skip_connect", "max_pool_3x3", "avg_pool_3x3"),
    ("sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"),
)
"""Operations without and with weights."""


def dots(epochs: int = 70) -> Method:
    """DOTS (Gu et al., CVPR 2021) on the DARTS space; of 70 epochs 15 + 15 are for operations and 20 + 20 for the
    topology.

    The first stage has two softmaxes an edge, one over operations with weights and one over those without; its first
    half trains weights only. Then every edge keeps the best of each group and the supernet is built anew. In the second
    stage pairs of edges compete at every node (:class:`supernet.weightings.pairs.PairSoftmax`, temperature 10 to 0.02),
    and so do the two operations of each edge; weights and alphas are trained together on all training images, again
    after a half that trains weights only.

    Deviations: the two operations of an edge compete at the temperature of the pairs, where the released code takes a
    thousandth of it; Adam's betas are DARTS' in both stages, where the released code has (0.9, 0.999) in the second.
    """
    operations = max(2, round(epochs * 3 / 7))
    topology = max(2, epochs - operations)
    temperature = Exponential(10.0, 0.02, inclusive=True)
    enter = Restage(
        keep=1,
        groups=GROUPS,
        changes={
            "relaxation": GroupedSoftmax((sum(GROUPS, ()),), temperature),
            "weighting": PairSoftmax(temperature),
        },
    )
    return Method(
        "DOTS",
        "Gu et al., CVPR 2021",
        (
            Stage(operations, warm_up=operations // 2, name="operations"),
            Stage(topology, warm_up=topology // 2, enter=enter, update=SingleLevel(), name="topology"),
        ),
        relaxation=GroupedSoftmax(GROUPS),
        alpha_optimiser=Adam(),
        selection=LikeliestPairs(),
        recipe=SupernetRecipe(),
    )
