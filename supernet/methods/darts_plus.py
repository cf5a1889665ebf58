"""DARTS+: early stopping by the derived cell."""

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
    """DARTS+ (Liang et al., arXiv 1909.06035): DARTS with early stopping.

    Args:
        epochs: Most epochs of the search.
        rule: ``skips`` stops before the derived normal cell has ``limit`` skip connections (criterion 1); ``ranking``
            when the order of the learnable operations has not changed for ``patience`` epochs (criterion 1*).
        limit: Skip connections that end the search.
        patience: Epochs without change that end the search.
    """
    monitor: Part = SkipLimit(limit) if rule == "skips" else RankingStable(patience)
    return replace(darts(epochs), name="DARTS+", source="Liang et al., arXiv 1909.06035", monitors=(monitor,))
