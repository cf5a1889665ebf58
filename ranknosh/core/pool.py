"""The state of a search: the fold of its records, and the questions decisions ask of it.

Nothing enters the pool except by :meth:`Pool.apply`, so a journal read from the start gives the same pool again.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from ranknosh.core.candidates import Candidate, Pending
from ranknosh.core.incumbent import Expectations
from ranknosh.core.objectives import Objectives
from ranknosh.core.ranking import best_first
from ranknosh.core.records import (
    UNCOUNTED,
    Costed,
    Decision,
    Failed,
    Fitted,
    Folded,
    Interrupted,
    Observed,
    Promotion,
    Proposed,
    Record,
    Rerun,
    Scored,
    Session,
    Speculated,
    StockTrained,
    Stopped,
    Tested,
    Token,
    Workers,
    token_of,
)
from ranknosh.errors import StoreError


class Pool(Folded):
    """Every candidate proposed so far; none is ever removed. ``apply`` is the only way to change it.

    ``disk_bytes`` are those of the checkpoints that are kept, ``largest_checkpoint`` the largest ever. ``decisions`` are in
    the order they were taken in, ``fresh`` the places of those taken when nothing was unfinished. ``revision`` counts the
    results that say something of an architecture. With ``objectives`` the order at a level is by non-dominated fronts, the
    lonelier first; nothing else depends on them, so that they may be set at any time.
    """

    def __init__(self, records: Iterable[Record] = (), objectives: Objectives | None = None) -> None:
        self.objectives = objectives
        self._fronts: dict[int, list[Candidate]] = {}
        self.candidates: dict[int, Candidate] = {}
        self.keys: set[str] = set()
        self.decisions: list[Decision] = []
        self.fresh: set[int] = set()
        self.pending: dict[Token, Pending] = {}
        self.fits: list[Fitted] = []
        self.scored: list[Scored] = []
        self.costed: list[Costed] = []
        self.sessions: list[Session] = []
        self.workers: list[Workers] = []
        self.speculated: list[Speculated] = []
        self.tested: list[Tested] = []
        self.stock: list[StockTrained] = []
        self.failures: list[Failed] = []
        self.stopped: Stopped | None = None
        self.epochs_spent = 0
        self.epochs_wasted = 0
        self.training_seconds = 0.0
        self.proxy_seconds = 0.0
        self.cost_seconds = 0.0
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
        self._without_curve: Counter[int] = Counter()
        self._measured = Expectations()
        for record in records:
            self.apply(record)

    @property
    def count(self) -> int:
        """Candidates proposed so far; the next one gets this number."""
        return len(self.candidates)

    @property
    def stock_seconds(self) -> float:
        """Wall time of the trainings of stock networks, which no budget pays for."""
        return sum(record.wall_seconds for record in self.stock)

    @property
    def device_seconds(self) -> float:
        """Seconds of computing charged: training (failed attempts too), proxies, costs, predictor and test."""
        before = self.proxy_seconds + self.cost_seconds + self.predictor_seconds
        return self.training_seconds + before + self.test_seconds

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
        if self.objectives is None:
            return [self.candidates[key[-1]] for key in self._eligible.get(level, ())[:most]]
        resting = {key[-1] for key in self._eligible.get(level, ())}
        return [candidate for candidate in self.at_level(level) if candidate.id in resting][:most]

    def rests(self, candidate_id: int, level: int) -> bool:
        """Whether a candidate's highest completed level is exactly ``level`` and it may be promoted."""
        candidate = self.candidates[candidate_id]
        return candidate.level == level > 0 and candidate.failed is None and Token(candidate_id) not in self.pending

    def place(self, candidate: Candidate) -> tuple[int, int]:
        """The place of a candidate that rests, 1 is best, and how many rest at its level."""
        resting = self._eligible[candidate.level]
        if self.objectives is None:
            return bisect_left(resting, candidate.order(candidate.level)) + 1, len(resting)
        return self.residents(candidate.level).index(candidate) + 1, len(resting)

    def at_level(self, level: int) -> list[Candidate]:
        """Every candidate that completed ``level``, best at that level first."""
        known = [self.candidates[key[-1]] for key in self._completed.get(level, ())]
        if self.objectives is None or not known:
            return known
        if len(self._fronts.get(level, ())) != len(known):
            points = [self.objectives.values(one.observations[level].metric, one.costs) for one in known]
            self._fronts[level] = [known[row] for row in best_first(np.array(points))]
        return self._fronts[level]

    def has_curves(self, level: int) -> bool:
        """Whether every result of ``level`` has its learning curve."""
        return level in self._completed and not self._without_curve[level]

    def best(self) -> Candidate | None:
        """The incumbent: best metric at the highest level anybody completed; None before the first result. With several
        objectives it is the end of their front that is best by the ranking metric, of equal ones one that none dominates.

        Where finalists were trained again, the best mean among them: the rest were chosen against by the same single seed
        that the finalists' means correct.
        """
        if self._retrained:
            retrained = [self.candidates[number] for number in self._retrained]
            return min(retrained, key=lambda c: (-(c.metric or 0.0), c.batch, c.key, c.id))
        top = max(self._completed, default=0)
        if not top:
            return None
        first = self.candidates[self._completed[top][0][-1]]
        if self.objectives is None:
            return first
        return next(one for one in self.at_level(top) if one.by_level[top] == first.by_level[top])

    def promising(self) -> Candidate | None:
        """The candidate of whom most is expected at the highest level anybody completed, by
        :func:`ranknosh.core.incumbent.expected`: whatever level it rests at itself, unless it failed there. Where
        finalists were trained again or there are several objectives it is :meth:`best`; None before the first result.

        Of a search that ends early it is the better answer, though it was not trained as far.
        """
        if self._retrained or self.objectives is not None:
            return self.best()
        equal = [self.candidates[number] for number in self._measured.best()]
        return min(equal, key=lambda c: (c.batch, c.key, c.id), default=None)

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
            case Costed():
                self.costed.append(record)
                self.cost_seconds += record.seconds
            case Tested():
                self.tested.append(record)
                self.test_seconds += record.seconds
            case StockTrained():
                self.stock.append(record)
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
            costs=dict(record.costs),
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

    def _pending(self, token: Token, level: int) -> Pending:
        pending = self.pending.get(token)
        if pending is None:
            raise StoreError(
                f"candidate {token.candidate_id} (replica {token.replica}) has a result that was not asked for"
            )
        if level != pending.level:
            raise StoreError(
                f"candidate {token.candidate_id} has a result of level {level}, and {pending.level} was asked for"
            )
        return pending

    def _end(self, record: Observed | Failed, token: Token) -> None:
        pending = self._pending(token, record.level)
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
        candidate.costs |= record.costs
        self._without_curve[record.level] += not record.curve
        self._measured.put(candidate.id, record.level, record.metric)
        order = candidate.order(record.level)
        for ranking in (self._eligible, self._completed):
            insort(ranking.setdefault(record.level, []), order)

    def _interrupt(self, record: Interrupted) -> None:
        candidate, token = self._candidate(record.candidate_id), token_of(record)
        pending = self._pending(token, record.level)
        self._epochs_begun += record.epoch - pending.start_epoch
        pending.start_epoch = record.epoch
        self.epochs_spent += record.epochs
        self._keep(record, token)
        if record.replica == 0:
            candidate.epochs += record.epochs

    def _fail(self, record: Failed) -> None:
        candidate, token = self._candidate(record.candidate_id), token_of(record)
        pending = self._pending(token, record.level)
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
        if self.leaves_nothing(record):
            self.disk_bytes -= self.checkpoint_bytes.pop(token, 0)
        if record.replica == 0:
            candidate.failed = record
            self._measured.close(candidate.id)
            self.revision += 1

    @property
    def commonest_failure(self) -> str:
        """How most of the failed candidates failed, as the end of a sentence that counts candidates; empty where none did."""
        counts = Counter(failed.message for failed in self.failures)
        return "".join(f", {count} of which failed so: {text}" for text, count in counts.most_common(1))

    def leaves_nothing(self, failed: Failed) -> bool:
        """Whether a training that failed for good leaves a state that nothing stands on: without a result of a level below, which
        may be the best one of the search."""
        return failed.replica > 0 or self._candidate(failed.candidate_id).level == 0

    def _keep(self, record: Observed | Interrupted, token: Token) -> None:
        """A checkpoint has taken the place of the last one of this training."""
        size = record.checkpoint_bytes
        self.training_seconds += record.seconds
        self.disk_bytes += size - self.checkpoint_bytes.get(token, 0)
        self.checkpoint_bytes[token] = size
        self.largest_checkpoint = max(self.largest_checkpoint, size)
