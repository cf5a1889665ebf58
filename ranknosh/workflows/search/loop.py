"""The loop that joins a search, an executor and a journal. Policy stays in the search, work in the executor."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from ranknosh.core.pool import Pool
from ranknosh.core.records import EpochPoint, Job, Record, Workers
from ranknosh.core.search import Search
from ranknosh.executors.base import Executor

LOOK_ROUND_SECONDS = 0.5
"""How long the loop waits for a result before it looks at the clock, at stop requests and at the number of workers again."""


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
    progress of the jobs that ran was written.
    """
    noted: Workers | None = None

    def keep(records: Sequence[Record]) -> None:
        if records:
            write(records)
            listener.on_records(records, search.pool, clock())

    def note_workers() -> None:
        nonlocal noted
        used = executor.usage()
        record = Workers(used.slots, round(used.busy_seconds, 3), round(used.slot_seconds, 3))
        if record == noted:
            return
        noted = record
        search.pool.apply(record)
        keep([record])

    try:
        while not search.done:
            if noted is None or executor.usage().slots != noted.slots:
                note_workers()
            late = search.limits.wall_seconds is not None and clock() >= search.limits.wall_seconds
            if stop.requested or late:
                executor.request_stop()
            if not stop.requested:
                asked = search.ask(executor.free_slots(), clock())
                keep(asked.records)
                for job in asked.jobs:
                    executor.submit(job)
            for result in executor.wait(LOOK_ROUND_SECONDS):
                keep(search.tell(result))
            if (stop.requested or late) and not executor.running():
                search.forget_running()  # jobs that had not begun were taken back
            if stop.requested and not executor.running():
                raise KeyboardInterrupt
    finally:
        note_workers()
