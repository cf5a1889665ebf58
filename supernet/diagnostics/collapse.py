"""A warning where a search has collapsed to skip connections."""

from __future__ import annotations

from collections.abc import Sequence

from ranknosh.spaces.relaxed import Edges
from supernet.report import EpochReport


def collapse_warning(space: Edges, history: Sequence[EpochReport], share: float = 0.5) -> str | None:
    """A warning if more than ``share`` of the derived cell's edges are skip connections in the last epoch.

    The normal cell is looked at, or the first kind of a space without one. The default threshold is ours; in DARTS'
    collapse every edge becomes a skip connection.

    Args:
        space: The space of the search.
        history: Reports of all epochs.
        share: Share of the edges in [0, 1]; edges that carry nothing (``none``, or not kept) are not counted.

    Returns:
        A sentence that says since which epoch it has been so; None where it is not so.
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


def _skips(space: Edges, kind: str, report: EpochReport) -> tuple[int, int]:
    names = space.names(kind, {kind: tuple(report.cells[kind])})
    carrying = [name for name in names if name not in (None, "none")]
    return carrying.count("skip_connect"), len(carrying)
