"""What a job of training is, and jobs in the caller's own process: the reference every other executor must agree with."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ranknosh.core.records import EpochPoint, Job, JobResult
from ranknosh.errors import StoreError
from ranknosh.executors.base import Answer, Item, RunJob, Usage

if TYPE_CHECKING:
    from ranknosh.training.checkpoint import CheckpointStore
    from ranknosh.training.settings import Task


@dataclass(frozen=True)
class TrainJob:
    """Trains a job's candidate up to a level; see :func:`ranknosh.training.rung.train_rung`."""

    task: Task
    checkpoints: CheckpointStore

    def __call__(self, job: Job, stop: Callable[[], bool], on_epoch: Callable[[Job, EpochPoint], None]) -> JobResult:
        from ranknosh.training.rung import train_rung

        return train_rung(job, self.task, self.checkpoints, stop=stop, on_epoch=on_epoch)

    @property
    def nbytes(self) -> int:
        """Bytes of the images, most of what it takes to send."""
        data = self.task.data
        return sum(part.images.nbytes for part in (data.train, data.validation, data.test))

    def saved_epoch(self, job: Job) -> int:
        """Epochs that the candidate's checkpoint holds, the job's first one where that is unknown."""
        try:
            return self.checkpoints.epoch(job.candidate_id, job.replica) or 0
        except StoreError:
            return job.start_epoch


class InlineExecutor:
    """Runs jobs one after another, each when its result is waited for.

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
