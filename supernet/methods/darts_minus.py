"""DARTS-: an auxiliary skip connection separates the two roles of skip connections."""

from __future__ import annotations

from dataclasses import replace

from supernet.method import Method
from supernet.methods.darts import darts
from supernet.parts import AuxiliarySkip
from supernet.schedules import Linear


def darts_minus(epochs: int = 50, beta: float = 1.0, *, end_inclusive: bool = False) -> Method:
    """DARTS- (Chu et al., ICLR 2021): DARTS with an auxiliary skip connection on every edge that fades out.

    The paper searches the DARTS space without ``none``, S1 to S4 (50 epochs) and NAS-Bench-201; recipe of DARTS.

    Args:
        epochs: T, epochs of the search.
        beta: First weight of the auxiliary skip; in epoch t it is ``beta (T - t) / T``, as in the released code, so the
            last epoch still has ``beta / T``.
        end_inclusive: Divide by ``T - 1`` instead, so that the last epoch has none, as the paper says.
    """
    part = AuxiliarySkip(Linear(beta, 0.0, inclusive=end_inclusive))
    return replace(darts(epochs), name="DARTS-", source="Chu et al., ICLR 2021", parts=(part,))
