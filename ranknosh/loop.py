"""The loop that joins a search, an executor and a journal. Policy stays in the search, work in the executor."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from ranknosh.engine import Search
from ranknosh.executors.base import Executor
from ranknosh.pool import Pool
from ranknosh.records import EpochPoint, Job, Record


class Listener(Protocol):
    """Who watches a search. Nothing it does changes a decision."""

    def on_records(self, records: Sequence[Record], pool: Pool, wall_seconds: float) -> None: ...

    def on_epoch(self, job: Job, point: EpochPoint) -> None: ...

    def on_phase(self, name: str, done: int, total: int) -> None: ...

    def on_message(self, text: str) -> None: ...


class Silent:
    """A listener that says nothing."""

    def on_records(self, records: Sequence[Record], pool: Pool, wall_seconds: float) -> None: ...

    def on_epoch(self, job: Job, point: EpochPoint) -> None: ...

    def on_phase(self, name: str, done: int, total: int) -> None: ...

    def on_message(self, text: str) -> None: ...


class StopRequest:
    """Whether somebody asked the search to stop after the running epoch."""

    def __init__(self) -> None:
        self.requested = False

    @contextmanager
    def on_signals(self, announce: Callable[[str], None]) -> Iterator[StopRequest]:
        """Ctrl-C and SIGTERM ask for a stop; a second Ctrl-C stops at once. Handlers are put back at the end."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return

        def handle(number: int, frame: FrameType | None) -> None:
            if self.requested:
                raise KeyboardInterrupt
            self.requested = True
            announce("stopping after the running epoch; press Ctrl-C again to stop at once")

        before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def drive(
    search: Search,
    executor: Executor,
    *,
    write: Callable[[Sequence[Record]], None],
    clock: Callable[[], float],
    stop: StopRequest,
    listener: Listener,
) -> None:
    """Run ``search`` until it is done or a stop is requested. ``write`` has its records on disk before a job starts.

    ``clock`` gives the seconds the search has run. Raises KeyboardInterrupt where it was stopped from outside, after the
    running job's progress was written.
    """
    while not search.done:
        if not stop.requested:
            asked = search.ask(executor.free_slots(), clock())
            write(asked.records)
            if asked.records:
                listener.on_records(asked.records, search.pool, clock())
            for job in asked.jobs:
                executor.submit(job)
        results = executor.wait()
        for result in results:
            records = search.tell(result)
            write(records)
            listener.on_records(records, search.pool, clock())
        if stop.requested and not results:
            raise KeyboardInterrupt
