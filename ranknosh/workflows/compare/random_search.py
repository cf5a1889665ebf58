"""Random search: full trainings of random architectures in the same trainer, as many as the budget holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from ranknosh.core.budget import Limits
from ranknosh.core.pool import Pool
from ranknosh.core.records import Observed, Proposed, Record, Stopped
from ranknosh.core.schedules import Proposal
from ranknosh.core.search import Search
from ranknosh.core.seeding import draw
from ranknosh.executors.inline import InlineExecutor, TrainJob
from ranknosh.runs.events import Events, Progress
from ranknosh.runs.run import Prepared
from ranknosh.runs.session import RunSession
from ranknosh.spaces.base import Architecture, Space
from ranknosh.training.timing import on_line
from ranknosh.workflows.compare.records import TOLERANCE
from ranknosh.workflows.search.assembly import Parts
from ranknosh.workflows.search.loop import drive
from ranknosh.workflows.search.run import SearchRun

LOOK_AHEAD = 24
"""Later draws that may take the last place where the next one does not fit."""
FEWEST_ON_A_LINE = 3
FULL = "no further training fits the budget"


class FittingDraws:
    """Proposes random architectures in the order of ``seeding.draw``, one by one, while their training fits.

    A training fits where its expected end is no further from the budget than now, and above it by half of ``TOLERANCE`` at
    most. Where the next draw does not fit, the first of the ``LOOK_AHEAD`` after it that does is taken, so that little of the
    budget is left over; only these last places favour small networks. ``full``: nothing fitted.

    Args:
        space: to draw from.
        seed: of the draw.
        budget_seconds: of all trainings.
        clock: seconds spent so far.
        macs: multiply-accumulates of an architecture.
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        budget_seconds: float,
        *,
        clock: Callable[[], float],
        macs: Callable[[Architecture], int],
    ) -> None:
        self.space, self.seed, self.budget_seconds = space, seed, budget_seconds
        self._clock, self._macs = clock, cache(macs)
        self.full = False
        self._drawn: list[Architecture] = []

    def propose(self, pool: Pool, ids: Sequence[int], batch: int) -> Proposal:
        """The candidate of the first number in ``ids``; none where no training fits any more.

        Args:
            pool: what is known of the candidates.
            ids: numbers of new candidates.
            batch: that they belong to.
        """
        known = [
            (observed.macs or 0, observed.seconds)
            for candidate in pool.candidates.values()
            for observed in candidate.observations.values()
        ]
        left = self.budget_seconds - self._clock()
        longest = min(2 * left, left + TOLERANCE / 2 * self.budget_seconds)
        for architecture in self._next(pool):
            seconds = on_line([self._macs(architecture)], known, FEWEST_ON_A_LINE)[0] if known else 0.0
            if longest > 0 and seconds <= longest:
                key, text = self.space.canonical(architecture), self.space.format(architecture)
                return Proposal((Proposed(ids[0], architecture, key, text, batch, "random"),))
        self.full = True
        return Proposal(())

    def _next(self, pool: Pool) -> list[Architecture]:
        """The draws that were not taken yet, at most ``LOOK_AHEAD`` of them."""
        wanted = pool.count + LOOK_AHEAD
        if len(self._drawn) < wanted:
            self._drawn = draw(self.space, 2 * wanted, self.seed)
        return [one for one in self._drawn if self.space.canonical(one) not in pool.keys][:LOOK_AHEAD]


class RandomRun(SearchRun):
    """A search with one level and random candidates.

    A training that is still running when the budget is overrun by ``TOLERANCE`` is stopped, charged and not judged.
    """

    def work(self, session: RunSession, prepared: Prepared) -> None:
        """Train until the budget is used, or raise KeyboardInterrupt with everything saved."""
        from ranknosh.spaces.nets import build_candidate, count_macs
        from ranknosh.training.surroundings import resolve_device, surroundings

        parts: Parts = prepared.parts
        task, pool, seed, checkpoints = parts.task, self.pool, self.settings.seed, self.checkpoints()
        budget = self.settings.budget.time or 0.0
        ceiling, device = (1 + TOLERANCE) * budget, resolve_device(task.settings.device)
        best = pool.best()

        def write(records: Sequence[Record]) -> None:
            nonlocal best
            session.write(records)
            for record in records:
                if isinstance(record, Observed):  # of finished trainings, only the best one's checkpoint serves
                    before, best = best, pool.best()
                    won = best is not None and best.id == record.candidate_id
                    beaten = before if won else pool.candidates[record.candidate_id]
                    if beaten is not None:
                        checkpoints.remove(beaten.id)

        draws = FittingDraws(
            parts.space,
            seed,
            budget,
            clock=lambda: session.seconds,
            macs=lambda one: count_macs(build_candidate(one, task.size), task.data.image_shape),
        )
        with surroundings(task.settings.threads, device):
            executor = InlineExecutor(
                TrainJob(task, checkpoints),
                stop=lambda: session.stop.requested or session.seconds >= ceiling,
                on_epoch=lambda job, point: session.events(Progress("epochs", pool.epochs_spent + point.epoch)),
            )
            session.began(str(device), unfinished_jobs=len(pool.pending))
            search = Search(parts.pyramid, Limits(wall_seconds=ceiling), draws, seed=seed, pool=pool)
            drive(search, executor, write=write, clock=lambda: session.seconds, stop=session.stop)
        late = search.stop_reason == "wall_time"
        why = FULL if draws.full else "the budget is used" if late else "the space is used up"
        stopped = Stopped(search.stop_reason or "candidates", why)
        pool.apply(stopped)
        write([stopped])

    def report_if_possible(self, events: Events) -> None:
        """A comparison reports for all of its searches."""
