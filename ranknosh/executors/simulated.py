"""A cluster in virtual time: the jobs of a search on workers that differ, die and come back, in the time of an arithmetic.

What a job takes and how it ends come from two functions of the job (a table, a recorded run, a model); what goes wrong is
drawn from streams keyed by the job and its try, so that one seed gives one simulation, and a job meets the same luck however
many workers there are. Not simulated: deaths of idle workers, the time of the driver itself, copying checkpoints.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ranknosh.core.records import Failed, Interrupted, Job, JobResult, Observed
from ranknosh.errors import ConfigError
from ranknosh.executors.base import Answer, Item, Usage
from ranknosh.executors.pace import Pace, Patience
from ranknosh.streams import stream

Outcome = Observed | Failed
Fate = Literal["ends", "dies", "stops"]
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Cluster:
    """Workers and what goes wrong with them; times in seconds.

    workers: jobs that run at once. mtbf: mean time a worker runs jobs until it dies (exponential), None for never. repair: how
    long it is gone then. startup: until a new worker takes its first job. stragglers: share of tries that take ``slowdown``
    times as long. speculate: start a second copy on an idle worker once a job has run so many times what is expected of it
    (:class:`~ranknosh.executors.pace.Pace`), 0 for never. save_every: a finished epoch is saved once this much work would be
    lost otherwise. death: how the engine hears of a death (a ``lost`` node does not count, a ``crashed`` worker counts as
    a try of the job). Raises ConfigError for values out of range.
    """

    workers: int = 1
    mtbf: float | None = None
    repair: float = 60.0
    startup: float = 0.0
    stragglers: float = 0.0
    slowdown: float = 4.0
    speculate: float = 0.0
    save_every: float = 10.0
    death: Literal["lost", "crashed"] = "lost"

    def __post_init__(self) -> None:
        rules = (
            ("workers", self.workers >= 1, "1 or more"),
            ("mtbf", self.mtbf is None or self.mtbf > 0, "above 0"),
            ("repair", self.repair >= 0, "0 or more"),
            ("startup", self.startup >= 0, "0 or more"),
            ("stragglers", 0 <= self.stragglers <= 1, "a share from 0 to 1"),
            ("slowdown", self.slowdown >= 1, "1 or more"),
            ("speculate", self.speculate == 0 or self.speculate >= 1, "0 (never) or 1 and more"),
            ("save_every", self.save_every >= 0, "0 or more"),
        )
        for name, holds, rule in rules:
            if not holds:
                raise ConfigError(f"{name} is {getattr(self, name):g}; it must be {rule}")


@dataclass(eq=False)
class _Try:
    """One worker at one job, from ``first`` finished epochs on. ``epoch``: seconds of each of its epochs."""

    job: Job
    worker: int
    began: float
    first: int
    epoch: float
    until: float
    fate: Fate
    cancelled: bool = False


@dataclass(eq=False)
class _Out:
    """A job that was submitted and has no result yet."""

    job: Job
    outcome: Outcome
    tries: list[_Try] = field(default_factory=list)


class SimulatedExecutor:
    """Runs jobs in virtual time: :attr:`now` is its clock, which only :meth:`wait` moves, to the next thing that happens.

    Progress in mid-job is kept as training keeps it (``save_every``). ``lost`` counts tries that ended with their worker,
    ``copies`` second tries; ``wasted_seconds`` is worker time that led to nothing, with a death or in the slower of two tries.

    Args:
        cluster: workers, and how they fail.
        duration: seconds of a whole job on a healthy worker, spread evenly over its epochs.
        outcome: how a job ends; its ``seconds`` are replaced by what the try took, and a Failed ends after its own ``epochs``.
        seed: of the failures.
        wake_at: a moment (a limit of wall time) at which :meth:`wait` returns even if nothing ended.
    """

    def __init__(
        self,
        cluster: Cluster,
        duration: Callable[[Job], float],
        outcome: Callable[[Job], Outcome],
        *,
        seed: int = 0,
        wake_at: float | None = None,
    ) -> None:
        self.cluster, self.seed, self.wake_at = cluster, seed, wake_at
        self.now = 0.0
        self.lost = self.copies = 0
        self.wasted_seconds = 0.0
        self._duration, self._outcome = duration, outcome
        self._idle = list(range(cluster.workers))
        self._down = self._working = 0
        self._queue: deque[_Out] = deque()
        self._out: dict[tuple[int, int], _Out] = {}
        self._events: list[tuple[float, int, _Try | int]] = []  # a try that is over, or a worker that is back
        self._order = 0
        self._tried: dict[tuple[int, int, int], int] = {}
        self._saved: dict[tuple[int, int], int] = {}
        self._pace = Pace()
        self._patience = Patience(speculate=cluster.speculate)
        self._busy_seconds = self._slot_seconds = 0.0

    def free_slots(self) -> int:
        return max(len(self._idle) - len(self._queue), 0)

    def running(self) -> int:
        return len(self._out)

    def submit(self, job: Job) -> None:
        out = self._out[job.token] = _Out(job, self._outcome(job))
        self._queue.append(out)
        self._start_queued()

    def wait(self, timeout: float | None = None) -> list[JobResult]:
        """Move the clock until a job ends, the number of workers changes or ``wake_at`` comes; ``timeout`` is ignored."""
        while True:
            self._start_copies()
            moment = self._next_moment()
            if moment is None:
                return []
            if self.wake_at is not None and self.now < self.wake_at < moment:
                self._advance(self.wake_at)
                return []
            self._advance(moment)
            slots = self._down
            results = self._happen()
            self._start_queued()
            if results or slots != self._down:
                return results

    def request_stop(self) -> None:
        for out in self._out.values():
            if out.tries and all(one.fate != "stops" for one in out.tries):
                self._stop_after_epoch(out)

    def map(self, function: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[tuple[int, Answer]]:
        """Done at once: what is mapped takes no virtual time."""
        yield from ((index, function(item)) for index, item in enumerate(items))

    def usage(self) -> Usage:
        """In virtual seconds. A worker that is gone is no slot; copies are as busy as what they copy."""
        return Usage(self.cluster.workers - self._down, self._busy_seconds, self._slot_seconds)

    def close(self) -> None:
        for out in list(self._out.values()):
            for one in out.tries:
                self._cancel(one)
        self._out.clear()
        self._queue.clear()

    def _advance(self, moment: float) -> None:
        counted = max(moment - max(self.now, self.cluster.startup), 0.0)
        self._busy_seconds += counted * self._working
        self._slot_seconds += counted * (self.cluster.workers - self._down)
        self.now = moment

    def _next_moment(self) -> float | None:
        while self._events and isinstance(self._events[0][2], _Try) and self._events[0][2].cancelled:
            heapq.heappop(self._events)
        moments = [self._events[0][0]] if self._events else []
        if self._idle:
            moments += [late for late, _ in self._late() if late > self.now]
        return min(moments, default=None)

    def _happen(self) -> list[JobResult]:
        """Everything that falls on this very moment, in the order in which it was begun."""
        results: list[JobResult] = []
        while self._events and self._events[0][0] <= self.now:
            what = heapq.heappop(self._events)[2]
            if isinstance(what, int):
                self._down -= 1
                heapq.heappush(self._idle, what)
            elif not what.cancelled:
                results += self._died(what) if what.fate == "dies" else self._ended(what)
        return results

    def _start_queued(self) -> None:
        while self._queue and self._idle:
            self._start(self._queue.popleft())

    def _start(self, out: _Out) -> None:
        """Put a job on the first idle worker, with the luck of this try of it."""
        job, cluster = out.job, self.cluster
        key = (*job.token, job.level)
        number = self._tried[key] = self._tried.get(key, 0) + 1
        identity = (job.candidate_id, job.level, job.replica, number)
        epoch = self._duration(job) / job.epochs
        if cluster.stragglers and stream(self.seed, "straggler", *identity).random() < cluster.stragglers:
            epoch *= cluster.slowdown
        first = max(job.start_epoch, self._saved.get(job.token, 0))
        last = job.start_epoch + out.outcome.epochs if isinstance(out.outcome, Failed) else job.stop_epoch
        began = max(self.now, cluster.startup)
        until = began + max(last - first, 0) * epoch
        fate: Fate = "ends"
        if cluster.mtbf is not None:
            death = began + stream(self.seed, "death", *identity).exponential(cluster.mtbf)
            if death < until:
                until, fate = death, "dies"
        self._working += 1
        out.tries.append(_Try(job, heapq.heappop(self._idle), began, first, epoch, until, fate))
        self._push(until, out.tries[-1])

    def _push(self, moment: float, what: _Try | int) -> None:
        self._order += 1
        heapq.heappush(self._events, (moment, self._order, what))

    def _release(self, one: _Try) -> None:
        self._working -= 1
        heapq.heappush(self._idle, one.worker)

    def _cancel(self, one: _Try) -> None:
        one.cancelled = True
        self.wasted_seconds += max(self.now - one.began, 0.0)
        self._release(one)

    def _ended(self, one: _Try) -> list[JobResult]:
        out = self._out.pop(one.job.token)
        job, seconds = one.job, one.until - one.began
        self._release(one)
        for other in out.tries:
            if other is not one:
                self._cancel(other)
        if one.fate != "stops":
            self._pace.note(job, seconds)
            return [JobResult(job, replace(out.outcome, seconds=seconds))]
        reached = one.first + round(seconds / one.epoch)
        facts = (job.candidate_id, job.level, reached, reached - job.start_epoch, seconds)
        return [JobResult(job, Interrupted(*facts, replica=job.replica))]

    def _died(self, one: _Try) -> list[JobResult]:
        job, seconds = one.job, self.now - one.began
        self._working -= 1
        self._down += 1
        self.lost += 1
        self._push(self.now + self.cluster.repair + self.cluster.startup, one.worker)
        step = max(math.ceil(self.cluster.save_every / one.epoch - _TOLERANCE), 1)
        kept = int(seconds / one.epoch + _TOLERANCE) // step * step
        if kept:
            self._saved[job.token] = max(self._saved.get(job.token, 0), one.first + kept)
        self.wasted_seconds += seconds - kept * one.epoch
        out = self._out[job.token]
        out.tries.remove(one)
        if out.tries:
            return []
        del self._out[job.token]
        begun = math.ceil(seconds / one.epoch - _TOLERANCE)
        message = f"worker {one.worker} died {seconds:.1f} s into the job (simulated)"
        facts = (job.candidate_id, job.level, self.cluster.death, message, begun - kept, seconds)
        return [JobResult(job, Failed(*facts, attempt=job.attempt, replica=job.replica))]

    def _late(self) -> list[tuple[float, _Out]]:
        """(when it is late, job) of every job that has no second try and may become late."""
        if not self.cluster.speculate:
            return []
        alone = [out for out in self._out.values() if len(out.tries) == 1 and out.tries[0].fate != "stops"]
        moments = [(out.tries[0].began + self._patience.late_after(self._pace.expected(out.job)), out) for out in alone]
        return [(moment, out) for moment, out in moments if moment < math.inf]

    def _start_copies(self) -> None:
        """Second tries for jobs that are late, the latest first, as long as workers have nothing better to do."""
        if self._idle and not self._queue:
            late = sorted(self._late(), key=lambda entry: entry[0])
            for moment, out in late[: len(self._idle)]:
                if moment <= self.now:
                    self.copies += 1
                    self._start(out)

    def _stop_after_epoch(self, out: _Out) -> None:
        """Let the try that is furthest end with the epoch it is in; the other one is given up."""
        tries, out.tries = out.tries, []
        best = max(tries, key=lambda one: one.first + (self.now - one.began) / one.epoch)
        for other in tries:
            if other is not best:
                self._cancel(other)
        epochs = int(max(self.now - best.began, 0.0) / best.epoch + _TOLERANCE) + 1
        moment = best.began + epochs * best.epoch
        if moment >= best.until - _TOLERANCE:
            out.tries.append(best)
            return
        best.cancelled = True
        out.tries.append(replace(best, until=moment, fate="stops", cancelled=False))
        self._push(moment, out.tries[-1])
