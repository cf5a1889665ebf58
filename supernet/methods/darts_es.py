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

    Deviations: see :func:`supernet.diagnostics.hessian_eigenvalue` and :class:`supernet.monitors.Rise`.

    Args:
        epochs: Most epochs of the search.
        second_order: Second-order DARTS, as in the released scripts; False for first order.
        batches: Batches that the Hessian is averaged over.
    """
    base = darts_second(epochs) if second_order else darts(epochs)
    return replace(base, name="DARTS-ES", source=SOURCE, monitors=(Curvature(1, batches), EigenvalueRise()))


def darts_ada(epochs: int = 50, second_order: bool = True, batches: int = 4) -> Method:
    """DARTS-ADA (Zela et al., ICLR 2020): where DARTS-ES would stop, it returns to that epoch with three times the
    weight decay.

    Deviations: those of :func:`darts_es` and :class:`supernet.monitors.Adaptive`.

    Args:
        epochs: Epochs of the search, without those that are trained again.
        second_order: Second-order DARTS, as in the released scripts; False for first order.
        batches: Batches that the Hessian is averaged over.
    """
    monitors = (Curvature(1, batches), Adaptive())
    return replace(darts_es(epochs, second_order), name="DARTS-ADA", monitors=monitors)
