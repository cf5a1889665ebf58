"""A warning in words where a search has drifted to skip connections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from supernet.space import CellSpace

if TYPE_CHECKING:
    from supernet.search import EpochReport


def collapse_warning(space: CellSpace, history: Sequence[EpochReport], share: float = 0.5) -> str | None:
    """Says since which epoch more than ``share`` of the derived normal cell's edges have been skip connections.

    None where they are not in the last epoch. Edges that carry nothing (``none``, or not kept) do not count as edges. In a
    space without a ``normal`` cell its first kind is looked at. The threshold is ours; in DARTS' collapse every edge becomes a
    skip connection.
    """
    kind = "normal" if "normal" in space.kinds else space.kinds[0]
    since: int | None = None
    for report in history:
        skips, edges = _skips(space, kind, report)
        if edges and skips > share * edges:
            since = report.epoch if since is None else since
        else:
            since = None
    if since is None:
        return None
    skips, edges = _skips(space, kind, history[-1])
    return (
        f"the search has collapsed: since epoch {since} the derived {kind} cell is dominated by skip connections, "
        f"{skips} of its {edges} edges in epoch {history[-1].epoch}; stop earlier, or search with a method that guards against it"
    )


def _skips(space: CellSpace, kind: str, report: EpochReport) -> tuple[int, int]:
    names = space.names(kind, {kind: tuple(report.cells[kind])})
    carrying = [name for name in names if name not in (None, "none")]
    return carrying.count("skip_connect"), len(carrying)
