"""Several batches in flight, in an order that no worker can change.

Time is counted in ticks, a tick being what a training of level 1 takes. Batch b is proposed at tick b * period; its promotions
out of level i follow when its trainings up to level i should have ended, by the epochs that they train. A decision at tick t
sees the results due by t, whether or not others are in already, and none before they are due: so it does not depend on how many
workers there are or who is fast. ``overlap`` batches are in flight at once; with one, every batch waits for all before it.
"""

from __future__ import annotations

import heapq
from collections import deque
from itertools import accumulate
from typing import NamedTuple

from ranknosh.core.budget import Ledger
from ranknosh.core.pool import Candidate, Pool
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import Failed, Observed, Promotion, Proposed, Rerun


class Step(NamedTuple):
    """A decision: propose batch ``batch`` (``level`` 0) or promote out of ``level`` what the sizes owe after that batch.

    ``last``: the rest of a batch that the limits did not hold when its turn came; taken when all else has ended, because
    trainings that failed give epochs back.
    """

    tick: int
    batch: int
    level: int
    last: bool = False


class Pipeline:
    """The order of decisions, and the pool and ledger as each of them may see it: ``view`` and ``books``.

    On a journal that is continued, the same steps are gone through again with the decisions that it holds.
    """

    def __init__(self, pyramid: Pyramid, overlap: int, limit: int | None, pool: Pool) -> None:
        first = pyramid.steps[0]
        self._ticks = [max(1, round(step / first)) for step in pyramid.steps]
        self._offsets = [0, *accumulate(self._ticks)]
        self._period = max(1, -(-self._offsets[-1] // overlap))
        self._pyramid = pyramid
        self._steps = [Step(0, 0, 0)]
        self._rest: Step | None = None
        self._due: list[tuple[int, int, _Job]] = []
        self._asked = self._now = 0
        self.closing = False
        self.view = Pool()
        self.books = Ledger(limit)
        self.history: deque[Promotion] = deque()
        self._closers: deque[tuple[int, Promotion | Rerun]] = deque()
        for count, decision in pool.advances:
            if isinstance(decision, Promotion) and decision.reason == "quota":
                self.history.append(decision)
            else:
                self._closers.append((count, decision))

    @property
    def next(self) -> Step | None:
        """The decision to take next; None where no batch follows and every promotion was decided."""
        if self._steps:
            self._now = self._steps[0].tick
            return self._steps[0]
        return self._rest

    def advance(self, whole: bool = True, empty: bool = False) -> None:
        """The next step was taken. ``whole``: all of the batch was proposed, so that another one follows; else what is missing
        is tried once more at the end, unless it was ``empty`` there."""
        step = self.next
        assert step is not None
        if step.last:
            self._rest = None
        else:
            heapq.heappop(self._steps)
        if step.level == 0 and whole:
            heapq.heappush(self._steps, Step(self._now + self._period, step.batch + 1, 0))
        elif step.level == 0 and not (step.last and empty):
            self._rest = Step(0, step.batch, 0, last=True)
        if step.level + 1 < self._pyramid.levels and not (step.level == 0 and empty):
            tick = self._now + self._ticks[step.level]
            heapq.heappush(self._steps, Step(tick, step.batch, step.level + 1))

    def ask(self, decision: Proposed | Promotion | Rerun) -> None:
        """Enter a decision of the present step into view and books."""
        self.view.apply(decision)
        if isinstance(decision, Rerun):
            job = _Job(decision.candidate_id, 0, decision.replica)
            epochs, ticks = self._pyramid.epochs[-1], self._offsets[-1]
        else:
            job = _Job(decision.candidate_id, decision.to_level if isinstance(decision, Promotion) else 1, 0)
            epochs, ticks = self._pyramid.steps[job.level - 1], self._ticks[job.level - 1]
        self.books.reserve((job.candidate_id, job.replica), epochs)
        heapq.heappush(self._due, (self._now + ticks, self._asked, job))
        self._asked += 1

    def holds(self, level: int) -> bool:
        """Whether the continued journal has a promotion to ``level`` as its next one, of a candidate that stands below it."""
        if not self.history or self.history[0].to_level != level:
            return False
        candidate = self.view.candidates.get(self.history[0].candidate_id)
        return candidate is not None and candidate.level == level - 1 and (candidate.id, 0) not in self.view.pending

    def ask_closer(self) -> bool:
        """Enter the next closing promotion or rerun that the continued journal holds from here; False where there is none."""
        self.closing = bool(self._closers) and self._closers[0][0] == self.view.count
        if self.closing:
            self.ask(self._closers.popleft()[1])
        return self.closing

    def see(self, pool: Pool, tick: int | None = None) -> bool:
        """Let ``view`` see the results due by ``tick`` (None: all asked for). False where one of them is not in ``pool`` yet."""
        while self._due and (tick is None or self._due[0][0] <= tick):
            job = self._due[0][-1]
            token, candidate = (job.candidate_id, job.replica), pool.candidates[job.candidate_id]
            result = _result(pool, candidate, job)
            if result is None:
                return False
            heapq.heappop(self._due)
            epochs = self.books.reserved[token]
            if isinstance(result, Failed) and not job.replica:
                epochs = result.epochs + candidate.epochs - self._pyramid.epochs[job.level - 1] + epochs
            self.books.settle(token, epochs)
            self.view.apply(result)
        return True


class _Job(NamedTuple):
    """A training asked for: to ``level``, or (``replica`` above 0) again from scratch."""

    candidate_id: int
    level: int
    replica: int


def _result(pool: Pool, candidate: Candidate, job: _Job) -> Observed | Failed | None:
    """How a training ended; None while it has not."""
    if not job.replica:
        if candidate.failed is not None and candidate.failed.level == job.level:
            return candidate.failed
        return candidate.observations.get(job.level)
    if (candidate.id, job.replica) in pool.pending:
        return None
    ended = [f for f in pool.failures if f.final and (f.candidate_id, f.replica) == (candidate.id, job.replica)]
    return candidate.replicas.get(job.replica) or ended[0]


def proposed_again(candidate: Candidate) -> Proposed:
    """The record that a candidate was proposed by."""
    return Proposed(
        candidate.id,
        candidate.architecture,
        candidate.key,
        candidate.text,
        candidate.batch,
        candidate.origin,
        candidate.score,
        candidate.spread,
    )
