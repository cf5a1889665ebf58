"""What a search reports while it works: its records in words, the pyramid as a table, how much is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ranknosh.config.search import SearchSettings
from ranknosh.config.units import human_count, percent
from ranknosh.core.pool import Pool
from ranknosh.core.records import EpochPoint, Failed, Interrupted, Job, Observed, Record
from ranknosh.runs.events import Epoch, Progress, Standings
from ranknosh.runs.session import RunSession
from ranknosh.workflows.search.assembly import pyramid_of
from ranknosh.workflows.search.feed import feed_lines


class Reporter:
    """Writes a search's records and turns them and its epochs into events.

    Args:
        session: of the run.
        settings: of the search.
        pool: its state, which the engine keeps up to date.
    """

    def __init__(self, session: RunSession, settings: SearchSettings, pool: Pool) -> None:
        self.session, self.settings, self.pool = session, settings, pool
        self._running: dict[tuple[int, int], int] = {}
        """Epochs of the jobs in flight that no record holds yet."""

    def write(self, records: Sequence[Record]) -> None:
        """Put records on disk, then report them; the pool holds them already."""
        for record in records:
            if isinstance(record, (Observed, Interrupted, Failed)):
                self._running.pop((record.candidate_id, record.replica), None)
        self.session.write(records, self.pool, tuple(feed_lines(records, self.pool)))
        self.session.events(self.standings())
        self.session.events(self.progress())

    def epoch(self, job: Job, point: EpochPoint) -> None:
        """A candidate finished an epoch."""
        self._running[job.token] = point.epoch - job.start_epoch
        metrics: dict[str, float | None] = {
            "validation accuracy": point.validation_accuracy,
            "train loss": point.train_loss,
        }
        self.session.events(Epoch(f"#{job.candidate_id}", point.epoch, job.stop_epoch, metrics, job, point))
        self.session.events(self.progress())

    def phase(self, name: str, done: int, total: int) -> None:
        """``done`` of ``total`` pieces of something else than training."""
        self.session.events(Progress(name, done, total))

    def progress(self) -> Progress:
        """Epochs spent of those the search is expected to end at; None where only time ends it."""
        candidates, epochs = self.settings.pyramid.candidates, self.settings.budget.epochs
        planned = None if candidates is None else pyramid_of(self.settings).cost(candidates)
        limit = min((each for each in (planned, epochs) if each is not None), default=None)
        spent = self.pool.epochs_spent + sum(self._running.values())
        left = None
        if limit is not None and self.pool.epochs_spent:
            slots = max(self.pool.workers[-1].slots if self.pool.workers else 1, 1)
            left = self.pool.training_seconds / self.pool.epochs_spent * max(limit - spent, 0) / slots
        return Progress("epochs", spent, limit, left=left)

    def standings(self) -> Standings:
        """The pyramid: how many candidates were asked to reach each level, and the best there."""
        return Standings(
            ("level", "epochs", "asked", "done", "best validation"),
            [self._level(level, epochs) for level, epochs in enumerate(self.settings.pyramid.epochs, 1)],
            tuple(self._facts()),
        )

    def _level(self, level: int, epochs: int) -> tuple[str, ...]:
        done = self.pool.at_level(level)
        best = done[0].observations[level].validation_accuracy if done else None
        return str(level), str(epochs), str(self.pool.entered(level)), str(len(done)), percent(best)

    def _facts(self) -> Iterator[tuple[str, str]]:
        pool = self.pool
        if pool.workers and pool.workers[-1].slots != 1:
            slots = pool.workers[-1].slots
            yield "running", f"{min(len(pool.pending), slots)} of {slots} slots"
        best = pool.best()
        if best is not None:
            size = f"{human_count(best.params)} params, {human_count(best.macs)} MACs"
            yield "best", f"#{best.id}  validation {percent(best.validation)} at level {best.level}, {size}"
        if pool.fits:
            fit = pool.fits[-1]
            tau = "n/a" if fit.prequential is None else f"{fit.prequential:.2f}"
            yield "predictor", f"{fit.predictor}, rank correlation {tau} over {fit.compared} predicted before known"
