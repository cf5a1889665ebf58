"""Training of the shared weights alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from supernet.data import Batch
from supernet.part import Running
from supernet.updates.base import Losses, Update, weight_step


@dataclass(frozen=True)
class WeightsOnly(Update):
    """One weight step a batch. With ``halves`` the other half of the images is never trained on and serves to rank
    architectures."""

    split: Literal["halves", "all"] = "halves"
    uses_validation = False

    def describe(self) -> str:
        return "weights only"

    def step(self, search: Running, train: Batch, validation: Batch | None) -> Losses:
        return weight_step(search, train)
