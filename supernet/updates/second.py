"""Second order: the alphas' gradient is taken after one step of the weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from supernet.data import Batch
from supernet.part import Running
from supernet.updates.base import Losses
from supernet.updates.bilevel import BilevelUpdate
from supernet.updates.first import FirstOrder
from supernet.updates.hypergradient import Bilevel, Hypergradient, unrolled


@dataclass(frozen=True)
class SecondOrder(BilevelUpdate):
    """``d L_val(w - xi dL_train/dw, alpha) / d alpha`` by finite differences (Liu et al., ICLR 2019, eq. 6 to 8).

    ``xi`` is the length of the unrolled step: None for the learning rate of the weights, as published, and 0 for the
    first order itself. The unrolled step has the momentum and weight decay of the weights' optimiser. An alpha step
    costs four passes instead of one.
    """

    xi: float | None = None

    def describe(self) -> str:
        return "second order" if self.xi is None else f"second order (xi {self.xi:g})"

    def step(self, search: Running, train: Batch, validation: Batch | None) -> Losses:
        # Without a step ahead the rule is the first order, which needs one pass instead of four.
        if self.xi == 0:
            return FirstOrder().step(search, train, validation)
        return super().step(search, train, validation)

    def hypergradient(self, search: Running, problem: Bilevel) -> Hypergradient:
        group = search.optimiser.param_groups[0]
        xi = float(group["lr"]) if self.xi is None else self.xi
        return unrolled(problem, xi, inertia=inertia(search.optimiser), weight_decay=float(group["weight_decay"]))


def inertia(optimiser: torch.optim.Optimizer) -> list[Tensor]:
    """Momentum times momentum buffers, in the order of the parameters; zeros for a parameter without a step so far."""
    found = []
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            buffer = optimiser.state.get(parameter, {}).get("momentum_buffer")
            found.append(torch.zeros_like(parameter) if buffer is None else group["momentum"] * buffer)
    return found
