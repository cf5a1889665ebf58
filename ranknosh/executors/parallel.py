"""Several jobs at once on this machine, for jobs that are processes of their own: threads that wait for them."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from ranknosh.core.records import EpochPoint, Job, JobResult, Observed
from ranknosh.executors.base import Answer, Item, RunJob, Usage
from ranknosh.executors.pace import Pace, Patience


class ParallelExecutor:
    """Runs each job in a thread of its own, ``workers`` at once.

    Args:
        run_job: gives what runs a job, from whether one that has run for so many seconds is late.
        workers: jobs at once.
        patience: when a job is late.
        stop: whether jobs have to end.
        on_epoch: takes every epoch of a job.
    """

    def __init__(
        self,
        run_job: Callable[[Callable[[float], bool]], RunJob],
        workers: int,
        patience: Patience | None = None,
        *,
        stop: Callable[[], bool] = lambda: False,
        on_epoch: Callable[[Job, EpochPoint], None] = lambda job, point: None,
    ) -> None:
        self._run_job, self._workers, self._patience = run_job, workers, patience or Patience()
        self._stop, self._on_epoch = stop, on_epoch
        self._running: dict[Job, tuple[threading.Thread, float]] = {}
        self._waiting: deque[Job] = deque()
        self._ended: queue.Queue[tuple[Job, JobResult | BaseException]] = queue.Queue()
        self._pace, self._pace_lock = Pace(), threading.Lock()
        self._stopping = False
        self._began: float | None = None
        self._busy = 0.0

    def free_slots(self) -> int:
        if self._waiting or any(job.alone for job in self._running):
            return 0
        return self._workers - len(self._running)

    def running(self) -> int:
        return len(self._running) + len(self._waiting)

    def submit(self, job: Job) -> None:
        if self._began is None:
            self._began = time.monotonic()
        self._waiting.append(job)
        self._start_waiting()

    def wait(self, timeout: float | None = None) -> list[JobResult]:
        results: list[JobResult] = []
        while self._running and (not results or not self._ended.empty()):
            try:
                job, outcome = self._ended.get(timeout=timeout)
            except queue.Empty:
                break
            _, began = self._running.pop(job)
            seconds = time.monotonic() - began
            self._busy += seconds
            if isinstance(outcome, BaseException):
                raise outcome
            if isinstance(outcome.outcome, Observed):
                with self._pace_lock:
                    self._pace.note(job, seconds)
            results.append(outcome)
            self._start_waiting()
        return results

    def request_stop(self) -> None:
        self._stopping = True

    def map(self, function: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[tuple[int, Answer]]:
        yield from ((index, function(item)) for index, item in enumerate(items))

    def usage(self) -> Usage:
        now = time.monotonic()
        busy = self._busy + sum(now - began for _, began in self._running.values())
        slots = 0.0 if self._began is None else self._workers * (now - self._began)
        return Usage(self._workers, busy, slots)

    def close(self) -> None:
        self._stopping = True
        self._waiting.clear()
        for thread, _ in self._running.values():
            thread.join()
        self._running.clear()

    def _start_waiting(self) -> None:
        """A job that is ``alone`` waits until nothing else runs."""
        while self._waiting and not (self._waiting[0].alone and self._running):
            job, began = self._waiting.popleft(), time.monotonic()
            thread = threading.Thread(target=self._work, args=(job,), name=f"candidate {job.candidate_id}", daemon=True)
            self._running[job] = thread, began
            thread.start()

    def _work(self, job: Job) -> None:
        def late(seconds: float) -> bool:
            with self._pace_lock:
                expected = self._pace.expected(job)
            return self._patience.is_hung(seconds, expected)

        try:
            run = self._run_job(late)
            result: JobResult | BaseException = run(job, lambda: self._stopping or self._stop(), self._on_epoch)
        except BaseException as error:
            result = error
        self._ended.put((job, result))
