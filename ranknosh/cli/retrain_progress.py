"""A retraining shown on stderr, so that stdout holds the result alone: bars on a terminal, a line an epoch anywhere else."""

from __future__ import annotations

import sys
import time
from collections import deque
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from ranknosh.config.units import human_duration, percent
from ranknosh.runs.progress import QUIET_SECONDS

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from ranknosh.workflows.retrain.outcome import EpochLine


class RetrainProgress(AbstractContextManager["RetrainProgress"], Protocol):
    """The watcher of a retraining, entered before it starts and left when it ends."""

    def on_step(self, epoch: int, step: int, steps: int) -> None: ...

    def on_epoch(self, line: EpochLine, epochs: int) -> None: ...

    def on_message(self, text: str) -> None: ...


def make_retrain_progress(quiet: bool, folder: Path, epochs: int) -> RetrainProgress:
    """The view that suits where stderr goes."""
    if quiet:
        return QuietRetraining(folder, epochs)
    return LiveRetraining(folder, epochs) if sys.stderr.isatty() else PlainRetraining(folder, epochs)


def epoch_text(line: EpochLine, epochs: int) -> str:
    """``epoch 3 of 25: loss 1.2034, training 56.10 %, validation 58.20 %``."""
    text = f"epoch {line.epoch} of {epochs}: loss {line.train_loss:.4f}, training {percent(line.train_accuracy)}"
    return text if line.validation_accuracy is None else f"{text}, validation {percent(line.validation_accuracy)}"


class QuietRetraining:
    """Keeps count and says nothing."""

    def __init__(self, folder: Path, epochs: int) -> None:
        self.folder, self.epochs = folder, epochs
        self._began = time.monotonic()
        self._pace: float | None = None
        self._at = (0, 0, 1)  # epochs done, steps of the next one, of how many

    def __enter__(self) -> QuietRetraining:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    @property
    def left(self) -> float | None:
        """Seconds to the end as the last epoch went; None before the first one is done."""
        epoch, step, steps = self._at
        return None if self._pace is None else self._pace * max(self.epochs - epoch - step / steps, 0)

    def on_step(self, epoch: int, step: int, steps: int) -> None:
        self._at = (epoch - 1, step, steps)

    def on_epoch(self, line: EpochLine, epochs: int) -> None:
        self._at, self._pace = (line.epoch, 0, 1), line.seconds

    def on_message(self, text: str) -> None: ...


class PlainRetraining(QuietRetraining):
    """A line an epoch, stamped with seconds, and one now and then within a long one; for logs and pipes."""

    def __init__(self, folder: Path, epochs: int) -> None:
        super().__init__(folder, epochs)
        self._said = self._began

    def on_step(self, epoch: int, step: int, steps: int) -> None:
        super().on_step(epoch, step, steps)
        if time.monotonic() - self._said >= QUIET_SECONDS:
            self.on_message(f"epoch {epoch} of {self.epochs}: step {step} of {steps}")

    def on_epoch(self, line: EpochLine, epochs: int) -> None:
        super().on_epoch(line, epochs)
        left = "" if self.left is None or line.epoch == epochs else f"   [{human_duration(self.left)} left]"
        self.on_message(epoch_text(line, epochs) + left)

    def on_message(self, text: str) -> None:
        self._said = time.monotonic()
        print(f"[{self._said - self._began:8.1f} s] {text}", file=sys.stderr, flush=True)


class LiveRetraining(QuietRetraining):
    """Bars of epochs and steps with the time left, and the last epochs below them."""

    def __init__(self, folder: Path, epochs: int, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__(folder, epochs)
        self._events: deque[str] = deque(maxlen=6)
        self._live = Live(
            console=console or Console(stderr=True, highlight=False),
            get_renderable=self.render,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveRetraining:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def on_epoch(self, line: EpochLine, epochs: int) -> None:
        super().on_epoch(line, epochs)
        self._events.append(epoch_text(line, epochs))

    def on_message(self, text: str) -> None:
        self._events.append(text)

    def render(self) -> RenderableType:
        """The view as it stands now."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        epoch, step, steps = self._at
        left = "" if self.left is None else f"   about {human_duration(self.left)} left"
        grid = Table.grid(padding=(0, 1))
        whole = ProgressBar(total=self.epochs, completed=epoch + step / steps, width=40)
        grid.add_row("epochs", whole, f"{epoch}/{self.epochs}")
        grid.add_row("steps", ProgressBar(total=steps, completed=step, width=40), f"{step}/{steps}" if step else "")
        head = Text(f"{self.folder}   {human_duration(time.monotonic() - self._began)}{left}", style="bold")
        lines = [Text(f"  {event}", style="dim", no_wrap=True, overflow="ellipsis") for event in self._events]
        return Group(head, grid, *lines, Text("Ctrl-C saves and stops", style="dim"))
