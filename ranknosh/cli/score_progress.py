"""Scoring shown on stderr, so that stdout holds the result alone: a bar on a terminal, plain lines anywhere else."""

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


class ScoreProgress(AbstractContextManager["ScoreProgress"], Protocol):
    """The watcher of scoring, entered before it starts and left when it ends."""

    def on_progress(self, done: int, total: int) -> None: ...

    def on_message(self, text: str) -> None: ...


def make_score_progress(quiet: bool) -> ScoreProgress:
    """The view that suits where stderr goes."""
    if quiet:
        return QuietScoring()
    return LiveScoring() if sys.stderr.isatty() else PlainScoring()


class QuietScoring:
    """Keeps count and says nothing."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._first: int | None = None
        self._since = self._began
        self._done = self._total = 0

    def __enter__(self) -> QuietScoring:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    @property
    def rate(self) -> float | None:
        """Networks a second since the first report of this session; None before one was done."""
        if self._first is None or self._done == self._first:
            return None
        return (self._done - self._first) / max(time.monotonic() - self._since, 1e-9)

    def on_progress(self, done: int, total: int) -> None:
        if self._first is None:
            self._first, self._since = done, time.monotonic()
        self._done, self._total = done, total

    def on_message(self, text: str) -> None: ...

    def pace(self) -> str:
        """``2.1 a second, 1 min 18 s left``; empty before the first one is done."""
        if self.rate is None:
            return ""
        each = f"{self.rate:.1f} a second" if self.rate >= 0.95 else f"{human_duration(1 / self.rate)} each"
        left = (self._total - self._done) / self.rate
        return each + (f", {human_duration(left)} left" if self._done < self._total else "")


class PlainScoring(QuietScoring):
    """A line now and then, stamped with seconds; for logs and pipes."""

    def __init__(self) -> None:
        super().__init__()
        self._said = self._began

    def on_progress(self, done: int, total: int) -> None:
        first = self._first is None
        super().on_progress(done, total)
        if first or done == total or time.monotonic() - self._said >= QUIET_SECONDS:
            pace = self.pace()
            self.on_message(f"scored {done} of {total} networks" + (f", {pace}" if pace else ""))

    def on_message(self, text: str) -> None:
        self._said = time.monotonic()
        print(f"[{self._said - self._began:8.1f} s] {text}", file=sys.stderr, flush=True)


class LiveScoring(QuietScoring):
    """A bar with rate and time left, drawn again as scores come; messages stand above it."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__()
        self._console = console or Console(stderr=True, highlight=False)
        self._live = Live(
            console=self._console,
            get_renderable=self.render,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveScoring:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def on_message(self, text: str) -> None:
        self._console.print(text, markup=False)

    def render(self) -> RenderableType:
        """The view as it stands now."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        line = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=self._total or 1, completed=self._done, width=40)
        line.add_row("scored", bar, f"{self._done}/{self._total}" if self._total else "")
        gone = human_duration(time.monotonic() - self._began)
        words = [word for word in (gone, self.pace(), "Ctrl-C saves and stops") if word]
        return Group(line, Text("   ".join(words), style="dim"))
