"""The discretisation gap, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass

from supernet.diagnostics.gap import discretisation_gap
from supernet.part import Part, Running
from supernet.report import EpochReport


@dataclass(frozen=True)
class Gap(Part):
    """Writes ``supernet_metric``, ``derived_metric`` and ``discretisation_gap`` into reports, and changes nothing.

    They are measured in epochs 0, ``every``, 2 ``every``, ... on ``batches`` batches of the alphas' half, None for all.
    See :func:`supernet.diagnostics.gap.discretisation_gap`.
    """

    every: int = 1
    batches: int | None = None

    def describe(self) -> str:
        return "discretisation gap" + ("" if self.every == 1 else f" every {self.every}")

    def after_epoch(self, search: Running, report: EpochReport) -> None:
        if report.epoch % self.every:
            return
        cells = {kind: tuple(places) for kind, places in report.cells.items()}
        found = discretisation_gap(search, cells, batches=self.batches)
        report.measured["supernet_metric"] = found.supernet
        report.measured["derived_metric"] = found.derived
        report.measured["discretisation_gap"] = found.gap
