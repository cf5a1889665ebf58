"""The search by a pyramid and a predictor, as a run: prepared, worked at, asked and told, read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.config.search import SearchSettings
from ranknosh.config.units import plural
from ranknosh.core.budget import plan
from ranknosh.core.candidates import Candidate
from ranknosh.core.pool import Pool
from ranknosh.core.records import Failed, Record
from ranknosh.core.search import CAPS, Search
from ranknosh.errors import ConfigError, to_type
from ranknosh.executors.base import Executor
from ranknosh.executors.evaluate import wants_processes
from ranknosh.executors.opening import opened
from ranknosh.executors.own import OwnTraining
from ranknosh.export.home import TakenHome
from ranknosh.report.search_page import render
from ranknosh.report.tables import status_dict, top_rows, trial_rows, write_trials_csv
from ranknosh.report.view import SearchView
from ranknosh.runs.events import Events, several, silent
from ranknosh.runs.folder import Waste
from ranknosh.runs.journal import FILE, read_history
from ranknosh.runs.prepared import Prepared
from ranknosh.runs.session import RunSession
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.folders import FolderStore
from ranknosh.training.publications import Publications
from ranknosh.workflows.retrain.run import RetrainRun
from ranknosh.workflows.search import asking
from ranknosh.workflows.search.asking import Handout
from ranknosh.workflows.search.assembly import (
    limits_of,
    make_search,
    pyramid_of,
    rules_of,
    settings_of,
    surveyed,
)
from ranknosh.workflows.search.finish import finish
from ranknosh.workflows.search.loop import drive
from ranknosh.workflows.search.reporting import Reporter
from ranknosh.workflows.search.stock import PLACE
from ranknosh.workflows.search.trainers import Trainer, checkpoints_of, trainer_of

if TYPE_CHECKING:
    from torch import nn

    from ranknosh.export.finished import Finished
    from ranknosh.tasks.base import Task
    from ranknosh.tasks.data import Data


class SearchRun(SearchView, TakenHome):
    """A search that can be worked at."""

    @classmethod
    def step(cls, settings: SearchSettings) -> str:
        section = settings.executor
        if section.run is not None or (section.function is not None and wants_processes(section)):
            return "the running trainings are ended, whose levels begin anew on resume"
        return "the running levels" if section.is_own else super().step(settings)

    @property
    def best(self) -> Candidate | None:
        """The incumbent: best at the highest level reached; None before the first result."""
        return self.pool.best()

    @property
    def stop_reason(self) -> str | None:
        """Why the search ended (see ``ranknosh.core.search.StopReason``); None where it has not."""
        return self.pool.stopped.reason if self.pool.stopped else None

    @property
    def reason(self) -> str | None:
        stopped = self.pool.stopped
        return (stopped.detail or stopped.reason) if stopped else None

    @property
    def exit_code(self) -> int:
        """0 where the search ended as planned, 5 where a cap cut a plan short or nothing was found."""
        if not self.ended and self.settings.executor.name == "ask":
            return 0  # it goes on elsewhere
        if self.best is None or self.stop_reason == "nothing_learned":
            return 5
        planned = self.settings.pyramid.candidates is not None or self.settings.budget.epochs is not None
        return 5 if self.stop_reason == "disk" or (self.stop_reason in CAPS and planned) else 0

    def status(self) -> dict[str, Any]:
        return status_dict(self)

    def top(self, count: int, where: Sequence[str] = ()) -> list[dict[str, Any]]:
        """The best candidates that meet the conditions ``where``, such as ``params <= 500K``, among those that are trained."""
        return top_rows(self, count, where)

    def trials(self) -> list[dict[str, Any]]:
        """One row a candidate, ready for a data frame; the columns of trials.csv."""
        return trial_rows(self)

    def page(self) -> str:
        return render(self)

    def report(self) -> Path:
        """Write report.html and trials.csv anew and return the path of the page."""
        write_trials_csv(self)
        return super().report()

    def network(self, candidate: Candidate | None = None) -> nn.Module:
        """The trained network of a candidate, in evaluation mode, on the CPU.

        Args:
            candidate: of this run; None for the best.

        Raises:
            ConfigError: where there is none, or its checkpoint was cleaned away.
            StoreError: where the checkpoint is damaged or another candidate's.
        """
        from ranknosh.training.evaluate import trained_network
        from ranknosh.training.training import identity

        chosen = candidate or self.best
        if chosen is None:
            raise ConfigError(
                f"{self.folder} has no trained candidate yet; continue it with `{to_type('resume', self.folder)}`"
            )
        if self.settings.executor.is_own:
            raise ConfigError(
                f"{self.folder} has no networks of ours: its candidates are trained by a training of your own, and what that "
                f"left of the best one is in {self.folder / 'best' / 'checkpoint'}"
            )
        job, space = chosen.trained_by(self.settings.seed), self.settings.space.make()
        expected = identity(job, space, settings_of(self.settings), self.header.data)
        return trained_network(
            chosen.id, CheckpointStore(self.checkpoints().location), space, identity=expected, epochs=chosen.epochs
        )

    def finished(
        self, candidate: int | str | None = None, where: Sequence[str] = (), data: Data | Task | None = None
    ) -> Finished:
        """The trained network of a candidate, the best by default; see :func:`ranknosh.workflows.search.finished.finished`."""
        from ranknosh.workflows.search.finished import finished

        return finished(self, self.network, self.checkpoints(), candidate, where, data)

    def checkpoints(self) -> CheckpointStore | FolderStore:
        """Where the candidates' checkpoints are, or the folders of a training of a user's own."""
        kind = FolderStore if self.settings.executor.is_own else CheckpointStore
        return kind(checkpoints_of(self.folder, self.header.id, self.settings.executor.storage))

    def ask(self, count: int = 1, *, again: bool = False, events: Events = silent) -> Handout:
        """Levels to train, handed out to a loop of your own where ``executor.name`` is ask (docs/own-training.md).

        Args:
            count: how many at most.
            again: take back what is out, whose workers are gone.
            events: hears what happens.

        Returns:
            The levels, how many are out in all, and why the search is over where it is. With no levels and some out, ask again
            when a result was told.

        Raises:
            ConfigError: candidates of this run are not asked for.
        """
        handout = asking.ask(type(self), self.folder, count, again, events)
        self._read_again()
        return handout

    def tell(self, id: str, metrics: Any = None, *, failed: str | None = None, events: Events = silent) -> bool:
        """The result of a level that was handed out; see :func:`ranknosh.workflows.search.asking.tell`.

        Args:
            id: of the level.
            metrics: a mapping of finite numbers, with the one that ranks.
            failed: why the training failed, in place of metrics.
            events: hears what happens.

        Returns:
            Whether it is news; False where the same was told before.
        """
        news = asking.tell(type(self), self.folder, id, metrics, failed, events)
        self._read_again()
        return news

    def _read_again(self) -> None:
        """Others may have asked and told, too."""
        SearchRun.__init__(self, self.folder, read_history(self.folder, self.kinds))

    def waste(self, everything: bool) -> list[Waste]:
        stock = [RetrainRun.read(path.parent) for path in sorted(self.folder.glob(f"{PLACE}/*/{FILE}"))]
        inner = [each for run in stock for each in run.waste(everything)]
        return [*super().waste(everything), *find_waste(self.checkpoints(), self.pool, everything), *inner]

    @classmethod
    def prepare(cls, settings: SearchSettings, events: Events, **given: Any) -> Prepared:
        """Load the data and check every part.

        Args:
            settings: of the search.
            events: hears what takes long.
            given: ``data``, ``evaluate``, ``predictor``, see :func:`trainer_of`; ``stem`` of an automatic name.
        """
        trainer = trainer_of(settings, given)
        plan(pyramid_of(settings), limits_of(settings), rules_of(settings))  # raises where none fits
        if not given.get("resumed"):
            surveyed(settings.space.make(), trainer.costs, settings.seed)  # raises where nothing meets the constraints
        references: dict[str, dict[str, float]] = {}
        for (cost, text), value in (trainer.costs.constraints.references if trainer.costs else {}).items():
            references.setdefault(cost, {})[text] = value
        decisions = "order-dependent" if settings.pyramid.schedule == "eager" else "reproducible"
        facts = {**trainer.facts, "decisions": decisions, "references": references}
        return Prepared(given.get("stem", "run"), trainer, trainer.data, facts)

    def work(self, session: RunSession, prepared: Prepared) -> None:
        """Search to the end or to an interruption, then test the best once and write what is derived."""
        from ranknosh.track.mirror import tracking

        trainer: Trainer = prepared.parts
        settings, pool = self.settings, self.pool
        if trainer.costs is not None:
            trainer.costs.know(pool.costed)
        if settings.executor.name == "ask":
            session.began("whoever asks", unfinished_jobs=len(pool.pending))
            session.say(f"candidates are handed out by: {to_type('ask', self.folder)}")
            return
        checkpoints = self.checkpoints()
        checkpoints.publications(0)  # storage that cannot be reached is reported before any work, not after it
        section, journal = settings.track.model_dump(), session.journal
        with tracking(section, journal.folder, journal.history, self.name, session.events) as trackers:
            session.events = several(session.events, *trackers)
            reporter = Reporter(session, settings, pool, self.quantities, self.ranking)

            def write(records: Sequence[Record]) -> None:
                reporter.write(records)
                for record in records:
                    if isinstance(record, Failed) and record.final and pool.leaves_nothing(record):
                        checkpoints.remove(record.candidate_id, record.replica)

            def over() -> bool:
                limit = settings.budget.time
                return session.stop.requested or (limit is not None and spent() >= limit)

            def spent() -> float:
                return session.seconds - pool.stock_seconds

            job = trainer.job(checkpoints, self.header.facts)
            if isinstance(job, OwnTraining):
                job.clear()  # what killed attempts left
            with opened(
                settings.executor,
                session,
                job,
                device=settings.train.device,
                threads=settings.train.threads,
                stop=over,
                on_epoch=reporter.epoch,
            ) as (executor, device):
                session.check_stop()
                session.began(device, unfinished_jobs=len(pool.pending))
                reporter.keep_costs(trainer.costs)
                for scored in trainer.scores(pool, executor, session.events):
                    pool.apply(scored)
                    reporter.write([scored])
                    if over():  # what is scored when time ends counts
                        break
                reporter.keep_costs(trainer.costs)
                session.check_stop()

                def go_on() -> Search:
                    search = make_search(
                        settings, pool, executor, trainer.checkpoint_bytes, trainer.predictor, trainer.costs
                    )
                    reporter.keep_costs(trainer.costs)
                    drive(search, executor, write=write, clock=spent, stop=session.stop)
                    return search

                self.complete(go_on, trainer, checkpoints, executor, reporter)

    def complete(
        self,
        go_on: Callable[[], Search],
        trainer: Trainer,
        checkpoints: Publications,
        executor: Executor,
        reporter: Reporter,
    ) -> None:
        """Search to the end, then test the best once and write what is derived.

        Args:
            go_on: does what is left of the search, and gives it as it ended.
            trainer: of the candidates.
            checkpoints: of them.
            executor: where they are trained.
            reporter: writes records and reports them.
        """
        finish(trainer, go_on(), checkpoints, executor, reporter)


def find_waste(kept: Publications, pool: Pool, everything: bool) -> list[Waste]:
    """Checkpoints of a search that may be removed, in order of candidates.

    Args:
        kept: the checkpoints.
        pool: what is known of the candidates.
        everything: those that a resume would need too, all but the best candidate's.
    """

    best, found = pool.best(), []
    for held in kept.holdings():
        candidate = None if held.candidate_id is None else pool.candidates.get(held.candidate_id)
        names, size, why = [held.name], held.size, None
        if candidate is None:
            why = "belongs to no candidate"
        elif candidate.failed is not None and candidate is not best:
            why = f"candidate {candidate.id} failed"
        elif everything and (best is None or candidate.id != best.id):
            why = f"candidate {candidate.id} is not the best"
        elif held.leftovers:
            names, size = list(held.leftovers), held.leftover_size
            why = f"{plural(len(names), 'file')} that candidate {candidate.id}'s checkpoint does not need"
        if why is not None:
            found.append(Waste(str(held.where), size, why, partial(kept.delete, names)))
    return found
