"""Jobs in the caller's own process, one after another: the reference every other executor must agree with."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ranknosh.executors.base import RunJob
from ranknosh.records import EpochPoint, Job, JobResult


class InlineExecutor:
    """Runs a job when its result is waited for. ``stop`` is handed to the job, which looks at it after every epoch."""

    def __init__(
        self,
        run_job: RunJob,
        *,
        stop: Callable[[], bool] = lambda: False,
        on_epoch: Callable[[Job, EpochPoint], None] = lambda job, point: None,
    ) -> None:
        self._run_job, self._stop, self._on_epoch = run_job, stop, on_epoch
        self._queue: deque[Job] = deque()

    def free_slots(self) -> int:
        return 1 - len(self._queue)

    def submit(self, job: Job) -> None:
        self._queue.append(job)

    def wait(self) -> list[JobResult]:
        return [self._run_job(self._queue.popleft(), self._stop, self._on_epoch)] if self._queue else []

    def close(self) -> None:
        self._queue.clear()
