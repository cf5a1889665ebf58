"""The operation of largest weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from supernet.part import Running
from supernet.selections.base import Selection


@dataclass(frozen=True)
class Magnitude(Selection):
    """Scores are the mean weights theta (Liu et al., ICLR 2019, sec. 2.4), times the edge factors where there are any."""

    def describe(self) -> str:
        return "magnitude"

    def scores(self, search: Running) -> Mapping[str, Tensor]:
        return search.mix("evaluation", detached=True).theta
