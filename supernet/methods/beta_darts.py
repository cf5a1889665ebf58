"""beta-DARTS."""

from __future__ import annotations

from dataclasses import replace

from supernet.method import Method
from supernet.methods.darts import darts
from supernet.penalties import BetaDecay
from supernet.schedules import Linear


def beta_darts(epochs: int = 100, weight: float = 50.0) -> Method:
    """beta-DARTS (Ye et al., CVPR 2022): DARTS with beta decay that rises from 0 to ``weight``, reached one epoch after
    the end.

    Defaults: the released NAS-Bench-201 search, 100 epochs with the recipe of DARTS; Adam's decay of the alphas stays.
    """
    decay = BetaDecay(Linear(0.0, weight))
    return replace(darts(epochs), name="beta-DARTS", source="Ye et al., CVPR 2022", penalties=(decay,))
