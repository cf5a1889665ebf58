"""The state of a search: the fold of its records, and the questions decisions ask of it.

Nothing enters the pool except by :meth:`Pool.apply`, so a journal read from the start gives the same pool again.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ranknosh.core.records import (
    SURROUNDINGS,
    UNCOUNTED,
    Decision,
    Failed,
    Fitted,
    Folded,
    Interrupted,
    Job,
    Observed,
    Origin,
    Promotion,
    Proposed,
    Record,
    Rerun,
    Scored,
    Session,
    Speculated,
    Stopped,
    Tested,
    Token,
    Workers,
    job_seed,
    token_of,
)
from ranknosh.errors import StoreError
from ranknosh.spaces.base import Architecture


@dataclass(slots=True)
class Candidate:
    """What the records so far say of one candidate. ``level`` is the highest completed one, 0 before the first."""

    id: int
    architecture: Architecture
    key: str
    text: str
    batch: int
    origin: Origin
    score: float | None
    spread: float | None
    level: int = 0
    observations: dict[int, Observed] = field(default_factory=dict)
    replicas: dict[int, Observed] = field(default_factory=dict)
    failed: Failed | None = None
    epochs: int = 0

    @property
    def metrics(self) -> dict[int, float]:
        """Ranking metric at every level ever completed; higher is better."""
        return {level: observed.metric for level, observed in self.observations.items()}

    @property
    def latest(self) -> Observed | None:
        return self.observations.get(self.level)

    @property
    def metric(self) -> float | None:
        """Ranking metric at the highest completed level, averaged with retrainings under other seeds."""
        values = [observed.metric for observed in (self.latest, *self.replicas.values()) if observed]
        return sum(values) / len(values) if values else None

    @property
    def validation(self) -> float | None:
        """Validation accuracy (fraction) where :attr:`metric` was measured, averaged likewise."""
        found = [observed.validation_accuracy for observed in (self.latest, *self.replicas.values()) if observed]
        values = [accuracy for accuracy in found if accuracy is not None]
        return sum(values) / len(values) if values else None

    @property
    def unfit(self) -> bool:
        """Whether it failed for good for a reason of its own, not for one of its surroundings."""
        return self.failed is not None and self.failed.kind not in SURROUNDINGS

    @property
    def params(self) -> int | None:
        return self.latest.params if self.latest else None

    @property
    def macs(self) -> int | None:
        return self.latest.macs if self.latest else None

    def trained_by(self, seed: int) -> Job:
        """All of its training so far as one job; ``seed`` is the search's."""
        return Job(self.id, self.architecture, self.level, 0, self.epochs, job_seed(seed, self.id))

    def order(self, level: int) -> tuple[float, int, str, int]:
        """Sort key at ``level``, best first: metric, then the older batch, then the canonical id; total and stable."""
        return (-self.observations[level].metric, self.batch, self.key, self.id)


@dataclass(slots=True)
class Pending:
    """Work asked for and not yet ended. ``turn``: the number of the decision behind it; ``losses``: how often it was lost in this
    session without its own fault; ``alone``: memory ran out once, see :class:`~ranknosh.core.records.Job`."""

    candidate_id: int
    level: int
    replica: int
    start_epoch: int
    turn: int
    attempt: int = 1
    losses: int = 0
    alone: bool = False


class Pool(Folded):
    """Every candidate proposed so far; none is ever removed. ``apply`` is the only way to change it.

    ``disk_bytes`` are those of the checkpoints that are kept, ``largest_checkpoint`` the largest ever. ``decisions`` are in
    the order they were taken in, ``fresh`` the places of those taken when nothing was unfinished. ``revision`` counts the
    results that say something of an architecture.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.candidates: dict[int, Candidate] = {}
        self.keys: set[str] = set()
        self.decisions: list[Decision] = []
        self.fresh: set[int] = set()
        self.pending: dict[Token, Pending] = {}
        self.fits: list[Fitted] = []
        self.scored: list[Scored] = []
        self.sessions: list[Session] = []
        self.workers: list[Workers] = []
        self.speculated: list[Speculated] = []
        self.tested: list[Tested] = []
        self.failures: list[Failed] = []
        self.stopped: Stopped | None = None
        self.epochs_spent = 0
        self.epochs_wasted = 0
        self.training_seconds = 0.0
        self.proxy_seconds = 0.0
        self.predictor_seconds = 0.0
        self.test_seconds = 0.0
        self.checkpoint_bytes: dict[Token, int] = {}
        self.disk_bytes = 0
        self.largest_checkpoint = 0
        self.revision = 0
        self.reruns: dict[Token, Rerun] = {}
        self._entered: Counter[int] = Counter()
        self._pending_at: Counter[int] = Counter()
        self._epochs_begun = 0
        self._eligible: dict[int, list[tuple[float, int, str, int]]] = {}
        self._completed: dict[int, list[tuple[float, int, str, int]]] = {}
        self._retrained: set[int] = set()
        for record in records:
            self.apply(record)

    @property
    def count(self) -> int:
        """Candidates proposed so far; the next one gets this number."""
        return len(self.candidates)

    @property
    def device_seconds(self) -> float:
        """Seconds of computing charged: training (failed attempts too), proxies, predictor and test."""
        return self.training_seconds + self.proxy_seconds + self.predictor_seconds + self.test_seconds

    def entered(self, level: int) -> int:
        """Candidates ever asked to reach ``level``, failed and unfinished ones included."""
        return self._entered[level]

    def pending_at(self, level: int) -> int:
        """Unfinished trainings to exactly ``level``."""
        return self._pending_at[level]

    def unfinished(self, epochs: Sequence[int]) -> int:
        """Epochs that unfinished trainings have left, where those of level i end at ``epochs[i - 1]``."""
        return sum(count * epochs[level - 1] for level, count in self._pending_at.items()) - self._epochs_begun

    def residents(self, level: int, most: int | None = None) -> list[Candidate]:
        """Candidates whose highest completed level is exactly ``level`` and that may be promoted, the best ``most`` first.

        Paused old ones are among newcomers; failed ones and those already promoted further are left out.
        """
        return [self.candidates[key[-1]] for key in self._eligible.get(level, ())[:most]]

    def at_level(self, level: int) -> list[Candidate]:
        """Every candidate that completed ``level``, best at that level first."""
        return [self.candidates[key[-1]] for key in self._completed.get(level, ())]

    def best(self) -> Candidate | None:
        """The incumbent: best metric at the highest level anybody completed; None before the first result.

        Where finalists were trained again, the best mean among them: the rest were chosen against by the same single seed
        that the finalists' means correct.
        """
        if self._retrained:
            retrained = [self.candidates[number] for number in self._retrained]
            return min(retrained, key=lambda c: (-(c.metric or 0.0), c.batch, c.key, c.id))
        top = max(self._completed, default=0)
        return self.candidates[self._completed[top][0][-1]] if top else None

    def apply(self, record: Record) -> None:
        """Fold one record in. Raises StoreError where it contradicts the records before it."""
        match record:
            case Proposed():
                self._propose(record)
            case Promotion():
                self._promote(record)
            case Rerun():
                self._rerun(record)
            case Observed():
                self._observe(record)
            case Interrupted():
                self._interrupt(record)
            case Failed():
                self._fail(record)
            case Fitted():
                self.fits.append(record)
                self.predictor_seconds += record.seconds
            case Scored():
                self.scored.append(record)
                self.proxy_seconds += record.seconds
            case Tested():
                self.tested.append(record)
                self.test_seconds += record.seconds
            case Session():
                self.sessions.append(record)
                self.stopped = None
                for pending in self.pending.values():
                    pending.losses = 0
            case Speculated():
                self.speculated.append(record)
                self.epochs_wasted += record.epochs
                self.training_seconds += record.seconds
            case Workers():
                self.workers.append(record)
            case Stopped():
                self.stopped = record

    def _candidate(self, candidate_id: int) -> Candidate:
        candidate = self.candidates.get(candidate_id)
        if candidate is None:
            raise StoreError(
                f"a record speaks of candidate {candidate_id}, but only {self.count} were proposed before it"
            )
        return candidate

    def _propose(self, record: Proposed) -> None:
        if record.candidate_id != self.count:
            raise StoreError(f"candidate {record.candidate_id} was proposed where number {self.count} is next")
        self.candidates[record.candidate_id] = Candidate(
            record.candidate_id,
            record.architecture,
            record.key,
            record.text,
            record.batch,
            record.origin,
            record.score,
            record.spread,
        )
        self.keys.add(record.key)
        self._train(record, 1)

    def _promote(self, record: Promotion) -> None:
        candidate = self._candidate(record.candidate_id)
        if record.to_level != candidate.level + 1 or candidate.failed or Token(candidate.id) in self.pending:
            raise StoreError(
                f"candidate {candidate.id} was promoted to level {record.to_level}, but it is at level {candidate.level}"
                f"{' and failed' if candidate.failed else ''}"
            )
        paused = self._eligible[candidate.level]
        del paused[bisect_left(paused, candidate.order(candidate.level))]
        self._train(record, record.to_level)

    def _rerun(self, record: Rerun) -> None:
        self.reruns[token_of(record)] = record
        self._ask(record, self._candidate(record.candidate_id).level, 0)

    def _train(self, record: Proposed | Promotion, level: int) -> None:
        self._ask(record, level, self.candidates[record.candidate_id].epochs)
        self._entered[level] += 1

    def _ask(self, record: Decision, level: int, start_epoch: int) -> None:
        token = token_of(record)
        if not self.pending:
            self.fresh.add(len(self.decisions))
        self.pending[token] = Pending(token.candidate_id, level, token.replica, start_epoch, len(self.decisions))
        self._pending_at[level] += 1
        self._epochs_begun += start_epoch
        self.decisions.append(record)

    def _pending(self, token: Token) -> Pending:
        pending = self.pending.get(token)
        if pending is None:
            raise StoreError(
                f"candidate {token.candidate_id} (replica {token.replica}) has a result that was not asked for"
            )
        return pending

    def _end(self, record: Observed | Failed, token: Token) -> None:
        pending = self._pending(token)
        del self.pending[token]
        self._pending_at[pending.level] -= 1
        self._epochs_begun -= pending.start_epoch
        self.epochs_spent += record.epochs

    def _observe(self, record: Observed) -> None:
        candidate, token = self._candidate(record.candidate_id), token_of(record)
        self._end(record, token)
        self._keep(record, token)
        if record.replica:
            candidate.replicas[record.replica] = record
            self._retrained.add(candidate.id)
            return
        self.revision += 1
        candidate.level = record.level
        candidate.observations[record.level] = record
        candidate.epochs += record.epochs
        order = candidate.order(record.level)
        for ranking in (self._eligible, self._completed):
            insort(ranking.setdefault(record.level, []), order)

    def _interrupt(self, record: Interrupted) -> None:
        candidate, token = self._candidate(record.candidate_id), token_of(record)
        pending = self._pending(token)
        self._epochs_begun += record.epoch - pending.start_epoch
        pending.start_epoch = record.epoch
        self.epochs_spent += record.epochs
        self._keep(record, token)
        if record.replica == 0:
            candidate.epochs += record.epochs

    def _fail(self, record: Failed) -> None:
        candidate, token = self._candidate(record.candidate_id), token_of(record)
        pending = self._pending(token)
        self.failures.append(record)
        self.training_seconds += record.seconds
        if not record.final:
            self.epochs_wasted += record.epochs
            if record.kind in UNCOUNTED:
                pending.losses += 1
            else:
                pending.attempt = record.attempt + 1
            pending.alone = pending.alone or record.kind == "out_of_memory"
            return
        self._end(record, token)
        self.disk_bytes -= self.checkpoint_bytes.pop(token, 0)
        if record.replica == 0:
            candidate.failed = record
            self.revision += 1

    def _keep(self, record: Observed | Interrupted, token: Token) -> None:
        """A checkpoint has taken the place of the last one of this training."""
        size = record.checkpoint_bytes
        self.training_seconds += record.seconds
        self.disk_bytes += size - self.checkpoint_bytes.get(token, 0)
        self.checkpoint_bytes[token] = size
        self.largest_checkpoint = max(self.largest_checkpoint, size)
