"""Adam on architecture parameters."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from supernet.alpha_optimisers.base import AlphaOptimiser
from supernet.part import Running


@dataclass
class Adam(AlphaOptimiser):
    """``torch.optim.Adam`` on the parameters. Defaults: DARTS (Liu et al., ICLR 2019, sec. A.1.1).

    Only entries that are still in a mixture move: decay and momentum would move the others without any evidence.

    Args:
        lr: Learning rate.
        betas: Decay rates of the two moments.
        weight_decay: Coefficient of the L2 term, which is added to the gradients.
        partial: Entries whose gradient is 0 do not move either (DropNAS, Hong et al., IJCAI 2020, decays only what had
            a gradient).
    """

    lr: float = 3e-4
    betas: tuple[float, float] = (0.5, 0.999)
    weight_decay: float = 1e-3
    partial: bool = False
    _optimiser: torch.optim.Adam | None = field(default=None, repr=False, compare=False)

    def describe(self) -> str:
        return f"Adam {self.lr:g}" + (" where there is a gradient" if self.partial else "")

    def begin(self, search: Running) -> None:
        tensors = list(search.parameters.values())
        self._optimiser = torch.optim.Adam(tensors, lr=self.lr, betas=self.betas, weight_decay=self.weight_decay)

    def step(self, search: Running, gradients: Mapping[str, Tensor]) -> None:
        assert self._optimiser is not None
        kept = {}
        for name, parameter in search.parameters.items():
            parameter.grad = gradients[name]
            free = self._free(search, name, gradients[name])
            if free is not None:
                kept[name] = (free, parameter.detach().clone())
        self._optimiser.step()
        with torch.no_grad():
            for name, (free, before) in kept.items():
                parameter = search.parameters[name]
                # Put back after the step rather than masked before it: Adam moves entries of gradient 0, by decay and
                # by momentum.
                parameter.copy_(torch.where(free, parameter, before))
        self._optimiser.zero_grad()

    def _free(self, search: Running, name: str, gradient: Tensor) -> Tensor | None:
        """Which entries may move; None for all."""
        free = search.movable(name)
        if not self.partial:
            return free
        return gradient != 0 if free is None else free & (gradient != 0)

    def state_dict(self) -> dict[str, Any]:
        assert self._optimiser is not None
        return {"optimiser": self._optimiser.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        assert self._optimiser is not None
        self._optimiser.load_state_dict(copy.deepcopy(state["optimiser"]))
