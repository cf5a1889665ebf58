"""DOTS: operations first, then the topology."""

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
    """DOTS (Gu et al., CVPR 2021) on the DARTS space: 15 + 15 epochs for operations, 20 + 20 for the topology, of 70.

    First two softmaxes an edge, one over operations with and one over those without weights, the first half of weights only.
    Then every edge keeps the best of each group, the supernet begins anew, and pairs of edges compete at every node
    (:class:`supernet.weightings.pairs.PairSoftmax`, temperature 10 to .02) beside the two operations of each edge, weights and
    alphas together on all training images, after a half of weights only. Deviations: the two operations of an edge
    compete at the temperature of the pairs, where the released code takes a thousandth of it; Adam's betas are DARTS' in both
    stages, where the released code has (.9, .999) in the second.
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
