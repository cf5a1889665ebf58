"""A search's records go to a log in a thread of their own, so that a slow server costs the search nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from queue import SimpleQueue
from typing import NamedTuple, Protocol

from ranknosh.core.records import Record, Session
from ranknosh.runs.events import Event, Recorded
from ranknosh.runs.journal import Header, History
from ranknosh.track.series import Point, Series

MOST_ENTRIES = 200
"""Records given to a log at once."""


class LoggedRecord(NamedTuple):
    """Record ``number`` (from 0, sessions left out) and its points. ``wall_time``: when the run began plus the seconds it had
    worked, in seconds of the epoch; pauses between sessions are left out, so one record always has one time."""

    number: int
    record: Record
    wall_time: float
    points: tuple[Point, ...]


class Log(Protocol):
    """Where points go. Every method is called in one thread, in this order: open, write..., close.

    In each session a log is given every record from the first one on. It either starts anew or leaves out what it holds.
    """

    name: str
    pause_seconds: float
    """Least time between two calls of :meth:`write`."""

    def open(self, header: Header) -> None: ...

    def write(self, entries: Sequence[LoggedRecord], series: Series) -> None: ...

    def close(self, series: Series) -> None: ...


class Tracker:
    """Takes events and gives their records to a log. Never raises, and waits in :meth:`close` only.

    Args:
        log: where points go. One that fails is left alone for the rest of the session.
        history: what the journal held when the session began.
        say: hears once where the log fails.
    """

    closing_seconds = 30.0
    """The end of a search waits for a log that is behind, until nothing was written to it for so long."""

    def __init__(self, log: Log, history: History, say: Callable[[str], None]) -> None:
        self.log = log
        self._header, self._series, self._say = history.header, Series(), say
        self._waiting: SimpleQueue[tuple[Record, float] | None] = SimpleQueue()  # None is the last
        self._put(history.records, history.times)
        self._closing = threading.Event()
        self._trouble: str | None = None
        self._said = False
        self._progress = 0
        # A daemon, because a process must be able to end while a server does not answer.
        self._thread = threading.Thread(target=self._run, name=f"track-{log.name}", daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Recorded):
            self._say_trouble()
            if self._trouble is None:
                self._put(event.records, [event.seconds] * len(event.records))

    def close(self) -> None:
        """Write what is waiting and close the log; give up after :attr:`closing_seconds` without progress."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._waiting.put(None)
        seen = -1
        while self._thread.is_alive() and self._progress != seen:
            seen = self._progress
            self._thread.join(self.closing_seconds)
        if self._thread.is_alive():
            self._trouble = self._trouble or f"nothing could be written for {self.closing_seconds:g} seconds"
        self._say_trouble()

    def _put(self, records: Sequence[Record], seconds: Sequence[float]) -> None:
        # A session's record is written by the run itself and says nothing that is logged.
        for record, at in zip(records, seconds, strict=True):
            if not isinstance(record, Session):
                self._waiting.put((record, at))

    def _say_trouble(self) -> None:
        if self._trouble is not None and not self._said:
            self._said = True
            self._say(
                f"{self.log.name} is not written any more in this session: {self._trouble}. The search continues; what is "
                "missing is added when the run is resumed"
            )

    def _run(self) -> None:
        try:
            self._follow()
        except Exception as error:
            text = str(error).strip().splitlines()
            self._trouble = f"{type(error).__name__}: {text[0] if text else ''}"

    def _follow(self) -> None:
        began = datetime.fromisoformat(self._header.created).timestamp()
        self.log.open(self._header)
        number, last = 0, False
        while not last:
            rows = [self._waiting.get()]
            while len(rows) < MOST_ENTRIES and not self._waiting.empty():
                rows.append(self._waiting.get())
            last = rows[-1] is None
            entries = [
                LoggedRecord(place, record, began + seconds, tuple(self._series.points(record)))
                for place, (record, seconds) in enumerate((row for row in rows if row is not None), number)
            ]
            number += len(entries)
            if entries:
                self.log.write(entries, self._series)
            self._progress += 1
            self._closing.wait(self.log.pause_seconds)
        self.log.close(self._series)
