"""Figures from the reports of a search: how decided edges are, how many skips there are, whether two scores agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from supernet.space import Cells, CellSpace
from zerocost.correlation import spearman

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


def margins(theta: Rows) -> list[float]:
    """The largest weight of every edge minus its second largest; the largest itself where there is one operation."""
    found = []
    for row in theta:
        ordered = sorted(row, reverse=True)
        found.append(ordered[0] - ordered[1] if len(ordered) > 1 else ordered[0])
    return found


def skip_counts(space: CellSpace, cells: Cells) -> dict[str, int]:
    """Skip connections in the derived cell of every kind."""
    return {kind: space.count(cells, "skip_connect", kind) for kind in space.kinds}


@dataclass(frozen=True)
class EdgeAgreement:
    """Spearman's rho of two scores of the same operations.

    Attributes:
        mean: Mean over the edges where it is defined; None where it is defined on none.
        edges: Rho of each edge; None where a score is constant or there are fewer than 3 operations.
    """

    mean: float | None
    edges: list[float | None]


def agreement(first: Rows, second: Rows) -> EdgeAgreement:
    """How alike two scores, such as a report's ``theta`` and ``strength``, order the operations of each edge."""
    found = [spearman(list(a), list(b)) for a, b in zip(first, second, strict=True)]
    known = [value for value in found if value is not None]
    return EdgeAgreement(sum(known) / len(known) if known else None, found)


def drift(before: Mapping[str, Sequence[int | None]], after: Mapping[str, Sequence[int | None]]) -> int:
    """The number of edges on which two derived architectures differ."""
    return sum(a != b for kind in before for a, b in zip(before[kind], after[kind], strict=True))
