"""What the loop asks of whatever runs its jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ranknosh.records import EpochPoint, Job, JobResult

RunJob = Callable[[Job, Callable[[], bool], Callable[[Job, EpochPoint], None]], JobResult]
"""Runs one job: (job, stop, on_epoch). ``stop`` is looked at after every epoch; True asks for Interrupted."""


class Executor(Protocol):
    """Runs jobs and gives each result back exactly once.

    A job that goes wrong comes back as a Failed, never as an exception: what to do about it is the engine's policy.
    """

    def free_slots(self) -> int:
        """How many jobs could begin at once."""
        ...

    def submit(self, job: Job) -> None: ...

    def wait(self) -> list[JobResult]:
        """Block until a job ends and return every result not yet returned; an empty list where nothing is out."""
        ...

    def close(self) -> None:
        """Stop what runs and free everything held. Jobs not returned yet are lost, which costs their work only."""
        ...
