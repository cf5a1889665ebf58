"""First-order alternation."""

from __future__ import annotations

from dataclasses import dataclass

from supernet.data import Batch
from supernet.part import Running
from supernet.updates.base import Losses, Update, architecture_gradients, weight_step


@dataclass(frozen=True)
class FirstOrder(Update):
    """An alpha step along ``d L_val(w, alpha) / d alpha``, then a weight step (Liu et al., ICLR 2019, eq. 7 with xi =
    0)."""

    def describe(self) -> str:
        return "first order"

    def step(self, search: Running, train: Batch, validation: Batch | None) -> Losses:
        loss = None
        if validation is not None:
            loss, gradients = architecture_gradients(search, validation)
            search.step_alphas(gradients)
        losses = weight_step(search, train)
        losses.alphas = loss
        return losses
