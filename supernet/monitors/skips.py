"""Stopping when the derived cell has too many skip connections."""

from __future__ import annotations

from dataclasses import dataclass

from ranknosh.spaces.relaxed import Relaxed
from supernet.part import Composition, Part, Running, Stop
from supernet.report import EpochReport


@dataclass(frozen=True)
class SkipLimit(Part):
    """Stops when the derived cell has ``limit`` skip connections; the last one that had fewer is the result (DARTS+,
    Liang et al., arXiv 1909.06035, criterion 1).

    Epochs that train weights only, and those before the first derived cell under the limit, are not counted: there is
    nothing to return yet.

    Args:
        limit: Skip connections that end the search.
        kind: Kind of the cell that is counted.
        start: First epoch (from 0) that may end the search.
    """

    limit: int = 2
    kind: str = "normal"
    start: int = 0

    def describe(self) -> str:
        return f"stop at {self.limit} skips in the {self.kind} cell"

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        if self.kind not in space.kinds:
            return f"skips are to be counted in the {self.kind} cell, and there are {', '.join(space.kinds)}"
        if not any("skip_connect" in names for names in space.candidates[self.kind]):
            return f"{space.name} has no skip connections to stop at"
        return None

    def after_epoch(self, search: Running, report: EpochReport) -> Stop | None:
        if report.alphas_loss is None or report.epoch < self.start or self._skips(search, report) < self.limit:
            return None
        under = [r.epoch for r in search.history if r.alphas_loss is not None and self._skips(search, r) < self.limit]
        if not under:
            return None
        found = self._skips(search, report)
        return Stop(under[-1], f"the derived {self.kind} cell has {found} skip connections in epoch {report.epoch}")

    def _skips(self, search: Running, report: EpochReport) -> int:
        return search.space.count({self.kind: tuple(report.cells[self.kind])}, "skip_connect", self.kind)
