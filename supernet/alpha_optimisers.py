"""What moves the architecture parameters, given their gradients."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from supernet.part import Part

if TYPE_CHECKING:
    from supernet.search import Search


class AlphaOptimiser(Part):
    """``step`` moves ``search.parameters`` by their gradients. Rows of decided edges do not move."""

    def step(self, search: Search, gradients: Mapping[str, Tensor]) -> None:
        raise NotImplementedError


@dataclass
class Adam(AlphaOptimiser):
    """``torch.optim.Adam`` on the parameters; ``weight_decay`` is added to the gradients.

    Defaults: DARTS (Liu et al., ICLR 2019, sec. A.1.1). Only entries that are still in a mixture move: decay and the moments'
    inertia would move the others without any evidence.
    """

    lr: float = 3e-4
    betas: tuple[float, float] = (0.5, 0.999)
    weight_decay: float = 1e-3
    _optimiser: torch.optim.Adam | None = field(default=None, repr=False, compare=False)

    def describe(self) -> str:
        return f"Adam {self.lr:g}"

    def begin(self, search: Search) -> None:
        tensors = list(search.parameters.values())
        self._optimiser = torch.optim.Adam(tensors, lr=self.lr, betas=self.betas, weight_decay=self.weight_decay)

    def step(self, search: Search, gradients: Mapping[str, Tensor]) -> None:
        assert self._optimiser is not None
        kept = {}
        for name, parameter in search.parameters.items():
            parameter.grad = gradients[name]
            free = search.movable(name)
            if free is not None:
                kept[name] = (free, parameter.detach().clone())
        self._optimiser.step()
        with torch.no_grad():
            for name, (free, before) in kept.items():
                parameter = search.parameters[name]
                parameter.copy_(torch.where(free, parameter, before))
        self._optimiser.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        assert self._optimiser is not None
        return {"optimiser": self._optimiser.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        assert self._optimiser is not None
        self._optimiser.load_state_dict(copy.deepcopy(state["optimiser"]))


@dataclass
class Frozen(AlphaOptimiser):
    """Parameters stay where they are."""

    def describe(self) -> str:
        return "alphas frozen"

    def step(self, search: Search, gradients: Mapping[str, Tensor]) -> None: ...
