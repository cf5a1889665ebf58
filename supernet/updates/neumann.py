"""Implicit differentiation with a truncated Neumann series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from supernet.data import Batch
from supernet.part import Running
from supernet.updates.base import Losses, weight_step
from supernet.updates.bilevel import BilevelUpdate
from supernet.updates.hypergradient import Bilevel, Hypergradient, neumann


@dataclass
class Neumann(BilevelUpdate):
    """The implicit hypergradient at the present weights (iDARTS, Zhang et al., ICML 2021).

    The alpha step comes before the last of every ``inner_steps`` weight steps and shares its batch. The Hessian
    includes the weight decay of the optimiser.

    Args:
        terms: The paper's K, terms beyond the first, each one exact Hessian-vector product.
        inner_steps: The paper's T, weight steps for each alpha step.
        gamma: Step length of the series; None for the present learning rate of the weights.
        exact_mixed: See :func:`supernet.updates.hypergradient.neumann`.
    """

    terms: int = 2
    inner_steps: int = 4
    gamma: float | None = None
    exact_mixed: bool = True
    _inner: int = field(default=0, repr=False, compare=False)

    def describe(self) -> str:
        return f"implicit ({self.terms} terms, an alpha step in {self.inner_steps})"

    def step(self, search: Running, train: Batch, validation: Batch | None) -> Losses:
        if validation is None:
            return weight_step(search, train)
        self._inner += 1
        if self._inner < self.inner_steps:
            return weight_step(search, train)
        self._inner = 0
        return super().step(search, train, validation)

    def hypergradient(self, search: Running, problem: Bilevel) -> Hypergradient:
        group = search.optimiser.param_groups[0]
        gamma = float(group["lr"]) if self.gamma is None else self.gamma
        return neumann(
            problem, gamma, self.terms, weight_decay=float(group["weight_decay"]), exact_mixed=self.exact_mixed
        )

    def state_dict(self) -> dict[str, Any]:
        return {"inner": self._inner}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._inner = state["inner"]
