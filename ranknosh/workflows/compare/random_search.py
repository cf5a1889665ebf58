"""Random search: full trainings of random architectures in the same trainer, as many as the budget holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ranknosh.config.search import SearchSettings
from ranknosh.config.units import human_duration
from ranknosh.core.budget import Limits
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import EpochPoint, Job, Observed, Proposed, Record, Stopped
from ranknosh.core.schedules import Proposal
from ranknosh.core.search import Search
from ranknosh.core.seeding import draw
from ranknosh.errors import BudgetTooSmall
from ranknosh.executors.inline import InlineExecutor
from ranknosh.executors.training import TrainJob
from ranknosh.runs.events import Events, Progress
from ranknosh.runs.run import Prepared, begin
from ranknosh.runs.session import RunSession
from ranknosh.runs.stop import StopRequest
from ranknosh.spaces.base import Architecture, Space
from ranknosh.training import CheckpointStore, Task
from ranknosh.training.surroundings import resolve_device, surroundings
from ranknosh.workflows.compare.method import TOLERANCE, SearchOutcome
from ranknosh.workflows.compare.prices import expected_seconds
from ranknosh.workflows.compare.problem import Problem
from ranknosh.workflows.compare.run_folder import begun, outcome_of, run_config
from ranknosh.workflows.search.loop import drive
from ranknosh.workflows.search.run import SearchRun

LOOK_AHEAD = 24
"""Later draws that may take the last place where the next one does not fit."""
FULL = "no further training fits the budget"


class FittingDraws:
    """Proposes random architectures in the order of ``seeding.draw``, one by one, while their training fits.

    A training fits where its expected end is no further from the budget than now, and above it by half of ``TOLERANCE`` at
    most. Where the next draw does not fit, the first of the ``LOOK_AHEAD`` after it that does is taken, so that little of the
    budget is left over; only these last places favour small networks. clock: seconds spent so far. macs: multiply-accumulates
    of an architecture. ``full``: nothing fitted.
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
        self.space, self.seed = space, seed
        self.budget_seconds, self._clock, self._macs = budget_seconds, clock, macs
        self.full = False
        self._drawn: list[Architecture] = []
        self._sizes: dict[Architecture, int] = {}

    def propose(self, pool: Pool, ids: Sequence[int], batch: int) -> Proposal:
        """The candidate of the first number in ``ids``; none where no training fits any more."""
        known = [
            (observed.macs or 0, observed.seconds)
            for candidate in pool.candidates.values()
            for observed in candidate.observations.values()
        ]
        left = self.budget_seconds - self._clock()
        longest = min(2 * left, left + TOLERANCE / 2 * self.budget_seconds)
        for architecture in self._next(pool):
            if longest > 0 and (not known or expected_seconds(self._size(architecture), known) <= longest):
                key, text = self.space.canonical(architecture), self.space.format(architecture)
                return Proposal((Proposed(ids[0], architecture, key, text, batch, "random"),))
        self.full = True
        return Proposal(())

    def _size(self, architecture: Architecture) -> int:
        if architecture not in self._sizes:
            self._sizes[architecture] = self._macs(architecture)
        return self._sizes[architecture]

    def _next(self, pool: Pool) -> list[Architecture]:
        """The draws that were not taken yet, at most ``LOOK_AHEAD`` of them."""
        wanted = pool.count + LOOK_AHEAD
        if len(self._drawn) < wanted:
            self._drawn = draw(self.space, 2 * wanted, self.seed)
        open_ones = [one for one in self._drawn if self.space.canonical(one) not in pool.keys]
        return open_ones[:LOOK_AHEAD]


class RandomSearch:
    """Trains random architectures to the top level's epochs; the best by the config's validation metric is what it found.

    The engine with a single level runs it, so failures, checkpoints and interruptions are handled as in a search. A training
    that is still running when the budget is overrun by ``TOLERANCE`` is stopped, charged and not judged.
    """

    name = "random"

    def __init__(self, config: SearchSettings) -> None:
        self.config = config

    def search(
        self, problem: Problem, budget_seconds: float, seed: int, folder: Path, events: Events, stop: StopRequest
    ) -> SearchOutcome:
        """See :class:`ranknosh.workflows.compare.method.SearchMethod`. Raises BudgetTooSmall where no training was finished."""
        command = f"ranknosh compare ({self.name}, seed {seed})"
        given: dict[str, Any] = {"problem": problem, "budget_seconds": budget_seconds}
        if begun(folder):
            found = RandomRun.read(folder)
            run = found.resume(command=command, events=events, stop=stop, **given)
        else:
            settings = self._settings(problem, budget_seconds, seed, folder)
            run = begin(RandomRun, settings, command=command, events=events, stop=stop, folder=folder, **given)
        outcome = outcome_of(run.history, folder)
        if outcome.architecture is None:
            raise BudgetTooSmall(
                f"in {human_duration(budget_seconds)} no training of {problem.train.total_epochs} epochs was finished; raise "
                "--budget"
            )
        return outcome

    def _settings(self, problem: Problem, budget: float, seed: int, folder: Path) -> SearchSettings:
        top = problem.train.total_epochs
        changes: dict[str, dict[str, Any]] = {
            "pyramid": {"epochs": [top], "ratio": "auto", "initial": 1, "batch": 1, "finalists": 0, "overlap": 1},
            "seeding": {"proxies": [], "options": {}},
            "predictor": {"name": "random", "ensemble": None, "options": {}},
        }
        return run_config(self.config, seed, folder, budget, changes)


class RandomRun(SearchRun):
    """A search with one level and random candidates, as a run of its own."""

    @classmethod
    def prepare(cls, settings: SearchSettings, events: Events, **given: Any) -> Prepared:
        """Everything is in ``problem`` and ``budget_seconds`` already."""
        problem: Problem = given["problem"]
        facts = {"space": problem.space.name, "decisions": "reproducible"}
        return Prepared("random", (problem, given["budget_seconds"]), problem.data.facts, facts)

    def work(self, session: RunSession, prepared: Prepared) -> None:
        problem, budget = prepared.parts
        _run(session, self.pool, problem, budget, self.settings.seed)

    def report_if_possible(self, events: Events) -> None:
        """A comparison reports for all of its searches."""


def _run(session: RunSession, pool: Pool, problem: Problem, budget: float, seed: int) -> None:
    """Train until the budget is used, or raise KeyboardInterrupt with everything saved."""
    from ranknosh.spaces.nets import build_candidate, count_macs

    settings, ceiling = problem.train, (1 + TOLERANCE) * budget
    checkpoints = CheckpointStore(session.folder.resolve() / "checkpoints")
    device, stop = resolve_device(settings.device), session.stop

    def over() -> bool:
        return stop.requested or session.seconds >= ceiling

    def macs(architecture: Architecture) -> int:
        return count_macs(build_candidate(architecture, problem.size), problem.data.image_shape)

    best = pool.best()

    def write(records: Sequence[Record]) -> None:
        nonlocal best
        session.write(records, pool)
        for record in records:
            if isinstance(record, Observed):  # checkpoints of finished trainings serve nobody, but for the best one's
                before, best = best, pool.best()
                loser = (
                    before
                    if best is not None and best.id == record.candidate_id
                    else pool.candidates[record.candidate_id]
                )
                if loser is not None:
                    checkpoints.remove(loser.id)

    def ticked(job: Job, point: EpochPoint) -> None:
        session.events(Progress("epochs", pool.epochs_spent + point.epoch))

    proposer = FittingDraws(problem.space, seed, budget, clock=lambda: session.seconds, macs=macs)
    task = Task(problem.data, problem.size, settings)
    with surroundings(settings.threads, device), stop.on_signals(session.events):
        executor = InlineExecutor(TrainJob(task, checkpoints), stop=over, on_epoch=ticked)
        pool.apply(session.began(str(device), unfinished_jobs=len(pool.pending)))
        search = Search(
            Pyramid.make((settings.total_epochs,), "auto", 1, 1),
            Limits(wall_seconds=ceiling),
            proposer,
            seed=seed,
            pool=pool,
        )
        drive(search, executor, write=write, clock=lambda: session.seconds, stop=stop)
        why = (
            FULL
            if proposer.full
            else "the budget is used"
            if search.stop_reason == "wall_time"
            else "the space is used up"
        )
        stopped = Stopped(search.stop_reason or "candidates", why)
        pool.apply(stopped)
        write([stopped])
