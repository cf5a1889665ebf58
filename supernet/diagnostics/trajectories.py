"""How decided the edges of a search are, from its reports."""

from __future__ import annotations

import math
from collections.abc import Sequence

Rows = Sequence[Sequence[float]]
"""(edges, operations): the rows of one kind of cell, as reports hold them."""


def entropies(theta: Rows) -> list[float]:
    """Entropy of every edge's weights in nats: 0 for a decided or pruned edge, log(operations) for an even one.

    Rows are divided by their sum, which is 1 for a softmax and not for gates.
    """
    found = []
    for row in theta:
        total = sum(row)
        shares = [value / total for value in row if value > 0] if total > 0 else []
        found.append(sum(-share * math.log(share) for share in shares) + 0.0)
    return found
