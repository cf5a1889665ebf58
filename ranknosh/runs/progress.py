"""A working run shown to people, from its events alone: a live view on a terminal or in a notebook, else plain lines.

Progress goes to stderr; results go to stdout. A stream that is closed, full or broken makes a view fall silent and changes
nothing else.
"""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress import BarColumn, Task, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.table import Column, Table
from rich.text import Text

from ranknosh.config.units import Quantity, human_duration
from ranknosh.errors import printable
from ranknosh.runs.events import Epoch, Event, Message, Opened, Progress, Recorded, Standings

QUIET_SECONDS = 30.0
"""Plain lines of progress are at least so far apart; the beginning and end of a task and what was recorded are always said."""
LARGE = ("torch", "torchvision", "ray", "sklearn", "xgboost", "matplotlib", "mlflow")
"""Packages whose import is said while it lasts."""
BAR, WIDE = 40, 100
"""Characters of a bar, and the columns of a terminal that has room for it; in others it has half of them."""
MOST_TRAININGS, MOST_LINES = 4, 6
"""Trainings of which the live view shows the latest epoch, and lines of what happened."""


class View(AbstractContextManager["View"]):
    """Takes events and shows nothing; the base of the views. ``folder`` is the run's, as soon as there is one."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self._base, self._since = 0.0, time.monotonic()
        self._broken = False

    @property
    def seconds(self) -> float:
        """Seconds the run has worked, as far as events have said."""
        return self._base + time.monotonic() - self._since

    def __call__(self, event: Event) -> None:
        if isinstance(event, Opened):
            self.folder = event.folder
        if isinstance(event, Opened | Recorded):
            self._base, self._since = event.seconds, time.monotonic()
        if self._broken:
            return
        try:
            self.show(event)
        except (OSError, ValueError):  # what a broken pipe, a full disk or a closed stream raise
            self._broken = True

    def show(self, event: Event) -> None:
        """Show one event."""

    def __exit__(self, *_: object) -> None:
        return None


class PlainLines(View):
    """A line for everything that happens, stamped with the seconds the run has worked; for logs and pipes.

    Args:
        stream: where lines go; None for stderr at the time of writing.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self._stream = stream
        self._said = time.monotonic()
        self._begun: set[str] = set()

    def show(self, event: Event) -> None:
        for line in said_of(event, self._begins(event) or time.monotonic() - self._said >= QUIET_SECONDS):
            self._said = time.monotonic()
            stream = self._stream or sys.stderr
            if stream is not None:
                print(f"[{self.seconds:8.1f} s] {line}", file=stream, flush=True)

    def _begins(self, event: Event) -> bool:
        """Whether a task is heard of for the first time."""
        if not isinstance(event, Progress) or event.task == "epochs" or event.task in self._begun:
            return False
        self._begun.add(event.task)
        return True


def said_of(event: Event, progress_too: bool) -> list[str]:
    """An event in words; ``progress_too``: also progress that is no milestone."""
    said: Iterable[str] = ()
    if isinstance(event, Opened):
        said = (f"run folder {event.folder}",)
    elif isinstance(event, Message):
        said = (event.text,)
    elif isinstance(event, Recorded):
        said = event.lines
    elif isinstance(event, Epoch) and (progress_too or event.job is None):
        said = (_epoch_text(event),)
    elif isinstance(event, Progress) and event.total and (progress_too or _complete(event)):
        said = (f"{event.task} {event.count}{f'  {event.text}' if event.text else ''}",)
    return [printable(line) for line in said]


def _complete(event: Progress) -> bool:
    """Whether a task of known size is done; the epochs of a run may become more."""
    return event.task != "epochs" and event.done >= (math.inf if event.total is None else event.total)


def _epoch_text(event: Epoch) -> str:
    known = [(name, value) for name, value in event.metrics.items() if value is not None]
    texts = [f"{name} {Quantity(name, True, event.units.get(name, '')).text(value)}" for name, value in known]
    return f"{event.of} epoch {event.epoch} of {event.last}: {', '.join(texts)}"


class _KnownBar(BarColumn):
    """A bar where the end is known; where only time ends a task there is none, since a moving one would look full."""

    def render(self, task: Task) -> Any:
        return super().render(task) if task.total else Text("")


def loading() -> str:
    """``: loading torch`` while one of the large packages is imported, which takes seconds to a minute; empty at other times."""
    specs = [(name, getattr(sys.modules.get(name), "__spec__", None)) for name in LARGE]
    names = [name for name, spec in specs if getattr(spec, "_initializing", False)]
    return f": loading {', '.join(names)}" if names else ""


def _plain(text: str, style: str = "") -> Text:
    """A text as it is: nothing in it is a style, or obeyed by the terminal."""
    return Text(printable(text), style=style)


class LiveView(View):
    """Bars, a table of where the run is, and the last lines of what happened, drawn again as events come.

    Args:
        console: where it is drawn.
    """

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._trainings: dict[str, Epoch] = {}
        self._standings = Standings((), ())
        self._left: float | None = None
        self._bars = Bars(
            TextColumn("{task.description}", markup=False),
            _KnownBar(BAR if console.width >= WIDE else BAR // 2, table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[count]}", markup=False),
            TextColumn(
                "{task.fields[text]}", markup=False, table_column=Column()
            ),  # a long one breaks, the bar keeps its size
        )
        self._tasks: dict[str, TaskID] = {}
        self._live = Live(
            console=console,
            get_renderable=self.render,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveView:
        self._live.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        try:
            self._live.__exit__(*raised)
        except (OSError, ValueError):
            self._broken = True

    def show(self, event: Event) -> None:
        if isinstance(event, Epoch):
            self._trainings.pop(event.of, None)  # so that the one that was heard of last comes last
            self._trainings[event.of] = event
        elif isinstance(event, Progress):
            self._left = event.left if event.left is not None else self._left
            self._bar(event)
        elif isinstance(event, Standings):
            self._standings = event
        elif isinstance(event, Recorded):
            for record in event.records:
                self._trainings.pop(f"#{getattr(record, 'candidate_id', None)}", None)
        if not isinstance(event, (Epoch, Progress, Opened)):
            self._lines.extend(said_of(event, False))

    def _bar(self, event: Progress) -> None:
        if event.task not in self._tasks:
            self._tasks[event.task] = self._bars.add_task(printable(event.task), total=None, text="", count="")
        task, visible = self._tasks[event.task], not _complete(event)
        self._bars.update(
            task,
            completed=event.done,
            total=event.total,
            visible=visible,
            text=printable(event.text),
            count=event.count,
        )

    def render(self) -> RenderableType:
        """The view at this moment."""
        left = f"   about {human_duration(self._left)} left" if self._left else ""
        head = f"{self.folder or 'getting ready' + loading()}   {human_duration(self.seconds)}{left}"
        parts: list[RenderableType] = [_plain(head, "bold"), self._bars]
        if self._standings.columns:
            grid = Table(box=None, padding=(0, 2), show_edge=False)
            for title in self._standings.columns:
                grid.add_column(_plain(title), justify="right")
            for row in self._standings.rows:
                grid.add_row(*map(_plain, row))
            parts.append(grid)
        facts = Table.grid(padding=(0, 2))  # long ones break under themselves
        facts.add_column(min_width=9)
        facts.add_column()
        for event in self._shown():
            facts.add_row("now", _plain(_epoch_text(event)))
        for name, text in self._standings.facts:
            facts.add_row(_plain(name), _plain(text))
        parts.append(facts)
        return Group(*parts, *self._latest(parts), Text("Ctrl-C saves and stops", style="dim"))

    def _shown(self) -> list[Epoch]:
        """The latest epochs of trainings that go on, and the latest of all."""
        heard = list(self._trainings.values())
        going = [event for event in heard[:-1] if event.epoch < event.last]
        return [*going, *heard[-1:]][-MOST_TRAININGS:]

    def _latest(self, above: Sequence[RenderableType]) -> list[RenderableType]:
        """The last lines of what happened, as many as the terminal has room for below what is above them."""

        def height(*parts: RenderableType) -> int:
            return len(self._console.render_lines(Group(*parts), pad=False))

        room, shown = self._console.height - height(*above) - 1, list[RenderableType]()
        for line in reversed(tuple(self._lines)):  # events come while another thread draws
            part = Padding(Text(line, style="dim"), (0, 0, 0, 2))
            room -= height(part)
            if room < 0:
                break
            shown.insert(0, part)
        return shown


def make_view(quiet: bool = False) -> View:
    """The view that suits where stderr goes; ``quiet``: one that shows nothing."""
    if quiet or sys.stderr is None:
        return View()
    console = Console(stderr=True, highlight=False)
    return LiveView(console) if console.is_terminal or console.is_jupyter else PlainLines()
