"""The decisions of a search as its result."""

from __future__ import annotations

from dataclasses import dataclass

from supernet.selections.magnitude import Magnitude


@dataclass(frozen=True)
class Decided(Magnitude):
    """The operations that monitors fixed; an edge that still mixes has the operation of largest mean weight."""

    def describe(self) -> str:
        return "as decided"
