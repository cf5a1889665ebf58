"""DARTS-: the skip connection's two roles taken apart."""

from __future__ import annotations

from dataclasses import replace

from supernet.method import Method
from supernet.methods.darts import darts
from supernet.parts import AuxiliarySkip
from supernet.schedules import Linear


def darts_minus(epochs: int = 50, beta: float = 1.0, *, end_inclusive: bool = False) -> Method:
    """DARTS- (Chu et al., ICLR 2021): DARTS with an auxiliary skip connection on every edge that fades out.

    Its weight falls linearly from ``beta``: ``beta (T - t) / T`` in epoch ``t`` of ``T``, as in the released code, so the last
    epoch still has ``beta / T``. ``end_inclusive``: divide by ``T - 1`` instead, so that the last epoch has none, as the paper
    says. The paper searches the DARTS space without ``none``, S1 to S4 (50 epochs) and NAS-Bench-201; recipe of DARTS.
    """
    part = AuxiliarySkip(Linear(beta, 0.0, inclusive=end_inclusive))
    return replace(darts(epochs), name="DARTS-", source="Chu et al., ICLR 2021", parts=(part,))
