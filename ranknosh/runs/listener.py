"""What a search reports while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ranknosh.core.pool import Pool
from ranknosh.core.records import EpochPoint, Job, Record


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
