"""What the loop asks of whatever runs its jobs, and the reference of it, which every other executor must agree with."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

from ranknosh.core.records import EpochPoint, Job, JobResult

RunJob = Callable[[Job, Callable[[], bool], Callable[[Job, EpochPoint], None]], JobResult]
"""Runs one job: (job, stop, on_epoch). ``stop`` is looked at after every epoch; True asks for Interrupted."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Usage(NamedTuple):
    """``slots``: jobs that can run at once now. ``busy_seconds`` and ``slot_seconds``: time spent in jobs and time there were
    slots for them, each slot counted, since the first job; the start-up of workers is in neither."""

    slots: int
    busy_seconds: float
    slot_seconds: float


@runtime_checkable
class Executor(Protocol):
    """Runs jobs and gives each result back exactly once.

    A job that goes wrong comes back as a Failed, never as an exception: what to do about it is the engine's policy. What
    makes going on senseless (a full disk, images that changed) is raised by :meth:`wait`, as the RankNoshError that it is.
    """

    def free_slots(self) -> int:
        """How many more jobs are welcome now, best first."""
        ...

    def running(self) -> int:
        """Jobs submitted whose result was not returned yet."""
        ...

    def submit(self, job: Job) -> None: ...

    def wait(self, timeout: float | None = None) -> list[JobResult]:
        """Block until a job ends, or for ``timeout`` seconds, and return every result not yet returned.

        An empty list where nothing is out or time ran out. An executor that runs jobs in the caller's process ignores the
        timeout.
        """
        ...

    def request_stop(self) -> None:
        """Ask the jobs that run to end as Interrupted after the epoch they are in. May be called again."""
        ...

    def map(self, function: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[tuple[int, Answer]]:
        """(index, function(item)) of every item, in the order they are done; on the workers where there are any.

        ``function`` must be a function of its item alone that pickles: work lost with a worker is done again. Raises what
        ``function`` raises.
        """
        ...

    def usage(self) -> Usage: ...

    def close(self) -> None:
        """Stop what runs and free everything held. Jobs not returned yet are lost, which costs their work only."""
        ...


class InlineExecutor:
    """Runs jobs in the caller's own process one after another, each when its result is waited for.

    Args:
        run_job: what a job is.
        stop: whether the job has to end; looked at after every epoch.
        on_epoch: takes every epoch of a job.
    """

    def __init__(
        self,
        run_job: RunJob,
        *,
        stop: Callable[[], bool] = lambda: False,
        on_epoch: Callable[[Job, EpochPoint], None] = lambda job, point: None,
    ) -> None:
        self._run_job, self._stop, self._on_epoch = run_job, stop, on_epoch
        self._queue: deque[Job] = deque()
        self._stopping = False
        self._began: float | None = None
        self._busy = 0.0

    def free_slots(self) -> int:
        return 1 - len(self._queue)

    def running(self) -> int:
        return len(self._queue)

    def submit(self, job: Job) -> None:
        self._queue.append(job)

    def wait(self, timeout: float | None = None) -> list[JobResult]:
        if not self._queue:
            return []
        began = time.monotonic()
        if self._began is None:
            self._began = began
        result = self._run_job(self._queue.popleft(), lambda: self._stopping or self._stop(), self._on_epoch)
        self._busy += time.monotonic() - began
        return [result]

    def request_stop(self) -> None:
        self._stopping = True

    def map(self, function: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[tuple[int, Answer]]:
        yield from ((index, function(item)) for index, item in enumerate(items))

    def usage(self) -> Usage:
        return Usage(1, self._busy, 0.0 if self._began is None else time.monotonic() - self._began)

    def close(self) -> None:
        self._queue.clear()
