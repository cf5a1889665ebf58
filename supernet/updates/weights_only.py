"""No architecture step at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from supernet.updates.base import Batch, Losses, Update, weight_step

if TYPE_CHECKING:
    from supernet.search import Search


@dataclass(frozen=True)
class WeightsOnly(Update):
    """A weight step on every batch; architecture parameters stay. ``split``: see :class:`supernet.updates.Update`."""

    split: Literal["halves", "all"] = "all"

    def describe(self) -> str:
        return "weights only"

    def step(self, search: Search, train: Batch, validation: Batch | None) -> Losses:
        return weight_step(search, train)
