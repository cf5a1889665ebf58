"""Early stopping before the curvature rises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ranknosh.spaces.relaxed import Relaxed
from supernet.monitors.curvature import EIGENVALUE, Curvature
from supernet.part import Composition, Part, Running, Stop
from supernet.report import EpochReport


@dataclass(frozen=True)
class Rise:
    """The rule that says when the eigenvalue has risen (R-DARTS, Zela et al., ICLR 2020, sec. 4.3; constants of the
    released code).

    Eigenvalues are averaged over ``window`` epochs around each one. The eigenvalue has risen where such a mean is above
    ``ratio`` times the mean ``delta`` epochs before; that earlier epoch is the one to go back to. Deviations: every
    epoch is measured, because the released rule measures only every 50th epoch by default, and so never fires; no
    shorter windows around the last two epochs.

    Args:
        window: Epochs of a mean, centred.
        delta: Epochs between the two means.
        ratio: Least ratio of a rise.
        start: Earliest epoch (from 0) to go back to.
        decay: Added to every eigenvalue: the weight decay of the alphas, which the released code's Hessian has on its
            diagonal. A mean that is still not above 0 has no ratio.
    """

    window: int = 5
    delta: int = 4
    ratio: float = 1.3
    start: int = 10
    decay: float = 1e-3

    def found(self, eigenvalues: Sequence[float], start: int | None = None) -> int | None:
        """The epoch before the rise, from the eigenvalues of all epochs so far; None where there is no rise."""
        # The latest epoch with a whole window around it.
        now = len(eigenvalues) - 1 - self.window // 2
        before = now - self.delta
        if before < (self.start if start is None else start) or before < self.window // 2:
            return None
        after, base = self._mean(eigenvalues, now), self._mean(eigenvalues, before)
        return before if base > 0 and after > self.ratio * base else None

    def _mean(self, eigenvalues: Sequence[float], centre: int) -> float:
        first = centre - self.window // 2
        values = eigenvalues[first : first + self.window]
        return sum(values) / len(values) + self.decay

    def __str__(self) -> str:
        return f"eigenvalue above {self.ratio:g} times that of {self.delta} epochs before"


@dataclass(frozen=True)
class EigenvalueRise(Part):
    """Ends the search when the eigenvalue has risen; the architecture of the epoch before the rise is the result."""

    rule: Rise = Rise()

    def describe(self) -> str:
        return f"stop at {self.rule}"

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        return needs_curvature(self, method)

    def after_epoch(self, search: Running, report: EpochReport) -> Stop | None:
        before = self.rule.found(measured(search))
        if before is None:
            return None
        return Stop(before, f"the dominant eigenvalue of the Hessian has risen since epoch {before}")


def measured(search: Running) -> list[float]:
    """The eigenvalues of all epochs so far."""
    return [report.measured[EIGENVALUE] for report in search.history]


def needs_curvature(rule: Part, method: Composition) -> str | None:
    """Why a rule on eigenvalues lacks them; None where a monitor called before it measures every epoch."""
    place = next((i for i, monitor in enumerate(method.monitors) if monitor is rule), 0)
    before = method.monitors[:place]
    if any(isinstance(monitor, Curvature) and monitor.every == 1 for monitor in before):
        return None
    return "a rule on the Hessian's eigenvalue needs the monitor Curvature(every=1) before it"
