"""A cluster in virtual time: the jobs of a search on workers that differ, die and come back, in the time of an arithmetic.

What a job takes and how it ends comes from a function of the job (a table, a recorded run, a model); what goes wrong is
drawn from streams keyed by the job and its try, so that one seed gives one simulation, and a job meets the same luck however
many workers there are. Not simulated: deaths of idle workers, the time of the driver itself, copying checkpoints.
"""

import heapq
import itertools
import math
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from ranknosh.config.fields import NotNegative, Share, setting
from ranknosh.config.sections import Section
from ranknosh.config.units import parse_duration
from ranknosh.core.records import Failed, Interrupted, Job, JobResult, Observed, Token
from ranknosh.executors.base import Answer, Item, Usage
from ranknosh.executors.pace import Pace, Patience
from ranknosh.streams import stream

Outcome = Observed | Failed
Results = Callable[[Job], Outcome]
"""How a job ends on a healthy worker: its ``seconds`` are spread evenly over its ``epochs``."""
Fate = Literal["ends", "dies", "stops"]
_TOLERANCE = 1e-9


def _never_or_more(times: float) -> float:
    if 0 < times < 1:
        raise ValueError("must be 1 or more, or 0 for never")
    return times


Seconds = Annotated[
    float, BeforeValidator(lambda time: parse_duration(time) if isinstance(time, str) else time), Field(ge=0)
]


class Cluster(Section):
    """Workers and what goes wrong with them; times in seconds, or as text with a unit."""

    mtbf: Annotated[Seconds, Field(gt=0)] | None = setting(
        None, "mean time a worker runs jobs until it dies (exponential), None for never"
    )
    repair: Seconds = setting(60.0, "how long it is gone then")
    startup: Seconds = setting(0.0, "until a new worker takes its first job")
    stragglers: Share = setting(0.0, "share of tries that take ``slowdown`` times as long")
    slowdown: float = setting(4.0, "see stragglers", ge=1)
    speculate: Annotated[NotNegative, AfterValidator(_never_or_more)] = setting(
        0.0,
        "start a copy on an idle worker once a job has run so many times what is expected of it (Pace), 0 for never",
    )
    save_every: Seconds = setting(10.0, "a finished epoch is saved once this much work would be lost otherwise")
    death: Literal["lost", "crashed"] = setting(
        "lost", "how the engine hears of a death: a crash counts as a try of the job, a lost node does not"
    )


@dataclass(eq=False)
class _Try:
    """A worker at a job, from ``first`` finished epochs on; ``epoch``: seconds of each. Cancelled where ``until`` is infinite."""

    job: Job
    outcome: Outcome
    began: float
    first: int
    epoch: float
    until: float
    fate: Fate

    def finished(self, now: float) -> int:
        """Epochs of this try that are over."""
        return int(max(now - self.began, 0.0) / self.epoch + _TOLERANCE)


class SimulatedExecutor:
    """Runs jobs in virtual time: :attr:`now` is its clock, which only :meth:`wait` moves, to the next thing that happens.

    Progress in mid-job is kept as training keeps it (``save_every``). ``lost`` counts tries that ended with their worker,
    ``copies`` second tries.

    Args:
        results: how jobs end; ``seconds`` are replaced by what the try took.
        cluster: how workers fail.
        workers: jobs that run at once.
        seed: of the failures.
        wake_at: a moment (a limit of wall time) at which :meth:`wait` returns even if nothing ended.
    """

    def __init__(
        self,
        results: Results,
        cluster: Cluster = Cluster(),
        workers: int = 1,
        *,
        seed: int = 0,
        wake_at: float | None = None,
    ) -> None:
        self.cluster, self.workers, self.seed, self.wake_at = cluster, workers, seed, wake_at
        self.now = 0.0
        self.lost = self.copies = 0
        self._results = results
        self._working = self._down = 0  # workers; the others are idle
        self._queue: deque[tuple[Job, Outcome]] = deque()
        self._out: dict[Token, list[_Try]] = {}  # the tries of every job that has no result yet
        self._events: list[tuple[float, int, _Try | None]] = []  # a try that is over, or a worker that is back
        self._order = itertools.count()
        self._tried: Counter[tuple[int, ...]] = Counter()
        self._saved: dict[Token, int] = {}
        self._pace = Pace()
        self._patience = Patience(speculate=cluster.speculate)
        self._busy_seconds = self._slot_seconds = 0.0

    @property
    def _idle(self) -> int:
        return self.workers - self._working - self._down

    def free_slots(self) -> int:
        return max(self._idle - len(self._queue), 0)

    def running(self) -> int:
        return len(self._out)

    def submit(self, job: Job) -> None:
        self._out[job.token] = []
        self._queue.append((job, self._results(job)))
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
            down = self._down
            results = self._happen()
            self._start_queued()
            if results or down != self._down:
                return results

    def request_stop(self) -> None:
        for tries in self._out.values():
            if tries and all(one.fate != "stops" for one in tries):
                self._stop_after_epoch(tries)

    def map(self, function: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[tuple[int, Answer]]:
        """Done at once: what is mapped takes no virtual time."""
        yield from ((index, function(item)) for index, item in enumerate(items))

    def usage(self) -> Usage:
        """In virtual seconds. A worker that is gone is no slot; copies are as busy as what they copy."""
        return Usage(self.workers - self._down, self._busy_seconds, self._slot_seconds)

    def close(self) -> None:
        for tries in self._out.values():
            self._cancel(tries)
        self._out.clear()
        self._queue.clear()

    def _advance(self, moment: float) -> None:
        counted = max(moment - max(self.now, self.cluster.startup), 0.0)
        self._busy_seconds += counted * self._working
        self._slot_seconds += counted * (self.workers - self._down)
        self.now = moment

    def _next_moment(self) -> float | None:
        while self._events and self._is_stale(self._events[0]):
            heapq.heappop(self._events)
        moments = [self._events[0][0]] if self._events else []
        if self._idle:
            moments += [late for late, _ in self._late() if late > self.now]
        return min(moments, default=None)

    def _is_stale(self, event: tuple[float, int, _Try | None]) -> bool:
        """Whether it is of a try that was cancelled or ends at another moment by now."""
        moment, _, one = event
        return one is not None and one.until != moment

    def _happen(self) -> list[JobResult]:
        """Everything that falls on this very moment, in the order in which it was begun."""
        results: list[JobResult] = []
        while self._events and self._events[0][0] <= self.now:
            event = heapq.heappop(self._events)
            if event[2] is None:
                self._down -= 1
            elif not self._is_stale(event):
                results += self._died(event[2]) if event[2].fate == "dies" else self._ended(event[2])
        return results

    def _start_queued(self) -> None:
        while self._queue and self._idle:
            self._start(*self._queue.popleft())

    def _start(self, job: Job, outcome: Outcome) -> None:
        """Put a job on an idle worker, with the luck of this try of it."""
        cluster, key = self.cluster, (job.candidate_id, job.level, job.replica)
        self._tried[key] += 1
        epoch = max(outcome.seconds, _TOLERANCE) / max(outcome.epochs, 1)
        if cluster.stragglers and stream(self.seed, "straggler", *key, self._tried[key]).random() < cluster.stragglers:
            epoch *= cluster.slowdown
        first = max(job.start_epoch, self._saved.get(job.token, 0))
        began = max(self.now, cluster.startup)
        until = began + max(job.start_epoch + outcome.epochs - first, 0) * epoch
        fate: Fate = "ends"
        if cluster.mtbf is not None:
            death = began + stream(self.seed, "death", *key, self._tried[key]).exponential(cluster.mtbf)
            if death < until:
                until, fate = death, "dies"
        self._working += 1
        self._out[job.token].append(_Try(job, outcome, began, first, epoch, until, fate))
        self._push(until, self._out[job.token][-1])

    def _push(self, moment: float, what: _Try | None) -> None:
        heapq.heappush(self._events, (moment, next(self._order), what))

    def _cancel(self, tries: Sequence[_Try]) -> None:
        self._working -= len(tries)
        for one in tries:
            one.until = math.inf

    def _ended(self, one: _Try) -> list[JobResult]:
        job, seconds = one.job, one.until - one.began
        self._cancel(self._out.pop(job.token))
        if one.fate != "stops":
            self._pace.note(job, seconds)
            return [JobResult(job, replace(one.outcome, seconds=seconds))]
        reached = one.first + round(seconds / one.epoch)
        facts = (job.candidate_id, job.level, reached, reached - job.start_epoch, seconds)
        return [JobResult(job, Interrupted(*facts, replica=job.replica))]

    def _died(self, one: _Try) -> list[JobResult]:
        job, seconds = one.job, self.now - one.began
        self._working -= 1
        self._down += 1
        self.lost += 1
        self._push(self.now + self.cluster.repair + self.cluster.startup, None)
        step = max(math.ceil(self.cluster.save_every / one.epoch - _TOLERANCE), 1)
        kept = one.finished(self.now) // step * step
        if kept:
            self._saved[job.token] = max(self._saved.get(job.token, 0), one.first + kept)
        self._out[job.token].remove(one)
        if self._out[job.token]:
            return []
        del self._out[job.token]
        begun = math.ceil(seconds / one.epoch - _TOLERANCE)
        message = f"its worker died {seconds:.1f} s into the job (simulated)"
        facts = (job.candidate_id, job.level, self.cluster.death, message, begun - kept, seconds)
        return [JobResult(job, Failed(*facts, attempt=job.attempt, replica=job.replica))]

    def _late(self) -> list[tuple[float, _Try]]:
        """(when it is late, try) of every try that has no second one beside it and may become late."""
        if not self.cluster.speculate:
            return []
        alone = [tries[0] for tries in self._out.values() if len(tries) == 1 and tries[0].fate != "stops"]
        moments = [(one.began + self._patience.late_after(self._pace.expected(one.job)), one) for one in alone]
        return [(moment, one) for moment, one in moments if moment < math.inf]

    def _start_copies(self) -> None:
        """Second tries for jobs that are late, the latest first, as long as workers have nothing better to do."""
        if self._idle and not self._queue:
            late = sorted(self._late(), key=lambda entry: entry[0])
            for moment, one in late[: self._idle]:
                if moment <= self.now:
                    self.copies += 1
                    self._start(one.job, one.outcome)

    def _stop_after_epoch(self, tries: list[_Try]) -> None:
        """Let the try that is furthest end with the epoch it is in; the other one is given up."""
        best = max(tries, key=lambda one: one.first + (self.now - one.began) / one.epoch)
        self._cancel([other for other in tries if other is not best])
        tries[:] = [best]
        moment = best.began + (best.finished(self.now) + 1) * best.epoch
        if moment < best.until - _TOLERANCE:
            best.until, best.fate = moment, "stops"
            self._push(moment, best)
