"""Batch after batch or several in flight, in an order that no worker can change.

Decisions have fixed places in a logical time (:class:`Timetable`). One at tick t sees the results due by t, whether or not
others have arrived, and none before they are due: so it depends neither on how many workers there are nor on who is fast. What
it sees is a second pool, into which results are folded when they are due.
"""

import heapq
from collections import deque
from dataclasses import replace
from typing import NamedTuple

from ranknosh.core.candidates import Candidate
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import Decision, Failed, Observed, Promotion, Proposed, Record, Token, token_of
from ranknosh.core.schedules import Schedule

_AT_ONCE = -1
"""A tick before all others."""


class Step(NamedTuple):
    """A decision: propose batch ``batch`` (``level`` 0) or promote out of ``level`` what the sizes owe after that batch.

    ``last``: the rest of a batch that the limits did not hold when its turn came; tried again whenever all else has ended,
    because trainings that failed give epochs back.
    """

    tick: int
    batch: int
    level: int
    last: bool = False


class Timetable:
    """The order of decisions, in ticks of what a training of level 1 takes.

    Batch b is proposed at tick b * period, where period is what a whole batch takes divided by ``overlap`` (rounded up); its
    promotions out of level i follow when its trainings up to level i should have ended, by the epochs that they train.
    """

    def __init__(self, pyramid: Pyramid, overlap: int) -> None:
        self.ticks = [max(1, round(step / pyramid.steps[0])) for step in pyramid.steps]
        self.whole = sum(self.ticks)
        self.now = 0
        self._period = max(1, -(-self.whole // overlap))
        self._steps = [Step(0, 0, 0)]
        self._rest = Step(0, 0, 0, last=True)

    @property
    def next(self) -> Step:
        """The decision to take next."""
        if not self._steps:
            return self._rest
        self.now = self._steps[0].tick
        return self._steps[0]

    def advance(self, whole: bool = True, empty: bool = False) -> None:
        """The next step was taken. ``whole``: all of the batch was proposed, so that another one follows; else what is missing
        is tried again at the end. ``empty``: nothing of it was."""
        step = self.next
        if not step.last:
            heapq.heappop(self._steps)
        if step.level == 0 and whole:
            heapq.heappush(self._steps, Step(self.now + self._period, step.batch + 1, 0))
        elif step.level == 0:
            self._rest = Step(0, step.batch, 0, last=True)
        if step.level + 1 < len(self.ticks) and not (step.level == 0 and empty):
            tick = self.now + self.ticks[step.level]
            heapq.heappush(self._steps, Step(tick, step.batch, step.level + 1))


class Reproducible(Schedule):
    """Decisions see a pool of their own, which results enter when they are due.

    With one batch at a time a level's promotions are decided when all trainings up to it have ended, a new batch when all have.
    On a journal that is resumed, the same steps are gone through again with the decisions that it holds, in their order; new
    ones begin where it ends.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.pool = Pool(objectives=self._arrived.objectives)
        self._timetable = Timetable(self.pyramid, self.rules.overlap)
        self._due: list[tuple[int, int, Token]] = []
        self._history = deque(self._arrived.decisions)

    def decide(self, queued: bool) -> list[Record]:
        while True:
            if self._history and _is_out_of_turn(self._history[0]):
                self._enter_early(self._history.popleft())
                continue
            step = self._timetable.next
            if not self._see(None if step.last else step.tick):
                # Reruns are decided together: where a journal was cut between them, the rest comes before their results.
                return self._enter(self._reruns()) if step.last and not self._history else []
            if step.last and self._history and not self._proposed_next(step.batch):
                self._enter([self._history.popleft()])  # it closed the search, under the limits of then
            elif records := self._promotions(step) if step.level else self._batch(step):
                return records
            elif step.last and not (self._history or self._due):
                return self._enter(self._closing() or self._reruns())

    def bring_up(self, candidate: Candidate) -> list[Record]:
        """See :meth:`Schedule.bring_up`. Nothing else is decided before that training has ended."""
        records = super().bring_up(candidate)
        for record in records:
            assert isinstance(record, Promotion)
            if self._history:  # comes after what the journal holds
                self._history.append(record)
            else:
                self._enter_early(record)
        return records

    def _enter_early(self, promotion: Decision) -> None:
        """Let later decisions see a promotion out of turn, and first the result it rests on, which may not be due."""
        token = token_of(promotion)
        early = [entry for entry in self._due if entry[-1] == token]
        for entry in early:
            self._due.remove(entry)
            heapq.heapify(self._due)
            result = self._result(token)
            assert result is not None  # none is promoted before it has ended
            self._take_in(token, result)
        self.pool.apply(promotion)
        heapq.heappush(self._due, (_AT_ONCE, self.pool.pending[token].turn, token))

    def _batch(self, step: Step) -> list[Record]:
        """The batch of ``step``: what the journal has of it is entered again; where it ends there, the rest is proposed. What was
        proposed of it once all else had ended comes at a later step."""
        first = self.pool.count
        while self._proposed_next(step.batch) and (
            self.pool.count == first or len(self.pool.decisions) not in self._arrived.fresh
        ):
            self._enter([self._history.popleft()])
        later = self.pool.count > first and not self._arrived.pending
        records = [] if self._history or later else self._enter(self._propose(step.batch))
        count = self.pool.count
        self._timetable.advance(whole=count == self.pyramid.batch_end(step.batch), empty=count == first)
        return records

    def _promotions(self, step: Step) -> list[Record]:
        """Promotions out of the step's level: those that the journal has are entered again; where it ends there, the rest is
        decided."""
        level, pool = step.level, self.pool
        sizes = self.pyramid.sizes(min(self.pyramid.batch_end(step.batch), pool.count))
        owed = sizes[level] - pool.entered(level + 1)
        while owed > 0 and self._promoted_next(level + 1) and self._room(pool, self.pyramid.steps[level]):
            self._enter([self._history.popleft()])
            owed -= 1
        records = [] if self._history else self._enter(self._promote(level, owed))
        self._timetable.advance()
        return records

    def _proposed_next(self, batch: int) -> bool:
        """Whether the resumed journal's next decision is a candidate of ``batch``."""
        following = self._history[0] if self._history else None
        return isinstance(following, Proposed) and following.batch == batch

    def _promoted_next(self, level: int) -> bool:
        """Whether it is a promotion to ``level`` that the sizes owe, of a candidate that rests one below it."""
        following = self._history[0] if self._history else None
        if not isinstance(following, Promotion) or (following.to_level, following.reason) != (level, "quota"):
            return False
        candidate = self.pool.candidates.get(following.candidate_id)
        return candidate is not None and candidate.level == level - 1 and Token(candidate.id) not in self.pool.pending

    def _enter(self, records: list[Record]) -> list[Record]:
        """Let later decisions see ``records``, and expect their results in due time."""
        for record in records:
            if isinstance(record, Decision):
                self.pool.apply(record)
                token = token_of(record)
                asked = self.pool.pending[token]
                ticks = self._timetable.whole if token.replica else self._timetable.ticks[asked.level - 1]
                heapq.heappush(self._due, (self._timetable.now + ticks, asked.turn, token))
        return records

    def _see(self, tick: int | None) -> bool:
        """Let decisions see the results due by ``tick`` (None: all asked for). False where one has not arrived yet."""
        while self._due and (tick is None or self._due[0][0] <= tick):
            token = self._due[0][-1]
            result = self._result(token)
            if result is None:
                return False
            heapq.heappop(self._due)
            self._take_in(token, result)
        return True

    def _take_in(self, token: Token, result: Observed | Failed) -> None:
        """Let decisions see how a training ended."""
        pending = self.pool.pending[token]
        end = self.pyramid.epochs[pending.level - 1]
        if isinstance(result, Failed) and not token.replica:
            end = self._arrived.candidates[token.candidate_id].epochs + result.epochs
        epochs = end - pending.start_epoch
        # No interruption is seen here: the end of a training charges all of it.
        self.pool.apply(result if epochs == result.epochs else replace(result, epochs=epochs))

    def _result(self, token: Token) -> Observed | Failed | None:
        """How a training ended; None while it has not."""
        candidate = self._arrived.candidates[token.candidate_id]
        if not token.replica:
            failed, level = candidate.failed, self.pool.pending[token].level
            return failed if failed and failed.level == level else candidate.observations.get(level)
        if token in self._arrived.pending:
            return None
        ended = [f for f in self._arrived.failures if f.final and token_of(f) == token]
        return candidate.replicas.get(token.replica) or ended[0]


def _is_out_of_turn(decision: Decision) -> bool:
    return isinstance(decision, Promotion) and decision.reason == "time"
