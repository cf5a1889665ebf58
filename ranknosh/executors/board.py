"""What workers and driver exchange while jobs run: which job began, which epoch is done, whether to stop."""

from __future__ import annotations

from typing import NamedTuple

from ranknosh.core.records import EpochPoint, Job


class Began(NamedTuple):
    """An attempt left the queue; ``node`` is Ray's id of its machine."""

    attempt: int
    node: str


class WorkerEpoch(NamedTuple):
    """An attempt finished an epoch."""

    attempt: int
    job: Job
    point: EpochPoint


class Board:
    """An actor on the driver's node. Losing it costs what it shows, never a result."""

    def __init__(self) -> None:
        self._events: list[Began | WorkerEpoch] = []
        self._stopping = False

    def note(self, event: Began | WorkerEpoch) -> None:
        self._events.append(event)

    def drain(self) -> list[Began | WorkerEpoch]:
        """Everything noted since the last call."""
        events, self._events = self._events, []
        return events

    def stop(self) -> None:
        self._stopping = True

    def stopping(self) -> bool:
        return self._stopping
