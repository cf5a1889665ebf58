"""R-DARTS by curvature: early stopping, and adaptive regularisation."""

from __future__ import annotations

from dataclasses import replace

from supernet.method import Method
from supernet.methods.darts import darts
from supernet.methods.darts_second import darts_second
from supernet.monitors import Adaptive, Curvature, EigenvalueRise

SOURCE = "Zela et al., ICLR 2020"


def darts_es(epochs: int = 50, second_order: bool = True, batches: int = 4) -> Method:
    """DARTS-ES (Zela et al., ICLR 2020): stopped before the Hessian's dominant eigenvalue rises.

    ``second_order``: as in the released scripts; False for first order. ``batches``: that the Hessian is averaged over; see
    :func:`supernet.diagnostics.hessian_eigenvalue` and :class:`supernet.monitors.Rise` for deviations.
    """
    base = darts_second(epochs) if second_order else darts(epochs)
    return replace(base, name="DARTS-ES", source=SOURCE, monitors=(Curvature(1, batches), EigenvalueRise()))


def darts_ada(epochs: int = 50, second_order: bool = True, batches: int = 4) -> Method:
    """DARTS-ADA (Zela et al., ICLR 2020): where DARTS-ES would stop, back to that epoch and on with three times the decay.

    Arguments as those of :func:`darts_es`; see :class:`supernet.monitors.Adaptive` for deviations.
    """
    monitors = (Curvature(1, batches), Adaptive())
    return replace(darts_es(epochs, second_order), name="DARTS-ADA", monitors=monitors)
