"""A running search shown to whoever watches: a live view on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from ranknosh.cli.feed import feed_lines
from ranknosh.cli.screen import percent, plural
from ranknosh.config.units import human_count, human_duration
from ranknosh.core.records import Failed, Interrupted, Observed

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from ranknosh.config.search import RunConfig
    from ranknosh.core.pool import Pool
    from ranknosh.core.records import EpochPoint, Job, Record

FOLDER_MESSAGE = "run folder "
QUIET_SECONDS = 30.0
MOST_JOBS = 4
"""Jobs of which the live view shows the latest epoch: those heard from last."""


def _job_order(heard: tuple[Job, EpochPoint]) -> tuple[int, int]:
    """By candidate, so that lines keep their places while epochs come in."""
    return heard[0].token


class Progress(AbstractContextManager["Progress"], Protocol):
    """What watches a search: the engine's listener, entered before it starts and left when it ends. ``folder`` is the run
    folder as soon as there is one."""

    folder: Path | None

    def on_records(self, records: Sequence[Record], pool: Pool, wall_seconds: float) -> None: ...

    def on_epoch(self, job: Job, point: EpochPoint) -> None: ...

    def on_phase(self, name: str, done: int, total: int) -> None: ...

    def on_message(self, text: str) -> None: ...


def make_progress(config: RunConfig, quiet: bool, folder: Path | None = None, elapsed: float = 0.0) -> Progress:
    """The view that suits where stdout goes. ``folder`` and ``elapsed`` (seconds searched so far) of a run that goes on."""
    if quiet:
        return Quiet(folder)
    return LiveView(config, folder, elapsed) if sys.stdout.isatty() else PlainLines(folder, elapsed)


class Quiet:
    """Keeps the run folder and the time in mind and says nothing."""

    def __init__(self, folder: Path | None = None, elapsed: float = 0.0) -> None:
        self.folder = folder
        self._base, self._since = elapsed, time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds the search has run, all sessions added up."""
        return self._base + time.monotonic() - self._since

    def __enter__(self) -> Quiet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def on_records(self, records: Sequence[Record], pool: Pool, wall_seconds: float) -> None:
        self._base, self._since = wall_seconds, time.monotonic()

    def on_epoch(self, job: Job, point: EpochPoint) -> None: ...

    def on_phase(self, name: str, done: int, total: int) -> None: ...

    def on_message(self, text: str) -> None:
        if text.startswith(FOLDER_MESSAGE):
            self.folder = Path(text.removeprefix(FOLDER_MESSAGE))
            self._base, self._since = 0.0, time.monotonic()


class PlainLines(Quiet):
    """One line for everything that happens, stamped with the seconds the search has run; for logs and pipes."""

    def __init__(self, folder: Path | None = None, elapsed: float = 0.0) -> None:
        super().__init__(folder, elapsed)
        self._said = time.monotonic()

    def on_records(self, records: Sequence[Record], pool: Pool, wall_seconds: float) -> None:
        super().on_records(records, pool, wall_seconds)
        for line in feed_lines(records, pool):
            self._say(line)

    def on_epoch(self, job: Job, point: EpochPoint) -> None:
        if time.monotonic() - self._said >= QUIET_SECONDS:
            self._say(f"#{job.candidate_id} epoch {point.epoch}: validation {percent(point.validation_accuracy)}")

    def on_phase(self, name: str, done: int, total: int) -> None:
        if done == total or time.monotonic() - self._said >= QUIET_SECONDS:
            self._say(f"{name} {done}/{total}")

    def on_message(self, text: str) -> None:
        super().on_message(text)
        self._say(text)

    def _say(self, text: str) -> None:
        self._said = time.monotonic()
        print(f"[{self.seconds:8.1f} s] {text}", flush=True)


class LiveView(Quiet):
    """A picture of the pyramid that is drawn again as results come, with the last events below it."""

    def __init__(
        self, config: RunConfig, folder: Path | None = None, elapsed: float = 0.0, console: Console | None = None
    ) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__(folder, elapsed)
        self.config = config
        self.pool: Pool | None = None
        self._heard: dict[tuple[int, int], tuple[Job, EpochPoint]] = {}
        self._phase: tuple[str, int, int] | None = None
        self._events: deque[str] = deque(maxlen=6)
        self._live = Live(
            console=console or Console(highlight=False),
            get_renderable=self.render,
            refresh_per_second=4,
            transient=True,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveView:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def on_records(self, records: Sequence[Record], pool: Pool, wall_seconds: float) -> None:
        super().on_records(records, pool, wall_seconds)
        self.pool = pool
        self._phase = None
        for record in records:
            if isinstance(record, (Observed, Interrupted, Failed)):
                self._heard.pop((record.candidate_id, record.replica), None)
        self._events.extend(feed_lines(records, pool))

    def on_epoch(self, job: Job, point: EpochPoint) -> None:
        self._heard.pop(job.token, None)  # so that the one heard from last stands last
        self._heard[job.token] = (job, point)

    def on_phase(self, name: str, done: int, total: int) -> None:
        self._phase = (name, done, total)

    def on_message(self, text: str) -> None:
        super().on_message(text)
        self._events.append(text)

    def render(self) -> RenderableType:
        """The view as it stands now."""
        from rich.console import Group
        from rich.text import Text

        pool = self.pool
        parts: list[Any] = [
            Text(f"{self.folder or 'search'}   {human_duration(self.seconds)}{self._left()}", style="bold")
        ]
        parts.append(self._bar())
        if pool is not None and pool.count:
            parts.append(self._pyramid(pool))
            parts += [Text(line) for line in self._now(pool)]
        parts += [Text(f"  {event}", style="dim", no_wrap=True, overflow="ellipsis") for event in self._events]
        parts.append(Text("Ctrl-C saves and stops", style="dim"))
        return Group(*parts)

    def _spent(self) -> int:
        running = sum(point.epoch - job.start_epoch for job, point in list(self._heard.values()))
        return (self.pool.epochs_spent if self.pool else 0) + running

    def _slots(self) -> int:
        """Jobs that can run at once; 1 where nobody said."""
        return self.pool.workers[-1].slots if self.pool and self.pool.workers else 1

    def _limit(self) -> int | None:
        """Epochs the search is expected to end at, None where only time ends it."""
        from ranknosh.workflows.search.assembly import pyramid_of

        candidates, epochs = self.config.pyramid.candidates, self.config.budget.epochs
        planned = None if candidates is None else pyramid_of(self.config).cost(candidates)
        return min((limit for limit in (planned, epochs) if limit is not None), default=None)

    def _left(self) -> str:
        limit = self._limit()
        if limit is None or self.pool is None or not self.pool.epochs_spent:
            return ""
        epochs = max(limit - self._spent(), 0)
        seconds = self.pool.training_seconds / self.pool.epochs_spent * epochs / max(self._slots(), 1)
        return f"   about {human_duration(seconds)} left"

    def _bar(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        limit = self._limit()
        name, done, total = self._phase or ("epochs", self._spent(), limit or 0)
        line = Table.grid(padding=(0, 1))
        line.add_row(
            name, ProgressBar(total=total or 1, completed=done, width=40), f"{done}/{total}" if total else f"{done}"
        )
        return line

    def _pyramid(self, pool: Pool) -> RenderableType:
        from rich.table import Table

        grid = Table(box=None, padding=(0, 2), show_edge=False)
        for title in ("level", "epochs", "asked", "done", "best validation"):
            grid.add_column(title, justify="right")
        grid.add_column("")
        widest = max(pool.entered(1), 1)
        for level, epochs in enumerate(self.config.pyramid.epochs, 1):
            done = pool.at_level(level)
            best = done[0].observations[level].validation_accuracy if done else None
            bar = "█" * round(20 * len(done) / widest)
            grid.add_row(str(level), str(epochs), str(pool.entered(level)), str(len(done)), percent(best), bar)
        return grid

    def _now(self, pool: Pool) -> list[str]:
        lines, slots = [], self._slots()
        if slots != 1:
            lines.append(f"running    {min(len(pool.pending), slots)} of {plural(slots, 'slot')}")
        for number, (job, point) in enumerate(sorted(list(self._heard.values())[-MOST_JOBS:], key=_job_order)):
            at = f"epoch {point.epoch} of {plural(job.stop_epoch, 'epoch')}"
            lines.append(
                f"{'' if number else 'now':9}  #{job.candidate_id} to level {job.level}, {at}: "
                f"validation {percent(point.validation_accuracy)}"
            )
        best = pool.best()
        if best is not None:
            size = f"{human_count(best.params)} params, {human_count(best.macs)} MACs"
            lines.append(f"best       #{best.id}  validation {percent(best.validation)} at level {best.level}, {size}")
        if pool.fits:
            fit = pool.fits[-1]
            tau = "n/a" if fit.prequential is None else f"{fit.prequential:.2f}"
            lines.append(
                f"predictor  {fit.predictor}, rank correlation {tau} over {fit.compared} predicted before known"
            )
        return lines
