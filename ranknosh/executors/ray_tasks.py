"""Jobs as stateless tasks on a Ray cluster. Ray places and runs them; whether one is tried again is the engine's policy.

At most one job more than the cluster can run is handed to Ray, so that what runs next is still the engine's choice.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray import exceptions
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ranknosh.core.records import EpochPoint, Failed, FailureKind, Job, JobResult, Observed, Speculated
from ranknosh.errors import ClusterError, RankNoshError, first_line
from ranknosh.executors import ray_worker
from ranknosh.executors.base import Answer, Item, RunJob, Usage
from ranknosh.executors.pace import Pace, Patience
from ranknosh.executors.ray_worker import Board, Code, Done, Event
from ranknosh.executors.resources import NODES_SECONDS, ClusterSlots, Demand, Resources

BOARD_SECONDS = 0.25
READY_SECONDS = 300.0
MAP_RETRIES = 8
_LARGEST_CHUNK = 32


@dataclass
class Attempt:
    """One submission of a job. ``began`` is the driver's clock when a worker took it, None while it queues."""

    number: int
    job: Job
    began: float | None = None
    node: str = ""
    epoch: int = 0
    cancelled: FailureKind | None = None

    @property
    def seconds(self) -> float:
        """It has run so far."""
        return 0.0 if self.began is None else time.monotonic() - self.began

    @property
    def begun_epochs(self) -> int:
        """Finished ones of the candidate and the running one."""
        return min(max(self.epoch, self.job.start_epoch) + 1, self.job.stop_epoch)


class RayExecutor:
    """Runs jobs on the cluster this process is connected to. A node that joins is used within NODES_SECONDS.

    :meth:`wait` and :meth:`map` raise ClusterError where workers cannot run our code at all.

    Args:
        run_job: what a job is; pickled once, fetched once by every worker process.
        demand: resources of a job by its level.
        workers: most jobs at once; None for what the cluster holds.
        threads: of a function that is mapped.
        patience: deadlines and second copies.
        on_epoch: takes every epoch of a job.
        saved_epoch: epochs of a candidate's checkpoint, from which follows how many were lost with a worker; None where nothing
            is saved.
        say: takes what a user should know.
    """

    def __init__(
        self,
        run_job: RunJob,
        *,
        demand: Demand | None = None,
        workers: int | None = None,
        threads: int = 1,
        patience: Patience | None = None,
        on_epoch: Callable[[Job, EpochPoint], None] = lambda job, point: None,
        saved_epoch: Callable[[Job], int] | None = None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.demand, self.patience = demand or Demand(), patience or Patience()
        self._on_epoch, self._say, self._threads = on_epoch, say, threads
        self._saved_epoch = saved_epoch or (lambda job: job.start_epoch)
        self._code = self._put(run_job)
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        actor: Any = ray.remote(num_cpus=0)(Board)
        self._board = actor.options(scheduling_strategy=here).remote()
        self._run = _task(ray_worker.run_job, retries=0)
        self._attempts: dict[Any, Attempt] = {}
        self._held: list[Job] = []
        self._numbers = itertools.count()
        self._pace = Pace()
        self._slots = ClusterSlots(self.demand, workers, say)
        self._board_at = -1e9
        self._busy = 0.0
        self._stopping = False

    def slots(self) -> int:
        """Jobs of the base kind that the cluster, as it is now, runs at once."""
        return self._slots.count()

    def free_slots(self) -> int:
        if self._held or any(attempt.job.alone for attempt in self._attempts.values()):
            return 0
        taken = sum(self.demand.weight(attempt.job.level) for attempt in self._attempts.values())
        return max(int(self.slots() + 1 - taken), 0)

    def running(self) -> int:
        return len({attempt.job.token for attempt in self._attempts.values()}) + len(self._held)

    def submit(self, job: Job) -> None:
        self._slots.start_clock()
        if job.alone and self._attempts:
            self._held.append(job)
        else:
            self._start(job)

    def wait(self, timeout: float | None = None) -> list[JobResult]:
        until = None if timeout is None else time.monotonic() + timeout
        while self.running():
            if self._held and not self._attempts:
                self._start(self._held.pop(0))
            pause = BOARD_SECONDS if until is None else min(BOARD_SECONDS, max(until - time.monotonic(), 0.0))
            references = list(self._attempts)
            ready, rest = ray.wait(references, num_returns=1, timeout=pause)
            if ready and rest:
                ready += ray.wait(rest, num_returns=len(rest), timeout=0)[0]
            self._read_board()
            results = [result for reference in ready for result in self._end(reference)]
            if not self._attempts:
                self._read_board(now=True)
            if results or (until is not None and time.monotonic() >= until):
                return results
            self._watch()
            self.slots()
        return []

    def request_stop(self) -> None:
        self._held.clear()
        for reference, attempt in list(self._attempts.items()):
            if attempt.began is None:
                ray.cancel(reference, force=False)
        if not self._stopping:
            self._stopping = True
            self._board.stop.remote()

    def map(self, function: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[tuple[int, Answer]]:
        if not items:
            return
        code = self._put(function)
        size = max(1, min(_LARGEST_CHUNK, len(items) // (8 * max(self.slots(), 1))))
        run = _task(ray_worker.run_items, MAP_RETRIES).options(**_options(self.demand.base))
        waiting = [range(first, min(first + size, len(items))) for first in range(0, len(items), size)]
        waiting.reverse()
        out: dict[Any, range] = {}
        while waiting or out:
            while waiting and len(out) < self.slots() + 1:
                part = waiting.pop()
                out[run.remote(code, [items[index] for index in part], self._threads)] = part
            ready, _ = ray.wait(list(out), num_returns=1, timeout=NODES_SECONDS)
            for reference in ready:
                part = out.pop(reference)
                yield from zip(part, self._answer(reference), strict=True)

    def get_ready(
        self,
        check: Callable[[], Any] = lambda: None,
        wait_seconds: float = READY_SECONDS,
        stop: Callable[[], bool] = lambda: False,
    ) -> list[Any]:
        """Start the workers and load the jobs' code in them, so that this is no part of the utilisation.

        Args:
            check: called in each worker.
            wait_seconds: how long to wait for nodes that hold a job of every level.
            stop: whether to end waiting.

        Returns:
            What ``check`` gave.

        Raises:
            ClusterError: where no node comes or no worker can be started.
            RankNoshError: that ``check`` raised.
            KeyboardInterrupt: once ``stop()`` is true.
        """
        ready = _task(ray_worker.get_ready, MAP_RETRIES).options(
            **_options(self.demand.base), scheduling_strategy="SPREAD"
        )
        began = time.monotonic()
        while (lacking := self._slots.lacking()) and time.monotonic() - began <= wait_seconds:
            if stop():
                raise KeyboardInterrupt
            time.sleep(BOARD_SECONDS)
        if lacking:
            raise ClusterError(
                f"{lacking}, and no node of this cluster has that: it has {self._slots.text()}; lower executor.cpus_per_trial, "
                "gpus_per_trial, memory_per_trial or per_level, or add a node"
            )
        if stop():
            raise KeyboardInterrupt
        waited = [ready.remote(self._code, check) for _ in range(self.slots())] + [self._board.stopping.remote()]
        *answers, _ = (self._answer(each, max(began + READY_SECONDS - time.monotonic(), 1.0)) for each in waited)
        return answers

    def usage(self) -> Usage:
        return Usage(self.slots(), self._busy, self._slots.seconds())

    def close(self) -> None:
        """Cancel what runs. The cluster itself is left to the caller, who connected to it."""
        if not ray.is_initialized():
            return
        for reference in self._attempts:
            ray.cancel(reference, force=True)
        self._attempts.clear()
        self._held.clear()
        ray.kill(self._board)

    def _put(self, thing: Any) -> Code:
        return (ray.put(thing),)

    def _answer(self, reference: Any, timeout: float | None = None) -> Any:
        """What a task without a job gave. Raises what it raised, and ClusterError where it could not be run."""
        try:
            return ray.get(reference, timeout=timeout)
        except exceptions.GetTimeoutError as error:
            raise ClusterError(
                f"no worker was ready within {READY_SECONDS:.0f} s; is the cluster busy with other work? It has "
                f"{self._slots.text()}"
            ) from error
        except exceptions.RayError as error:
            raise _told(error) from error

    def _start(self, job: Job) -> None:
        options = _options(self.demand.of(job.level))
        attempt = Attempt(next(self._numbers), job)
        reference = self._run.options(**options).remote(self._code, attempt.number, job, self._board)
        self._attempts[reference] = attempt

    def _end(self, reference: Any) -> list[JobResult]:
        """The result of an attempt; none where another attempt of its job still runs or where it is no longer waited for."""
        attempt = self._attempts[reference]
        try:
            done: Done | None = ray.get(reference)
            error: exceptions.RayError | None = None
        except exceptions.RayError as raised:
            done, error = None, raised
            self._read_board(now=True)  # how far it had come
        del self._attempts[reference]
        job, seconds = attempt.job, attempt.seconds
        others = [other for other in self._attempts.items() if other[1].job.token == job.token]
        if done is not None:
            self._busy += done.seconds
            if isinstance(done.result.outcome, Observed):
                self._pace.note(job, done.seconds)
            return [self._won(done.result, others)]
        assert error is not None
        if isinstance(error, exceptions.TaskCancelledError) and attempt.cancelled is None:
            return []
        kind, message = self._reason(error, attempt, seconds)
        self._busy += seconds
        if others:
            self._say(f"one of two attempts of #{job.candidate_id} ended: {message}")
            return []
        epochs = 0
        if attempt.began is not None or kind in ("crashed", "out_of_memory"):
            # the running epoch counts as a whole one; what a checkpoint holds is not lost
            epochs = max(attempt.begun_epochs - max(self._saved_epoch(job), job.start_epoch), 0)
        failed = Failed(job.candidate_id, job.level, kind, message, epochs, seconds, replica=job.replica)
        return [JobResult(job, failed)]

    def _reason(self, error: exceptions.RayError, attempt: Attempt, seconds: float) -> tuple[FailureKind, str]:
        """What kind of failure an error of Ray's is. Raises the RankNoshError where it concerns every job alike."""
        if attempt.cancelled is not None and isinstance(
            error, (exceptions.TaskCancelledError, exceptions.WorkerCrashedError)
        ):
            return attempt.cancelled, f"cancelled after {seconds:.0f} s, at its deadline"
        if isinstance(error, exceptions.OutOfMemoryError):
            return "out_of_memory", first_line(error)
        if isinstance(error, exceptions.WorkerCrashedError):
            self._slots.look_again()
            self.slots()
            if attempt.node and attempt.node not in self._slots.nodes:
                return "lost", "its node went away"
            return "crashed", f"its worker process died ({first_line(error)})"
        if isinstance(error, (exceptions.RayTaskError, exceptions.RuntimeEnvSetupError)):
            raise _told(error) from error
        return "lost", f"its node went away ({first_line(error)})"

    def _won(self, result: JobResult, others: Sequence[tuple[Any, Attempt]]) -> JobResult:
        """Cancel the other attempts of a job that ended and say what they cost."""
        lost = []
        for reference, attempt in others:
            del self._attempts[reference]
            ray.cancel(reference, force=True)
            job, seconds = attempt.job, attempt.seconds
            self._busy += seconds
            epochs = 0 if attempt.began is None else attempt.begun_epochs - job.start_epoch
            lost.append(Speculated(job.candidate_id, job.level, epochs, seconds, job.replica))
        return JobResult(result.job, result.outcome, tuple(lost))

    def _read_board(self, now: bool = False) -> None:
        time_read = time.monotonic()
        if not now and time_read - self._board_at < BOARD_SECONDS:
            return
        self._board_at = time_read
        try:
            events: list[Event] = ray.get(self._board.drain.remote(), timeout=BOARD_SECONDS * 20)
        except exceptions.RayError:
            return
        known = {attempt.number: attempt for attempt in self._attempts.values()}
        for event in events:
            attempt = known.get(event.attempt)
            if attempt is not None and event.point is None:
                attempt.began, attempt.node = time_read, event.node
            elif attempt is not None and event.point is not None:
                attempt.epoch = event.point.epoch
            if event.point is not None:
                self._on_epoch(event.job, event.point)

    def _watch(self) -> None:
        """Cancel what is beyond its deadline, and start a second copy of what is late where there is room for it."""
        idle = self.slots() - sum(self.demand.weight(attempt.job.level) for attempt in self._attempts.values())
        copies = [attempt.job.token for attempt in self._attempts.values()]
        for reference, attempt in list(self._attempts.items()):
            if attempt.began is None or attempt.cancelled:
                continue
            running, expected = attempt.seconds, self._pace.expected(attempt.job)
            if self.patience.is_hung(running, expected):
                attempt.cancelled = "hung"
                ray.cancel(reference, force=True)
            elif (
                running > self.patience.late_after(expected)
                and copies.count(attempt.job.token) == 1
                and idle >= self.demand.weight(attempt.job.level)
                and not (attempt.job.alone or self._stopping)
            ):
                self._say(
                    f"#{attempt.job.candidate_id} runs for {running:.0f} s where {expected:.0f} s were expected; a second "
                    "attempt is started beside it"
                )
                idle -= self.demand.weight(attempt.job.level)
                self._start(attempt.job)


def _task(function: Callable[..., Any], retries: int) -> Any:
    """``function`` as a Ray task whose worker processes are used again (with GPUs Ray would end them after each task)."""
    remote: Any = ray.remote(max_retries=retries, max_calls=0)
    return remote(function)


def _options(resources: Resources) -> dict[str, Any]:
    options: dict[str, Any] = {"num_cpus": resources.cpus, "num_gpus": resources.gpus}
    return {**options, "memory": resources.memory} if resources.memory else options


def _told(error: exceptions.RayError) -> RankNoshError:
    """What a user should see of a task that failed: the error of the search that it raised, or that it cannot be run."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, RankNoshError):
        return cause
    last = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
    return ClusterError(
        f"workers cannot run this search: {last}. Install the same ranknosh and its packages on every node, or let "
        "executor.ship_code send this one's code"
    )
