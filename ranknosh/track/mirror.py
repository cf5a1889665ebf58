"""A listener that brings a log up to the journal, in a thread of its own, so that a slow server costs the search nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ranknosh.core.records import RECORDS, Record
from ranknosh.runs.events import Event, Recorded
from ranknosh.runs.journal import FILE, Header, parse_line
from ranknosh.track.series import Point, Series

CLOSING_SECONDS = 30.0
"""The end of a search waits for a log that is behind, until nothing was written to it for so long."""
MOST_ENTRIES = 200
"""Records given to a log at once."""


class Entry(NamedTuple):
    """Record ``number`` (from 0) of the journal and its points. ``wall_time``: when the run began plus the seconds it had
    searched, in seconds of the epoch; pauses between sessions are left out, so one record has one time for ever."""

    number: int
    record: Record
    wall_time: float
    points: tuple[Point, ...]


class Log(Protocol):
    """Where points go. Every method is called in one thread, in this order: open, write..., close.

    A log finds out itself what it holds already, and must not hold anything twice after :meth:`write` was called again for
    entries it was given before in another process.
    """

    name: str
    pause_seconds: float
    """Least time between two calls of :meth:`write`."""

    def open(self, header: Mapping[str, Any], header_line: bytes) -> None: ...

    def write(self, entries: Sequence[Entry], series: Series) -> None: ...

    def close(self, series: Series) -> None: ...


class Tail:
    """Reads a journal that is being written, up to where it was last known to be whole."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._offset = 0
        self._index = 0
        self.header: Mapping[str, Any] = {}
        self.header_line = b""

    def size(self) -> int:
        return self.path.stat().st_size

    def read_header(self) -> None:
        """Read line 1. Raises OSError or ValueError where there is none."""
        with self.path.open("rb") as file:
            self.header_line = file.readline()
        header, _ = parse_line(self.header_line.rstrip(b"\n"), (Header,))
        self.header = {**asdict(header), "config": header.settings}
        self._offset = len(self.header_line)

    def read(self, end: int) -> Iterator[tuple[int, Record, float]]:
        """(index, record, seconds searched) of every line not yet given that ends at or before byte ``end``."""
        with self.path.open("rb") as file:
            file.seek(self._offset)
            data = file.read(max(end - self._offset, 0))
        for line in data[: data.rfind(b"\n") + 1].splitlines():
            self._offset += len(line) + 1
            self._index += 1
            yield self._index - 1, *parse_line(line, RECORDS)


class Tracker:
    """Keeps ``log`` equal to the journal in ``folder``. Never raises, and waits in :meth:`close` only; a log that fails is told
    of once through ``say`` and left alone for the rest of the session."""

    def __init__(
        self,
        log: Log,
        folder: Path,
        say: Callable[[str], None] | None = None,
        closing_seconds: float = CLOSING_SECONDS,
    ) -> None:
        self.log, self.closing_seconds = log, closing_seconds
        self._say = say or (lambda text: None)
        self._tail, self._series = Tail(Path(folder)), Series()
        self._end = self._tail.size()
        self._more, self._over = threading.Event(), threading.Event()
        self._trouble: str | None = None
        self._told = self._closed = False
        self._progress = 0
        self._more.set()
        # A daemon, because a process must be able to end while a server does not answer.
        self._thread = threading.Thread(target=self._run, name=f"track-{log.name}", daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        """Look at the journal again where records were written."""
        if not isinstance(event, Recorded):
            return
        self._tell()
        try:
            self._end = self._tail.size()
        except OSError:
            return
        self._more.set()

    def close(self) -> None:
        """Write what the journal holds by now and close the log; give up after ``closing_seconds`` without progress."""
        if self._closed:
            return
        self._closed = True
        try:
            self._end = self._tail.size()
        except OSError as error:
            self._trouble = self._trouble or str(error)
        self._over.set()
        self._more.set()
        seen = -1
        while self._thread.is_alive() and self._progress != seen:
            seen = self._progress
            self._thread.join(self.closing_seconds)
        if self._thread.is_alive():
            self._trouble = self._trouble or f"nothing could be written for {self.closing_seconds:g} seconds"
        self._tell()

    def _tell(self) -> None:
        if self._trouble is not None and not self._told:
            self._told = True
            self._say(
                f"{self.log.name} is not written any more in this session: {self._trouble}. The search goes on; what is "
                "missing is added when the run is resumed"
            )

    def _run(self) -> None:
        try:
            self._follow()
        except Exception as error:
            text = str(error).strip().splitlines()
            self._trouble = f"{type(error).__name__}: {text[0] if text else ''}"

    def _follow(self) -> None:
        self._tail.read_header()
        began = began_at(self._tail.header)
        self.log.open(self._tail.header, self._tail.header_line)
        while True:
            self._progress += 1
            self._more.wait()
            self._more.clear()
            over = self._over.is_set()
            lines = self._tail.read(self._end)
            while part := list(islice(lines, MOST_ENTRIES)):
                self.log.write(
                    [
                        Entry(number, record, began + seconds, tuple(self._series.points(record)))
                        for number, record, seconds in part
                    ],
                    self._series,
                )
                self._progress += 1
            if over:
                self.log.close(self._series)
                return
            self._over.wait(self.log.pause_seconds)


def began_at(header: Mapping[str, Any]) -> float:
    """Seconds of the epoch when the run began; 0 where the header does not say."""
    try:
        return datetime.fromisoformat(str(header.get("created"))).timestamp()
    except ValueError:
        return 0.0
