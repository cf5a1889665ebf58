"""In which order a search decides. Schedules share the decisions themselves and the size rule, and say when each is due.

``Eager``: whatever is due when a worker is free. ``Reproducible`` (a module of its own): batch by batch and level by level,
bottom up, with one batch or several in flight. ``Hyperband`` (another one): the same with batches that choose among themselves.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple, Protocol, cast

from ranknosh.core.budget import Ledger, Limits, Plan, plan
from ranknosh.core.candidates import Candidate
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import Costed, Fitted, Promotion, Proposed, Record, Rerun, Signal
from ranknosh.core.signals import resting, signal_of
from ranknosh.errors import BudgetTooSmall, ConfigError
from ranknosh.spaces.base import Architecture


class Proposal(NamedTuple):
    """New candidates, fewer than asked for where the space has no more, the refit behind them, and what was measured of costs."""

    records: tuple[Proposed, ...]
    fit: Fitted | None = None
    costed: tuple[Costed, ...] = ()


class Proposer(Protocol):
    """Chooses new candidates. Must be a function of the pool's finished results and of ``ids`` alone."""

    def propose(self, pool: Pool, ids: Sequence[int], batch: int) -> Proposal: ...


class Promoter(Protocol):
    """A proposer that can also say whom to train on; see ``promote`` of :class:`~ranknosh.core.pyramid.Rules`."""

    def prefer(self, pool: Pool, residents: Sequence[Candidate]) -> Sequence[Candidate]:
        """``residents`` of one level, given best first by its signal, in the order they should be promoted. A function of
        the pool's finished results alone."""
        ...


@dataclass(eq=False)
class Schedule(ABC):
    """When to propose, to promote and to close a search.

    Args:
        pyramid: the levels and the size rule.
        limits: of epochs and of disk; time is the caller's.
        rules: what the user decided.
        proposer: chooses new candidates.
        pool: what decisions see of the candidates.
        checkpoint_bytes: what a checkpoint of an architecture takes, asked only under a disk limit. None: the largest
            checkpoint so far, so that the limit does not bind before there is one.

    Raises:
        ConfigError: promotions are to follow predictions, and ``proposer`` orders no candidates.
    """

    pyramid: Pyramid
    limits: Limits
    rules: Rules
    proposer: Proposer
    pool: Pool
    checkpoint_bytes: Callable[[Architecture], int] | None = None
    exhausted: bool = field(default=False, init=False)
    """Whether the proposer has no further candidate."""
    one_by_one: ClassVar[bool] = False
    """Whether a new decision is looked for after every single job that is handed out."""

    def __post_init__(self) -> None:
        if self.rules.promote == "predicted" and not hasattr(self.proposer, "prefer"):
            raise ConfigError("pyramid.promote is predicted, but this proposer cannot order candidates; use observed")
        self._fitted = {fit.batch for fit in self.pool.fits}
        self._arrived = self.pool
        """What is known in fact; a schedule may show its decisions another pool."""

    @abstractmethod
    def decide(self, queued: bool) -> list[Record]:
        """The records of the next decision, which fit the budget; empty where none is due. The caller applies all of them.

        ``queued``: jobs of earlier decisions wait for a worker.
        """

    def bring_up(self, candidate: Candidate) -> list[Record]:
        """Promote a candidate that rests out of turn, because time is short; nothing where epochs do not hold it."""
        level = candidate.level
        signal = signal_of(self._arrived, level, self.rules.signal)
        return (
            [Promotion(candidate.id, level + 1, "time", signal)] if self._fitting(1, self.pyramid.steps[level]) else []
        )

    def plan(self) -> Plan:
        """How many candidates the limits hold, from where decisions are."""
        return plan(self.pyramid, self.limits, self.rules, self.pool)

    def _fitting(self, number: int, epochs: int) -> int:
        """How many of ``number`` jobs of ``epochs`` each the budget holds."""
        return min(number, self._room(self.pool, epochs), self._room(self._arrived, epochs))

    def _room(self, pool: Pool, epochs: int) -> int:
        return Ledger(pool, self.pyramid, self.limits.epochs).room(epochs)

    def _promote(self, level: int, number: int, reason: Literal["quota", "closing"] = "quota") -> list[Record]:
        """Promote the best ``number`` residents of ``level``, or as many as there are and as the budget holds."""
        number = self._fitting(number, self.pyramid.steps[level])
        if number < 1:
            return []
        signal = signal_of(self.pool, level, self.rules.signal)
        if self.rules.promote == "observed":
            best = self._resting(level, signal, number, reason)
        else:
            residents = self._resting(level, signal, None, reason)
            best = cast(Promoter, self.proposer).prefer(self.pool, residents)[:number] if residents else []
        return [Promotion(candidate.id, level + 1, reason, signal) for candidate in best]

    def _resting(
        self, level: int, signal: Signal, most: int | None, reason: Literal["quota", "closing"]
    ) -> Sequence[Candidate]:
        """Who may be promoted out of ``level`` for that reason, the best ``most`` by ``signal`` first."""
        return resting(self.pool, level, signal, most)

    def _propose(self, batch: int) -> list[Record]:
        """The candidates of ``batch`` that are missing, or the first of them that the limits hold."""
        first, planned = self.pool.count, self.plan().candidates
        last = self.pyramid.batch_end(batch)
        numbers = range(first, last if planned is None else min(last, planned))
        if self.exhausted or not numbers or not self._disk_holds(len(numbers)):
            return []
        proposal = self.proposer.propose(self.pool, numbers, batch)
        self.exhausted = len(proposal.records) < len(numbers)
        if not proposal.records:
            return []
        records = self._within_disk(proposal.records[: self._fitting(len(proposal.records), self.pyramid.steps[0])])
        if proposal.fit is None or batch in self._fitted:
            return [*proposal.costed, *records]
        self._fitted.add(batch)
        return [*proposal.costed, proposal.fit, *records]

    def _disk_holds(self, newcomers: int) -> bool:
        """Whether the checkpoints of ``newcomers`` and of those in training fit, judged by the largest one so far and one more
        being written."""
        limit, unwritten = self.limits.disk_bytes, newcomers + self.pool.pending_at(1)
        return limit is None or self.pool.disk_bytes + (unwritten + 1) * self.pool.largest_checkpoint <= limit

    def _within_disk(self, records: tuple[Proposed, ...]) -> tuple[Proposed, ...]:
        """The first of ``records`` whose checkpoints fit the disk limit with those written and begun and one more being
        written."""
        limit, size_of, pool = self.limits.disk_bytes, self.checkpoint_bytes, self.pool
        if limit is None or size_of is None or not records:
            return records
        begun = [pool.candidates[i] for i, replica in pool.pending.keys() - pool.checkpoint_bytes.keys() if not replica]
        taken = pool.disk_bytes + sum(size_of(candidate.architecture) for candidate in begun)
        largest = pool.largest_checkpoint
        for number, size in enumerate(size_of(record.architecture) for record in records):
            taken, largest = taken + size, max(largest, size)
            if taken + largest > limit and not pool.count and not number:
                raise BudgetTooSmall(
                    f"budget.disk is {limit} bytes, but the checkpoint of the first candidate takes {size} bytes, twice while it "
                    f"is being replaced; set budget.disk to {taken + largest} bytes or more"
                )
            if taken + largest > limit:
                return records[:number]
        return records

    def _closing(self) -> list[Record]:
        """After the last batch: bring the best to the top, then spend what is left of an epoch budget, one by one.

        One promotion a decision, because a decision must be whole on one line of the journal.
        """
        levels = self.pyramid.levels
        if self._arrived.pending or not (self.plan().by_epochs or not self._arrived.at_level(levels)):
            return []
        held = self._finalists_left() * self.pyramid.epochs[-1]
        for level in range(levels - 1, 0, -1):
            if self._room(self._arrived, self.pyramid.steps[level] + held) and (
                best := self._promote(level, 1, "closing")
            ):
                return best
        return []

    def _finalists_left(self) -> int:
        return max(self.rules.finalists - len(self.pool.reruns), 0)

    def _reruns(self) -> list[Record]:
        """Train the best of the top level again with another seed, chosen by their first one."""
        if any(token.replica == 0 for token in self._arrived.pending) or not self._finalists_left():
            return []
        again = {token.candidate_id for token in self._arrived.reruns}
        best = self._arrived.at_level(self.pyramid.levels)[: self.rules.finalists]
        wanted: list[Record] = [Rerun(candidate.id, 1) for candidate in best if candidate.id not in again]
        return wanted[: self._fitting(len(wanted), self.pyramid.epochs[-1])]


class Eager(Schedule):
    """A free worker takes the highest promotion that is due at once, else a new candidate.

    Source: asynchronous successive halving (Li et al., MLSys 2020, algorithm 2). Sizes are those of the other schedules; which
    candidates are promoted depends on the order in which results arrive, which the journal keeps.
    """

    one_by_one: ClassVar[bool] = True

    def decide(self, queued: bool) -> list[Record]:
        promoted = self._promotions()
        if promoted or queued:
            return promoted
        return self._propose(self.pyramid.batch_of(self.pool.count)) or self._closing() or self._reruns()

    def _promotions(self) -> list[Record]:
        sizes = self.pyramid.sizes(self.pool.count - self.pool.pending_at(1))
        for level in range(self.pyramid.levels - 1, 0, -1):
            owed = sizes[level] - self.pool.entered(level + 1)
            if owed > 0 and (promoted := self._promote(level, 1)):
                return promoted
        return []
