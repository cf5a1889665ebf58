"""DARTS+: early stopping by what the derived cell looks like."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from supernet.method import Method
from supernet.methods.darts import darts
from supernet.monitors import RankingStable, SkipLimit
from supernet.part import Part


def darts_plus(
    epochs: int = 50, rule: Literal["skips", "ranking"] = "skips", limit: int = 2, patience: int = 10
) -> Method:
    """DARTS+ (Liang et al., arXiv 1909.06035): DARTS that stops before the derived normal cell has ``limit`` skip connections.

    ``rule="ranking"`` is the paper's criterion 1*: stop when the order of the learnable operations has not changed for
    ``patience`` epochs.
    """
    monitor: Part = SkipLimit(limit) if rule == "skips" else RankingStable(patience)
    return replace(darts(epochs), name="DARTS+", source="Liang et al., arXiv 1909.06035", monitors=(monitor,))
