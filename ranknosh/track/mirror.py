"""A search's records go to a log in a thread of their own, so that a slow server costs the search nothing."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from ranknosh.core.records import Record, Session
from ranknosh.errors import first_line
from ranknosh.runs.events import Event, Events, Message, Recorded
from ranknosh.runs.journal import History
from ranknosh.track.mlflow import MlflowLog
from ranknosh.track.series import Series
from ranknosh.track.tensorboard import TensorBoardLog

MOST_ENTRIES = 200
"""Records given to a log at once."""


class Tracker:
    """Takes events and gives their records to a log. Never raises, and waits in :meth:`close` only.

    A log is called in one thread: ``open(header)``, which returns how many records it holds from an earlier session (0 where it
    begins anew), ``write(entries, pool)`` with the later ones, at most every ``pause_seconds``, and ``close(pool)``.

    Args:
        log: where points go. One that fails is left alone for the rest of the session.
        history: what the journal held when the session began.
        events: hears once where the log fails.
    """

    closing_seconds = 30.0
    """The end of a search waits for a log that is behind, until nothing was written to it for so long."""

    def __init__(self, log: TensorBoardLog | MlflowLog, history: History, events: Events) -> None:
        self.log = log
        self._header, self._events = history.header, events
        self._waiting: SimpleQueue[tuple[Record, float] | None] = SimpleQueue()  # None is the last
        for record, seconds in zip(history.records, history.times, strict=True):
            if not isinstance(record, Session):  # which no event brings, and which says nothing that is logged
                self._waiting.put((record, seconds))
        self._closing = threading.Event()
        self._trouble: str | None = None
        self._progress = 0
        # A daemon, because a process must be able to end while a server does not answer.
        self._thread = threading.Thread(target=self._run, name=f"track-{log.name}", daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Recorded):
            self._say_trouble()
            for record in event.records if self._thread.is_alive() else ():
                self._waiting.put((record, event.seconds))

    def close(self) -> None:
        """Write what is waiting and close the log; give up after :attr:`closing_seconds` without progress."""
        self._closing.set()
        self._waiting.put(None)
        seen = -1
        while self._thread.is_alive() and self._progress != seen:
            seen = self._progress
            self._thread.join(self.closing_seconds)
        if self._thread.is_alive():
            self._trouble = f"nothing could be written for {self.closing_seconds:g} seconds"
        self._say_trouble()

    def _say_trouble(self) -> None:
        if self._trouble is not None:
            trouble, self._trouble = self._trouble, None
            text = f"{self.log.name} is not written any more in this session: {trouble}. The search continues; what is "
            self._events(Message(f"{text}missing is added when the run is resumed"))

    def _run(self) -> None:
        try:
            self._follow()
        except Exception as error:
            self._trouble = first_line(error, named=True)

    def _follow(self) -> None:
        series, began = Series(), datetime.fromisoformat(self._header.created).timestamp()
        held, last = self.log.open(self._header), False
        while not last:
            rows = [self._waiting.get()]
            while len(rows) < MOST_ENTRIES and not self._waiting.empty():
                rows.append(self._waiting.get())
            last = rows[-1] is None
            entries = [series.add(row[0], round(1000 * (began + row[1]))) for row in rows if row is not None]
            new = [entry for entry in entries if entry.number >= held]
            if new:
                self.log.write(new, series.pool)
            self._progress += 1
            self._closing.wait(self.log.pause_seconds)
        self.log.close(series.pool)


@contextmanager
def tracking(
    section: Mapping[str, Any], folder: Path, history: History, run_name: str, events: Events
) -> Iterator[list[Tracker]]:
    """The trackers that a config asks for; each has what the journal holds and takes what events bring, until the block ends.

    Args:
        section: ``{tensorboard: bool, mlflow: URI or None}``.
        folder: of the run.
        history: its journal, as opened.
        run_name: as MLflow shows it.
        events: hears once where a tracker gives up.

    Raises:
        MissingDependency: where a package is absent.
    """
    logs: list[TensorBoardLog | MlflowLog] = []
    if section["tensorboard"]:
        logs.append(TensorBoardLog(folder))
    if section["mlflow"]:
        logs.append(MlflowLog(folder, section["mlflow"], run_name))
    with ExitStack() as stack:
        yield [stack.enter_context(closing(Tracker(log, history, events))) for log in logs]
