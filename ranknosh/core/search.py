"""The search as ask and tell. Every decision is a function of the pool, so a journal cut anywhere leads to the same search.

``ask`` hands out jobs and the records of the decisions behind them; ``tell`` takes a result and returns the records it
became. The caller writes records down before it acts on them and needs nothing else: no clock, file or device is known here.

Schedules. ``reproducible``: batch by batch and level by level, bottom up; a level's promotions are decided when all trainings
up to that level have ended, a new batch when all have; with ``overlap`` several batches are in flight (see
:mod:`ranknosh.core.pipeline`). Decisions do not depend on the number of workers or on who finished first. ``eager``: a free
worker takes the highest promotion that is due at once, else a new candidate (as ASHA does; Li et al., MLSys 2020, algorithm 2);
sizes are the same, the choice depends on the order of arrivals, which the journal keeps.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Protocol, cast

from ranknosh.core.budget import Ledger, Limits
from ranknosh.core.pipeline import Pipeline, Step, proposed_again
from ranknosh.core.pool import Candidate, Pending, Pool
from ranknosh.core.price import most_affordable
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import (
    UNCOUNTED,
    Failed,
    FailureKind,
    Fitted,
    Interrupted,
    Job,
    JobResult,
    Observed,
    Promotion,
    Proposed,
    Record,
    Rerun,
)
from ranknosh.errors import BudgetTooSmall, ConfigError, JobsLost
from ranknosh.streams import torch_seed

Schedule = Literal["reproducible", "eager"]
Promotions = Literal["observed", "predicted"]
StopReason = Literal["candidates", "epochs", "space_exhausted", "wall_time", "device_time", "disk", "nothing_learned"]
CAPS: tuple[StopReason, ...] = ("wall_time", "device_time", "disk")
MOST_LOSSES = 10
_MANY = 1_000_000


class Proposal(NamedTuple):
    """New candidates, fewer than asked for where the space has no more, and the refit behind them."""

    records: tuple[Proposed, ...]
    fit: Fitted | None = None


class Proposer(Protocol):
    """Chooses new candidates. Must be a function of the pool's finished results and of ``ids`` alone."""

    def propose(self, pool: Pool, ids: Sequence[int], batch: int) -> Proposal: ...


class Promoter(Protocol):
    """A proposer that can also say whom to train on; see ``promote`` of :class:`Search`."""

    def prefer(self, pool: Pool, residents: Sequence[Candidate]) -> Sequence[Candidate]:
        """``residents`` of one level, given best first by their metric, in the order they should be promoted. A function of
        the pool's finished results alone."""
        ...


class Asked(NamedTuple):
    """Jobs to run now, and the records to write down first."""

    jobs: tuple[Job, ...]
    records: tuple[Record, ...]


@dataclass(frozen=True)
class Plan:
    """What is left to spend: ``candidates`` in all (None: no end), and whether the epoch budget is what sets that number."""

    candidates: int | None
    by_epochs: bool


class Search:
    """A NOSH pyramid fed by a proposer under a budget.

    candidates: how many to propose in all, None for as many as the budget holds. finalists: how many of the top level are
    trained again from scratch with another seed before one is chosen. retries: how often a job whose worker died or hung is
    tried again (see :meth:`tell`).
    promote: ``observed`` promotes the best by the metric measured at the level; ``predicted`` asks the proposer (a Promoter),
    whose model has smoothed what one training's luck says. closing: share of an epoch budget that is kept from newcomers, for
    promoting the best paused candidates at the end.
    overlap: batches in flight at once in the reproducible schedule. pool: what a journal holds already. Raises ConfigError
    without any limit, BudgetTooSmall where no candidate fits.
    """

    def __init__(
        self,
        pyramid: Pyramid,
        limits: Limits,
        proposer: Proposer,
        *,
        seed: int,
        schedule: Schedule = "reproducible",
        candidates: int | None = None,
        finalists: int = 0,
        retries: int = 3,
        promote: Promotions = "observed",
        closing: float = 0.0,
        overlap: int = 1,
        pool: Pool | None = None,
    ) -> None:
        if overlap < 1 or (overlap > 1 and schedule == "eager"):
            raise ConfigError(
                f"pyramid.overlap is {overlap} and pyramid.schedule is {schedule}; overlap counts the batches in flight of the "
                "reproducible schedule (1 or more); eager has no batches to wait for, so leave it at 1 there"
            )
        if promote == "predicted" and not hasattr(proposer, "prefer"):
            raise ConfigError("pyramid.promote is predicted, but this proposer cannot order candidates; use observed")
        if not 0 <= closing < 1:
            raise ConfigError(f"pyramid.closing is {closing}; it is a share of budget.epochs, from 0 to below 1")
        if candidates is None and limits == Limits():
            raise ConfigError(
                "the search has no end: set pyramid.candidates, budget.epochs, budget.time or budget.device_time"
            )
        self.pyramid, self.limits, self.proposer = pyramid, limits, proposer
        self.seed, self.schedule, self.candidates = seed, schedule, candidates
        self.finalists, self.retries = finalists, retries
        self.promote, self.closing = promote, closing
        self.pool = pool if pool is not None else Pool()
        self.ledger = Ledger(limits.epochs, self.pool.epochs_spent)
        self.stop_reason: StopReason | None = None
        self._line = Pipeline(pyramid, overlap, limits.epochs, self.pool) if overlap > 1 else None
        self._view = self._line.view if self._line else self.pool
        self._books = self._line.books if self._line else self.ledger
        self._running: set[tuple[int, int]] = set()
        self._queue: list[tuple[int, int, tuple[int, int]]] = []
        self._turns: dict[tuple[int, int], int] = {}
        self._turn = 0
        self._exhausted = False
        self._lost: Failed | None = None
        for token, pending in self.pool.pending.items():
            if not self.ledger.fits(self._job(pending).epochs):
                raise BudgetTooSmall(
                    f"budget.epochs is {limits.epochs}, but {self.pool.epochs_spent} epochs are spent and a training that was "
                    f"begun needs {self._job(pending).epochs} more; raise budget.epochs"
                )
            self.ledger.reserve(token, self._job(pending).epochs)
            self._enqueue(token)
        if limits.epochs is not None and limits.epochs < pyramid.epochs[0]:
            raise BudgetTooSmall(
                f"budget.epochs is {limits.epochs}, but the first level trains a candidate for {pyramid.epochs[0]} "
                f"epoch{'s' if pyramid.epochs[0] > 1 else ''}; the smallest budget that holds a candidate is {pyramid.epochs[0]}"
            )

    @property
    def done(self) -> bool:
        """True when there is nothing left to hand out and nothing out."""
        return self.stop_reason is not None and not self._running

    def ask(self, slots: int, wall_seconds: float = 0.0) -> Asked:
        """Up to ``slots`` jobs, best first, and the decisions behind them. ``wall_seconds``: how long the search has run.

        Empty while it waits for results, or when it is over (then ``stop_reason`` says why). Raises JobsLost where one job was
        lost with its worker MOST_LOSSES times in this session: to go on would never end, and the candidate is not to blame.
        """
        if self._lost is not None:
            raise JobsLost(
                f"the training of candidate {self._lost.candidate_id} to level {self._lost.level} was lost {MOST_LOSSES} times "
                f"without its own fault, the last time because: {self._lost.message}. Everything is saved and no candidate is "
                "marked as failed; look at the machines, then resume the search"
            )
        reached = self._cap_reached(wall_seconds)
        if reached:
            self.stop_reason = reached
            return Asked((), ())
        records: list[Record] = []
        jobs: list[Job] = []
        while len(jobs) < slots:
            # A decision comes before the work that is already due: one whose records were cut off is completed before any
            # result can follow it, and in the eager schedule promotions go before newcomers that wait.
            decided = self._promotions() if self.schedule == "eager" and self._queue else self._decide()
            records += decided
            ready = self._ready(1 if self.schedule == "eager" else slots - len(jobs))
            if not ready and not decided:
                break
            jobs += ready
        if slots > 0 and not (jobs or records or self.pool.pending or self.stop_reason):
            self.stop_reason = self._why_over()
        return Asked(tuple(jobs), tuple(records))

    def tell(self, result: JobResult) -> tuple[Record, ...]:
        """The records a result becomes. A result nobody waits for any more (a second attempt that lost) becomes none.

        A failure is final where training said so (diverged, invalid, raised), where memory ran out even alone on its worker,
        and where ``retries`` further tries ended in a crash or at the deadline. A lost node or a damaged checkpoint is
        nobody's fault: the job is handed out again without counting.
        """
        job, outcome = result.job, result.outcome
        token = job.token
        pending = self.pool.pending.get(token)
        self._running.discard(token)
        if pending is None or (job.replica == 0 and pending.level != job.level):
            return ()
        if isinstance(outcome, Failed):
            outcome = replace(outcome, attempt=pending.attempt, final=self.is_final(outcome.kind, token))
            if outcome.kind in UNCOUNTED and pending.losses + 1 >= MOST_LOSSES:
                self._lost = outcome
        if isinstance(outcome, Observed) or (isinstance(outcome, Failed) and outcome.final):
            self.ledger.settle(token, outcome.epochs)
        elif isinstance(outcome, Interrupted):
            self.ledger.settle(token, outcome.epochs)
            self.ledger.reserve(token, job.epochs - outcome.epochs)
        records: tuple[Record, ...] = (outcome, *result.beside)
        for record in records:
            self.pool.apply(record)
        if token in self.pool.pending:
            self._enqueue(token)
        else:
            del self._turns[token]
        return records

    def is_final(self, kind: FailureKind, token: tuple[int, int]) -> bool:
        """Whether a failure of this kind now ends the job that is out under ``token`` (candidate, replica)."""
        pending = self.pool.pending[token]
        if kind in UNCOUNTED:
            return False
        if kind == "out_of_memory":
            return pending.alone
        return kind not in ("crashed", "hung") or pending.attempt > self.retries

    def forget_running(self) -> None:
        """Take back jobs that were handed out and will never be told: the next ask hands them out again."""
        for token in self._running:
            self._enqueue(token)
        self._running.clear()

    def plan(self) -> Plan:
        """How many candidates the limits hold, from where the search stands."""
        if self.limits.epochs is None:
            return Plan(self.candidates, False)
        count = self._view.count
        most = self.limits.epochs // self.pyramid.epochs[0] + count
        if self.candidates is not None:
            most = max(min(most, self.candidates), count)
        entered = [self._view.entered(level) for level in range(1, self.pyramid.levels + 1)]
        limit = max(self.limits.epochs - int(self.limits.epochs * self.closing), self.pyramid.epochs[0])
        known = (entered, self._books.committed, limit)
        number = most_affordable(self.pyramid, count, most, *known, self._finalists_left())
        if not number:
            number = most_affordable(self.pyramid, count, most, *known)
        number = count if number is None else number
        return Plan(number, self.candidates is None or number < self.candidates)

    def _cap_reached(self, wall_seconds: float) -> StopReason | None:
        limits = self.limits
        if limits.wall_seconds is not None and wall_seconds >= limits.wall_seconds:
            return "wall_time"
        if limits.device_seconds is not None and self.pool.device_seconds >= limits.device_seconds:
            return "device_time"
        return None

    def _job(self, pending: Pending) -> Job:
        candidate = self.pool.candidates[pending.candidate_id]
        level = self.pyramid.levels if pending.replica else pending.level
        return Job(
            candidate.id,
            candidate.architecture,
            level,
            pending.start_epoch,
            self.pyramid.epochs[level - 1],
            torch_seed(self.seed, "train", candidate.id, pending.replica),
            pending.replica,
            pending.attempt,
            pending.alone,
        )

    def _enqueue(self, token: tuple[int, int]) -> None:
        """Let a job wait to be handed out, in its old place where it was out before. Higher levels go first, being longest."""
        level = self.pool.pending[token].level if not token[1] else self.pyramid.levels
        if token not in self._turns:
            self._turns[token] = self._turn
            self._turn += 1
        heapq.heappush(self._queue, (-level, self._turns[token], token))

    def _ready(self, slots: int) -> list[Job]:
        jobs: list[Job] = []
        while self._queue and len(jobs) < slots:
            _, _, token = heapq.heappop(self._queue)
            if token in self.pool.pending and token not in self._running:
                self._running.add(token)
                jobs.append(self._job(self.pool.pending[token]))
        return jobs

    def _decide(self) -> list[Record]:
        """The next decision, already applied to the pool and reserved; empty where none is due yet."""
        if self._line is not None:
            return self._in_line(self._line)
        return self._promotions() or self._proposals() or self._closing() or self._reruns()

    def _apply(self, records: Sequence[Record]) -> list[Record]:
        """Apply decisions in order, up to the first whose job does not fit the budget."""
        applied: list[Record] = []
        for record in records:
            if isinstance(record, (Proposed, Promotion, Rerun)):
                epochs, token = self._price(record)
                if not (self.ledger.fits(epochs) and self._books.fits(epochs)):
                    break
                self.ledger.reserve(token, epochs)
                self.pool.apply(record)
                self._enqueue(token)
                if self._line is not None:
                    self._line.ask(record)
            else:
                self.pool.apply(record)
            applied.append(record)
        return applied

    def _price(self, record: Proposed | Promotion | Rerun) -> tuple[int, tuple[int, int]]:
        if isinstance(record, Rerun):
            return self.pyramid.epochs[-1], (record.candidate_id, record.replica)
        level = record.to_level if isinstance(record, Promotion) else 1
        return self.pyramid.steps[level - 1], (record.candidate_id, 0)

    def _promotions(self) -> list[Record]:
        """Promotions the size rule is owed, out of the lowest level first (eager: out of the highest)."""
        eager = self.schedule == "eager"
        counted = self.pool.count - self.pool.pending_at(1) if eager else self.pool.count
        sizes = self.pyramid.sizes(counted)
        levels = range(1, self.pyramid.levels)
        for level in reversed(levels) if eager else levels:
            if not eager and self.pool.pending_below(level):
                return []
            owed = sizes[level] - self.pool.entered(level + 1)
            if owed > 0:
                best = self._best(level, 1 if eager else owed)
                applied = self._apply([Promotion(candidate.id, level + 1) for candidate in best])
                if applied:
                    return applied
        return []

    def _best(self, level: int, number: int) -> Sequence[Candidate]:
        """The residents of ``level`` to promote, at most ``number``."""
        if self.promote == "observed":
            return self._view.residents(level, number)
        residents = self._view.residents(level)
        return cast(Promoter, self.proposer).prefer(self._view, residents)[:number] if residents else []

    def _proposals(self) -> list[Record]:
        """The next batch, or the rest of one whose records were cut off before any of it had a result."""
        pool, first = self.pool, self.pool.count
        batch = self.pyramid.batch_of(first)
        begun = first > 0 and self.pyramid.batch_of(first - 1) == batch and not pool.results_in_batch.get(batch)
        if self._exhausted or (self.schedule == "reproducible" and pool.pending and not begun):
            return []
        if self.candidates is not None and first >= self.candidates:
            return []
        limit = self.plan().candidates
        last = min(self.pyramid.batch_end(batch), _MANY if limit is None else limit)
        if last <= first or not self._disk_holds(last - first):
            return []
        return self._propose(range(first, last), batch)

    def _propose(self, numbers: range, batch: int) -> list[Record]:
        proposal = self.proposer.propose(self._view, numbers, batch)
        self._exhausted = len(proposal.records) < len(numbers)
        records: list[Record] = list(proposal.records)
        if proposal.fit is not None and not any(fit.batch == batch for fit in self.pool.fits):
            records.insert(0, proposal.fit)
        return self._apply(records) if proposal.records else []

    def _in_line(self, line: Pipeline) -> list[Record]:
        """The next decision of batches that overlap, or the end of the search where every step was taken."""
        while True:
            step = line.next
            if not line.see(self.pool, None if step is None or step.last or line.closing else step.tick):
                return []
            if (step is None or step.level == 0) and line.ask_closer():
                continue
            if step is None:
                return [] if self.pool.pending else self._closing() or self._reruns()
            records = self._batch_in_line(line, step) if step.level == 0 else self._promotions_in_line(line, step)
            if records:
                return records

    def _batch_in_line(self, line: Pipeline, step: Step) -> list[Record]:
        first, end = line.view.count, self.pyramid.batch_end(step.batch)
        limit = self.plan().candidates
        last = min(end, _MANY if limit is None else limit)
        if self._exhausted or last <= first or not self._disk_holds(last - first):
            line.advance(whole=False, empty=True)
            return []
        known = [proposed_again(self.pool.candidates[number]) for number in range(first, min(last, self.pool.count))]
        for record in known:
            line.ask(record)
        missing = range(first + len(known), last)
        records: list[Record] = self._propose(missing, step.batch) if missing else []
        line.advance(whole=line.view.count == end, empty=line.view.count == first)
        return records

    def _promotions_in_line(self, line: Pipeline, step: Step) -> list[Record]:
        level, view = step.level, line.view
        owed = self.pyramid.sizes(min(self.pyramid.batch_end(step.batch), view.count))[level] - view.entered(level + 1)
        epochs = self.pyramid.steps[level]
        while owed > 0 and line.holds(level + 1) and line.books.fits(epochs):
            line.ask(line.history.popleft())
            owed -= 1
        records: list[Record] = []
        if owed > 0 and not line.history:
            records = self._apply([Promotion(candidate.id, level + 1) for candidate in self._best(level, owed)])
        line.advance()
        return records

    def _disk_holds(self, newcomers: int) -> bool:
        """Whether the checkpoints of ``newcomers`` fit, judged by the largest one so far and one more being written."""
        if self.limits.disk_bytes is None:
            return True
        view = self._view
        unwritten = view.pending_at(1) if self._line is not None else 0
        return view.disk_bytes + (newcomers + unwritten + 1) * view.largest_checkpoint <= self.limits.disk_bytes

    def _closing(self) -> list[Record]:
        """After the last batch: bring the best to the top, then spend what is left of an epoch budget, one by one.

        One promotion a decision, because a decision must be whole on one line of the journal.
        """
        if self.pool.pending or not (self.plan().by_epochs or not self.pool.at_level(self.pyramid.levels)):
            return []
        held = self._finalists_left() * self.pyramid.epochs[-1]
        for level in range(self.pyramid.levels - 1, 0, -1):
            best = self._best(level, 1)
            if best and self.ledger.fits(self.pyramid.steps[level] + held):
                return self._apply([Promotion(best[0].id, level + 1, "closing")])
        return []

    def _finalists_left(self) -> int:
        return max(self.finalists - len(self._view.reruns), 0)

    def _reruns(self) -> list[Record]:
        """Train the best of the top level again with another seed, chosen by their first one."""
        if any(replica == 0 for _, replica in self.pool.pending) or not self._finalists_left():
            return []
        again = {candidate_id for candidate_id, _ in self.pool.reruns}
        best: list[Candidate] = self.pool.at_level(self.pyramid.levels)[: self.finalists]
        return self._apply([Rerun(candidate.id, 1) for candidate in best if candidate.id not in again])

    def _why_over(self) -> StopReason:
        if not any(candidate.level for candidate in self.pool.candidates.values()):
            return "nothing_learned"
        if self._exhausted:
            return "space_exhausted"
        plan = self.plan()
        if plan.by_epochs:
            return "epochs"
        if plan.candidates is not None and self.pool.count >= plan.candidates:
            return "candidates"
        return "disk"
