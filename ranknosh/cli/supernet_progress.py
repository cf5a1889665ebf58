"""A supernet search shown on stderr, so that stdout holds the result alone: a live view on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from ranknosh.config.units import human_duration, percent

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from ranknosh.workflows.supernet.outcome import Plan
    from supernet.search import EpochReport

FOLDER_MESSAGE = "run folder "
QUIET_SECONDS = 30.0
MOST_EVENTS = 4
LONGEST = 120
"""Characters of a derived architecture that is shown every epoch; DARTS genotypes are shown at the end."""


class SupernetProgress(AbstractContextManager["SupernetProgress"], Protocol):
    """The watcher of a supernet search, entered before it starts and left when it ends. ``folder`` is the run folder as soon
    as there is one."""

    folder: Path | None

    def on_plan(self, plan: Plan) -> None: ...

    def on_step(self, epoch: int, step: int, steps: int) -> None: ...

    def on_epoch(self, report: EpochReport, true_accuracy: float | None) -> None: ...

    def on_message(self, text: str) -> None: ...


def make_supernet_progress(quiet: bool) -> SupernetProgress:
    """The view that suits where stderr goes."""
    if quiet:
        return QuietSupernet()
    return LiveSupernet() if sys.stderr.isatty() else PlainSupernet()


class QuietSupernet:
    """Keeps folder, plan and times in mind and says nothing."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.plan: Plan | None = None
        self.report: EpochReport | None = None
        self.truth: float | None = None
        self.done = self.step = self.steps = 0
        self._began = time.monotonic()
        self._seconds: list[float] = []

    def __enter__(self) -> QuietSupernet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def on_plan(self, plan: Plan) -> None:
        self.plan = plan

    def on_step(self, epoch: int, step: int, steps: int) -> None:
        self.done, self.step, self.steps = epoch, step, steps

    def on_epoch(self, report: EpochReport, true_accuracy: float | None) -> None:
        self.report, self.truth = report, true_accuracy
        self.done, self.step = report.epoch + 1, 0
        self._seconds.append(report.seconds)

    def on_message(self, text: str) -> None:
        if text.startswith(FOLDER_MESSAGE):
            self.folder = Path(text.removeprefix(FOLDER_MESSAGE))

    @property
    def left(self) -> float | None:
        """Seconds of the epochs that are left, at the pace of the latest ones; None before the first has ended."""
        if self.plan is None or not self._seconds:
            return None
        recent = self._seconds[-5:]
        share = self.step / self.steps if self.steps else 0.0
        return max(self.plan.epochs - self.done - share, 0.0) * sum(recent) / len(recent)


class PlainSupernet(QuietSupernet):
    """A line an epoch, stamped with seconds; for logs and pipes."""

    def __init__(self) -> None:
        super().__init__()
        self._said = self._began

    def on_plan(self, plan: Plan) -> None:
        super().on_plan(plan)
        self._say(plan_line(plan))

    def on_step(self, epoch: int, step: int, steps: int) -> None:
        super().on_step(epoch, step, steps)
        if time.monotonic() - self._said >= QUIET_SECONDS:
            self._say(f"epoch {epoch + 1}: step {step} of {steps}")

    def on_epoch(self, report: EpochReport, true_accuracy: float | None) -> None:
        super().on_epoch(report, true_accuracy)
        left = "" if not self.left else f"   {human_duration(self.left)} left"
        of = "" if self.plan is None else f" of {self.plan.epochs}"
        self._say(f"epoch {report.epoch + 1}{of}: {losses_line(report)}   {cell_line(report, true_accuracy)}{left}")

    def on_message(self, text: str) -> None:
        super().on_message(text)
        self._say(text)

    def _say(self, text: str) -> None:
        self._said = time.monotonic()
        print(f"[{self._said - self._began:8.1f} s] {text}", file=sys.stderr, flush=True)


class LiveSupernet(QuietSupernet):
    """Epoch and step as bars, losses, the cell derived now, and the last messages, drawn again as they come."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__()
        self._events: list[str] = []
        self._live = Live(
            console=console or Console(stderr=True, highlight=False),
            get_renderable=self.render,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveSupernet:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def on_plan(self, plan: Plan) -> None:
        super().on_plan(plan)
        self._events = [*self._events, plan_line(plan)][-MOST_EVENTS:]

    def on_message(self, text: str) -> None:
        super().on_message(text)
        if not text.startswith(FOLDER_MESSAGE):
            self._events = [*self._events, text][-MOST_EVENTS:]

    def render(self) -> RenderableType:
        """The view as it stands now."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        epochs, done = 0 if self.plan is None else self.plan.epochs, self.done
        left = "" if not self.left else f"   about {human_duration(self.left)} left"
        head = f"{self.folder or 'supernet'}   {human_duration(time.monotonic() - self._began)}{left}"
        bars = Table.grid(padding=(0, 1))
        bars.add_row("epoch", ProgressBar(total=epochs or 1, completed=done, width=40), f"{done}/{epochs or '?'}")
        bars.add_row(
            "step", ProgressBar(total=self.steps or 1, completed=self.step, width=40), f"{self.step}/{self.steps}"
        )
        parts: list[Any] = [Text(head, style="bold"), bars]
        if self.report is not None:
            parts.append(Text(losses_line(self.report)))
            parts.append(Text(cell_line(self.report, self.truth)))
        parts += [Text(f"  {event}", style="dim", no_wrap=True, overflow="ellipsis") for event in self._events]
        parts.append(Text("Ctrl-C saves and stops", style="dim"))
        return Group(*parts)


def plan_line(plan: Plan) -> str:
    """How many epochs there will be, and why."""
    if plan.source == "given" or plan.budget_seconds is None or plan.epoch_seconds is None:
        return f"{plan.epochs} epochs: {plan.composition}"
    how = "a few steps timed" if plan.source == "trial" else "the first epochs"
    return f"{plan.epochs} epochs fit {human_duration(plan.budget_seconds)}: {human_duration(plan.epoch_seconds)} each by {how}"


def losses_line(report: EpochReport) -> str:
    alphas = "weights only" if report.alphas_loss is None else f"alphas loss {report.alphas_loss:.3f}"
    return f"loss {report.weights_loss:.3f}, {alphas}, train accuracy {percent(report.train_accuracy)}"


def cell_line(report: EpochReport, true_accuracy: float | None) -> str:
    truth = "" if true_accuracy is None else f", true accuracy {percent(true_accuracy)}"
    return f"skips {report.skips}{truth}" + (f"   {report.text}" if len(report.text) <= LONGEST else "")
