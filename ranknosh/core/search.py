"""The search as ask and tell. Every decision is a function of the pool, so a journal cut anywhere leads to the same search.

``ask`` hands out jobs and the records of the decisions behind them; ``tell`` takes a result and returns the records it
became. The caller writes records down before it acts on them and needs nothing else: no clock, file or device is known here.
What is decided when is a schedule's business (:mod:`ranknosh.core.schedules`).
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Literal, NamedTuple

from ranknosh.core.brackets import Hyperband
from ranknosh.core.budget import Ledger, Limits
from ranknosh.core.candidates import Candidate, Pending
from ranknosh.core.finishing import is_short, seconds_of, to_bring_up
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import (
    UNCOUNTED,
    Decision,
    Failed,
    FailureKind,
    Job,
    JobResult,
    Record,
    Token,
    job_seed,
    token_of,
)
from ranknosh.core.reproducible import Reproducible
from ranknosh.core.schedules import Eager, Proposer, Schedule
from ranknosh.errors import BudgetExceeded, BudgetTooSmall, JobsLost
from ranknosh.spaces.base import Architecture

StopReason = Literal["candidates", "epochs", "space_exhausted", "wall_time", "device_time", "disk", "nothing_learned"]
CAPS: tuple[StopReason, ...] = ("wall_time", "device_time", "disk")
MOST_LOSSES = 10
_SCHEDULES: dict[str, type[Schedule]] = {"reproducible": Reproducible, "eager": Eager, "hyperband": Hyperband}


class Asked(NamedTuple):
    """Jobs to run now, and the records to write down first."""

    jobs: tuple[Job, ...]
    records: tuple[Record, ...]


class Search:
    """A NOSH pyramid fed by a proposer under a budget.

    Args:
        pyramid: the levels and the size rule.
        limits: the budget.
        proposer: chooses new candidates; with ``promote="predicted"`` also whom to promote.
        rules: how far the search goes and how it decides.
        seed: of initial weights and data order; each training has its own, derived from this one.
        pool: what a journal holds already.
        checkpoint_bytes: what a checkpoint of an architecture takes, so that a disk limit holds before there is one.

    Raises:
        ConfigError: nothing ends the search, or the rules do not fit the proposer.
        BudgetTooSmall: the budget holds no candidate, or not what the journal began.
    """

    def __init__(
        self,
        pyramid: Pyramid,
        limits: Limits,
        proposer: Proposer,
        rules: Rules | None = None,
        *,
        seed: int,
        pool: Pool | None = None,
        checkpoint_bytes: Callable[[Architecture], int] | None = None,
    ) -> None:
        rules = rules or Rules()
        self.pyramid, self.limits, self.seed = pyramid, limits, seed
        self.pool = Pool() if pool is None else pool
        self.ledger = Ledger(self.pool, pyramid, limits.epochs)
        self.stop_reason: StopReason | None = None
        self._running: set[Token] = set()
        self._queue: list[tuple[int, int, Token]] = []
        self._lost: Failed | None = None
        self.schedule: Schedule = _SCHEDULES[rules.schedule](
            pyramid, limits, rules, proposer, self.pool, checkpoint_bytes
        )
        self.schedule.plan()  # raises where the budget holds no candidate
        if self.pool.pending and (self.ledger.left or 0) < 0:
            raise BudgetTooSmall(
                f"budget.epochs is {limits.epochs}, but {self.pool.epochs_spent} epochs are spent and the trainings that were "
                f"begun need {self.ledger.committed - self.pool.epochs_spent} more; raise budget.epochs"
            )
        for token in self.pool.pending:
            self._enqueue(token)

    @property
    def rules(self) -> Rules:
        return self.schedule.rules

    @property
    def done(self) -> bool:
        """True when there is nothing left to hand out and nothing out."""
        return self.stop_reason is not None and not self._running

    def limit_candidates(self, most: int) -> None:
        """From now on, propose at most ``most`` candidates in all."""
        self.schedule.rules = replace(self.rules, candidates=most)

    def ask(self, slots: int, wall_seconds: float = 0.0) -> Asked:
        """Up to ``slots`` jobs, best first, and the decisions behind them. ``wall_seconds``: how long the search has run.

        Empty while it waits for results, or when it is over (then ``stop_reason`` says why). Raises JobsLost where one job was
        lost with its worker MOST_LOSSES times in this session: it would never end, and the candidate is not to blame.
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
            best = self._short_of_time_for(wall_seconds)
            if best is not None and Token(best.id) in self.pool.pending:
                jobs.append(self._hand_out_now(Token(best.id)))
                continue
            # A decision comes before the work that is already due: one whose records were cut off is completed before any
            # result can follow it.
            early = self.schedule.bring_up(best) if best is not None else []
            decided = early or self.schedule.decide(queued=bool(self._queue))
            for record in decided:
                self.pool.apply(record)
                if isinstance(record, Decision):
                    self._enqueue(token_of(record))
            if decided and (self.ledger.left or 0) < 0:
                raise BudgetExceeded(
                    f"{decided[-1]} does not fit the budget: of {self.ledger.limit} epochs {self.ledger.left} are left"
                )
            records += decided
            ready = self._hand_out(1 if self.schedule.one_by_one else slots - len(jobs))
            if not ready and not decided:
                break
            jobs += ready
        if slots > 0 and not (jobs or records or self.pool.pending or self.stop_reason):
            self.stop_reason = self._why_over()
        return Asked(tuple(jobs), tuple(records))

    def tell(self, result: JobResult) -> tuple[Record, ...]:
        """The records a result becomes; none for one that is no longer waited for (a second attempt that lost).

        A failure is final where training said so (diverged, invalid, raised), where memory ran out even alone on its worker,
        and where ``retries`` further tries ended in a crash or at the deadline. After a lost node or a damaged checkpoint the
        job is handed out again without counting.
        """
        job, outcome = result.job, result.outcome
        token = job.token
        pending = self.pool.pending.get(token)
        self._running.discard(token)
        if pending is None or pending.level != job.level:
            return ()
        if isinstance(outcome, Failed):
            outcome = replace(outcome, attempt=pending.attempt, final=self.is_final(outcome.kind, token))
            if outcome.kind in UNCOUNTED and pending.losses + 1 >= MOST_LOSSES:
                self._lost = outcome
        reserved = self.pyramid.epochs[pending.level - 1] - pending.start_epoch
        charged = not isinstance(outcome, Failed) or outcome.final
        if charged and outcome.epochs > reserved:
            raise BudgetExceeded(f"job {token} ran {outcome.epochs} epochs, but only {reserved} were reserved")
        records: tuple[Record, ...] = (outcome, *result.beside)
        for record in records:
            self.pool.apply(record)
        if token in self.pool.pending:
            self._enqueue(token)
        return records

    def is_final(self, kind: FailureKind, token: Token) -> bool:
        """Whether a failure of this kind now ends the job that is out under ``token``."""
        pending = self.pool.pending[token]
        if kind in UNCOUNTED:
            return False
        if kind == "out_of_memory":
            return pending.alone
        return kind not in ("crashed", "hung") or pending.attempt > self.rules.retries

    def still_out(self, tokens: Iterable[Token]) -> list[Job]:
        """The jobs of trainings that were handed out before this search was made and are under way: they are not handed out
        again. Tokens of trainings that are not unfinished are left out."""
        known = [token for token in tokens if token in self.pool.pending]
        self._running.update(known)
        return [self._job(self.pool.pending[token]) for token in known]

    def forget_running(self) -> None:
        """Take back jobs that were handed out and will have no result: the next ask hands them out again."""
        for token in self._running:
            self._enqueue(token)
        self._running.clear()

    def _cap_reached(self, wall_seconds: float) -> StopReason | None:
        limits = self.limits
        if limits.wall_seconds is not None and wall_seconds >= limits.wall_seconds:
            return "wall_time"
        if limits.device_seconds is not None and self.pool.device_seconds >= limits.device_seconds:
            return "device_time"
        return None

    def _short_of_time_for(self, wall_seconds: float) -> Candidate | None:
        """Who has to be trained next, because the time left holds its way to the top and no other job before it; None for nobody.

        Nobody either while that one is out: what others do meanwhile does not delay it.
        """
        limits, pool = self.limits, self.pool
        left = [] if limits.wall_seconds is None else [limits.wall_seconds - wall_seconds]
        if limits.device_seconds is not None:
            out = (self._job(pool.pending[token]) for token in self._running)
            left.append(limits.device_seconds - pool.device_seconds - seconds_of(pool, out))
        best = to_bring_up(pool, self.pyramid, self.rules.signal) if left else None
        if best is None or Token(best.id) in self._running:
            return None
        waiting = [token for *_, token in self._queue[:1] if token in pool.pending]
        following = self._job(pool.pending[waiting[0]]) if waiting else None
        return best if any(is_short(pool, self.pyramid, best, seconds, following) for seconds in left) else None

    def _job(self, pending: Pending) -> Job:
        candidate = self.pool.candidates[pending.candidate_id]
        return Job(
            candidate.id,
            candidate.architecture,
            pending.level,
            pending.start_epoch,
            self.pyramid.epochs[pending.level - 1],
            job_seed(self.seed, candidate.id, pending.replica),
            pending.replica,
            pending.attempt,
            pending.alone,
            0 if pending.replica or pending.level == 1 else self.pyramid.epochs[pending.level - 2],
        )

    def _enqueue(self, token: Token) -> None:
        """Let a job wait for a worker: higher levels first, being longest, then in the order they were decided in. One that was
        handed out and comes back takes its old place."""
        pending = self.pool.pending[token]
        heapq.heappush(self._queue, (-pending.level, pending.turn, token))

    def _hand_out(self, slots: int) -> list[Job]:
        jobs: list[Job] = []
        while self._queue and len(jobs) < slots:
            token = heapq.heappop(self._queue)[-1]
            if token in self.pool.pending and token not in self._running:
                self._running.add(token)
                jobs.append(self._job(self.pool.pending[token]))
        return jobs

    def _hand_out_now(self, token: Token) -> Job:
        """The job of a token, whoever waits before it."""
        self._queue = [entry for entry in self._queue if entry[-1] != token]
        heapq.heapify(self._queue)
        self._running.add(token)
        return self._job(self.pool.pending[token])

    def _why_over(self) -> StopReason:
        if not any(candidate.level for candidate in self.pool.candidates.values()):
            return "nothing_learned"
        if self.schedule.exhausted:
            return "space_exhausted"
        plan = self.schedule.plan()
        if plan.by_epochs:
            return "epochs"
        if plan.candidates is not None and self.pool.count >= plan.candidates:
            return "candidates"
        return "disk"
