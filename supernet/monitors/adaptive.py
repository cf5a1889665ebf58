"""Adaptive regularisation: the search returns to the epoch before the curvature rose and continues with more weight
decay."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ranknosh.spaces.relaxed import Relaxed
from supernet.monitors.eigenvalue_rise import Rise, measured, needs_curvature
from supernet.part import Composition, Part, Running
from supernet.report import EpochReport


@dataclass
class Adaptive(Part):
    """When the eigenvalue has risen, the search goes back to the epoch before the rise with ``factor`` times the weight
    decay (DARTS-ADA of R-DARTS, Zela et al., ICLR 2020, algorithm 1; constants of the released code).

    It goes back as often as the decay stays within ``cap``, and then searches to the end. Epochs after the one returned
    to are trained again, so more are trained than the method has, and their reports are dropped. Copies of the search
    are kept for the epochs that it may return to (six with the published rule), in checkpoints, too. Reports hold
    ``weight_decay``, with which the epoch was trained. It has to be the last monitor.

    Deviation: it never returns to an epoch before the one it last returned to, so that every decay gets the epochs that
    the rule compares.

    Args:
        factor: Factor of the weight decay.
        cap: Largest weight decay.
        rule: When the eigenvalue has risen.
    """

    factor: float = 3.0
    cap: float = 243e-4
    rule: Rise = field(default_factory=Rise)
    _kept: dict[int, dict[str, Any]] = field(default_factory=dict, repr=False, compare=False)
    _floor: int = field(default=0, repr=False, compare=False)

    def describe(self) -> str:
        return f"weight decay x{self.factor:g} at {self.rule}"

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        if method.monitors[-1] is not self:
            return "adaptive regularisation goes back in time and has to be the last monitor"
        if len(method.stages) > 1:
            return "adaptive regularisation is defined for searches of one stage"
        return needs_curvature(self, method)

    def after_epoch(self, search: Running, report: EpochReport) -> None:
        decay = float(search.optimiser.param_groups[0]["weight_decay"])
        report.measured["weight_decay"] = decay
        more = self.factor * decay
        # The last factor may pass the cap by rounding.
        if search.ended or more > self.cap * (1 + 1e-9):
            self._kept = {}
            return
        start = max(self.rule.start, self._floor)
        before = self.rule.found(measured(search), start)
        if before is None:
            self._keep(search, report.epoch, start)
        else:
            self._go_back(search, before, more)

    def _keep(self, search: Running, epoch: int, start: int) -> None:
        # The rule compares a mean centred half a window ago with one delta epochs before it: no earlier epoch can be
        # returned to.
        reach = self.rule.window // 2 + self.rule.delta
        kept = {past: state for past, state in self._kept.items() if past > epoch - reach}
        # A copy of the search without the copies in here.
        self._kept = {}
        if epoch >= start:
            kept[epoch] = copy.deepcopy(search.state_dict())
        self._kept = kept

    def _go_back(self, search: Running, epoch: int, decay: float) -> None:
        state = self._kept[epoch]
        # This restores the monitor, too; its own fields are set below.
        search.load_state_dict(copy.deepcopy(state))
        for group in search.optimiser.param_groups:
            group["weight_decay"] = decay
        self._kept, self._floor = {epoch: state}, epoch

    def state_dict(self) -> dict[str, Any]:
        return {"kept": dict(self._kept), "floor": self._floor}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._kept = {int(epoch): copy.deepcopy(kept) for epoch, kept in state["kept"].items()}
        self._floor = int(state["floor"])
