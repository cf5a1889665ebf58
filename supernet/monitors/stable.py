"""Stopping when the derived architecture no longer changes."""

from __future__ import annotations

from dataclasses import dataclass

from supernet.part import Part, Running, Stop
from supernet.report import EpochReport


@dataclass(frozen=True)
class ArchitectureStable(Part):
    """Stops once the derived architecture was the same in ``patience`` epochs after the one in which it first appeared
    (OStr-DARTS, arXiv 2409.14433, algorithm 1).

    Epochs that train weights only are not counted. The default of 10 is ours: the paper's number of epochs could not be
    read.
    """

    patience: int = 10

    def describe(self) -> str:
        return f"stop after {self.patience} equal architectures"

    def after_epoch(self, search: Running, report: EpochReport) -> Stop | None:
        recent = search.history[-(self.patience + 1) :]
        searched = [r for r in recent if r.alphas_loss is not None]
        if len(searched) <= self.patience or len({r.text for r in searched}) > 1:
            return None
        return Stop(report.epoch, f"the derived architecture has not changed in {self.patience} epochs")
