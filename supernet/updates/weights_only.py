"""Training of the shared weights alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from supernet.updates.base import Batch, Losses, Update, weight_step

if TYPE_CHECKING:
    from supernet.search import SupernetSearch


@dataclass(frozen=True)
class WeightsOnly(Update):
    """One weight step a batch. With ``halves`` the other half of the images is never trained on and serves to rank
    architectures."""

    split: Literal["halves", "all"] = "halves"
    uses_validation = False

    def describe(self) -> str:
        return "weights only"

    def step(self, search: SupernetSearch, train: Batch, validation: Batch | None) -> Losses:
        return weight_step(search, train)
