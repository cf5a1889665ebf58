"""What was decided during the search."""

from __future__ import annotations

from dataclasses import dataclass

from supernet.selections.magnitude import Magnitude


@dataclass(frozen=True)
class Decided(Magnitude):
    """The operations that monitors fixed; as long as edges still mix, the largest mean weight stands for a decision there."""

    def describe(self) -> str:
        return "as decided"
