"""A comparison shown on stderr, so that stdout holds the table alone: a bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from ranknosh.config.units import human_duration
from ranknosh.runs.progress import QUIET_SECONDS

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from ranknosh.workflows.compare.comparison import Standing


class CompareProgress(AbstractContextManager["CompareProgress"], Protocol):
    """The watcher of a comparison, entered before it starts and left when it ends."""

    def on_standing(self, standing: Standing) -> None: ...

    def on_message(self, text: str) -> None: ...


def make_compare_progress(quiet: bool) -> CompareProgress:
    """The view that suits where stderr goes."""
    if quiet:
        return QuietComparison()
    return LiveComparison() if sys.stderr.isatty() else PlainComparison()


class QuietComparison:
    """Says nothing."""

    def __enter__(self) -> QuietComparison:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def on_standing(self, standing: Standing) -> None: ...

    def on_message(self, text: str) -> None: ...


def standing_text(now: Standing) -> str:
    """``2 of 6  random, seed 0  search: 41 s of 2 min 00 s (34 %)  8 candidates  about 9 min 10 s left``."""
    share = f"{human_duration(now.spent)} of {human_duration(now.budget)} ({100 * now.spent / now.budget:.0f} %)"
    where = f"{now.number} of {now.total}  {now.method}, seed {now.seed}"
    doing = f"{now.phase}: {share}  {now.text}" if now.phase == "search" else f"{now.phase}: {now.text}"
    return f"{where}  {doing}  about {human_duration(now.left)} left"


class PlainComparison(QuietComparison):
    """A line when something new begins and now and then in between, stamped with seconds; for logs and pipes."""

    def __init__(self) -> None:
        self._began = self._said = time.monotonic()
        self._last: tuple[str, int, str] | None = None

    def on_standing(self, standing: Standing) -> None:
        now = (standing.method, standing.seed, standing.phase)
        if now != self._last or time.monotonic() - self._said >= QUIET_SECONDS:
            self._last = now
            self.on_message(standing_text(standing))

    def on_message(self, text: str) -> None:
        self._said = time.monotonic()
        print(f"[{self._said - self._began:8.1f} s] {text}", file=sys.stderr, flush=True)


class LiveComparison(QuietComparison):
    """Two bars, all searches and the budget of the one that runs, drawn again as it goes on; messages stand above them."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.live import Live

        self._now: Standing | None = None
        self._console = console or Console(stderr=True, highlight=False)
        self._live = Live(
            console=self._console,
            get_renderable=self.render,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveComparison:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def on_standing(self, standing: Standing) -> None:
        self._now = standing

    def on_message(self, text: str) -> None:
        self._console.print(text, markup=False)

    def render(self) -> RenderableType:
        """The view as it stands now."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        now = self._now
        if now is None:
            return Text("timing a training", style="dim")
        grid = Table.grid(padding=(0, 1))
        grid.add_row(
            "searches",
            ProgressBar(total=now.total, completed=now.number - 1, width=40),
            f"{now.number - 1}/{now.total}",
        )
        share = f"{100 * now.spent / now.budget:.0f} %"
        grid.add_row("budget", ProgressBar(total=now.budget, completed=min(now.spent, now.budget), width=40), share)
        words = f"{now.method}, seed {now.seed}: {now.phase}, {now.text}   about {human_duration(now.left)} left"
        return Group(grid, Text(words), Text("Ctrl-C saves and stops", style="dim"))
