"""The largest eigenvalue of the validation loss's Hessian, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass

from supernet.diagnostics.hessian import hessian_eigenvalue
from supernet.part import Part, Running
from supernet.report import EpochReport

EIGENVALUE = "hessian_eigenvalue"
"""Its name in ``EpochReport.measured``."""


@dataclass(frozen=True)
class Curvature(Part):
    """Writes ``hessian_eigenvalue`` into the reports of epochs 0, ``every``, 2 ``every``, ... and changes nothing.

    ``batches`` is the number of batches averaged over; see :func:`supernet.diagnostics.hessian.hessian_eigenvalue`.
    """

    every: int = 1
    batches: int = 4

    def describe(self) -> str:
        return "Hessian eigenvalue" + ("" if self.every == 1 else f" every {self.every}")

    def after_epoch(self, search: Running, report: EpochReport) -> None:
        if report.epoch % self.every == 0:
            report.measured[EIGENVALUE] = hessian_eigenvalue(search, self.batches)
