"""What a search reports while it works: its records in words, the pyramid as a table, how much is done."""

from collections import Counter
from collections.abc import Iterator, Sequence

from ranknosh.config.search import SearchSettings
from ranknosh.config.units import human_count, percent, plural
from ranknosh.core.pool import Pool
from ranknosh.core.records import (
    EpochPoint,
    Failed,
    Fitted,
    Interrupted,
    Job,
    Observed,
    Promotion,
    Proposed,
    Record,
    Rerun,
    Speculated,
    Stopped,
    Tested,
    Workers,
)
from ranknosh.report.words import origin_name
from ranknosh.report.workers import KINDS, what_next
from ranknosh.runs.events import Epoch, Progress, Standings
from ranknosh.runs.session import RunSession
from ranknosh.workflows.search.assembly import pyramid_of


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
        self.session.write(records, tuple(_lines(records, self.pool)))
        self.session.events(self._standings())
        self.session.events(self._progress())

    def epoch(self, job: Job, point: EpochPoint) -> None:
        """A candidate finished an epoch."""
        self._running[job.token] = point.epoch - job.start_epoch
        metrics: dict[str, float | None] = {
            "validation accuracy": point.validation_accuracy,
            "train loss": point.train_loss,
        }
        self.session.events(Epoch(f"#{job.candidate_id}", point.epoch, job.stop_epoch, metrics, job, point))
        self.session.events(self._progress())

    def _progress(self) -> Progress:
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

    def _standings(self) -> Standings:
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


def _lines(records: Sequence[Record], pool: Pool) -> Iterator[str]:
    """``records``, which ``pool`` holds already, in words. Proposals and promotions of one decision share a line."""
    proposed = [record for record in records if isinstance(record, Proposed)]
    promoted = [record for record in records if isinstance(record, Promotion)]
    for record in records:
        if isinstance(record, Fitted):
            yield _fit(record)
        elif isinstance(record, Failed):
            yield _failure(record)
        elif isinstance(record, Speculated):
            yield f"#{record.candidate_id} level {record.level}: two attempts ran, the slower one is dropped"
        elif isinstance(record, Workers):
            yield from _workers(record, pool)
        elif isinstance(record, Observed):
            yield _result(record, pool)
        elif isinstance(record, Interrupted):
            yield f"#{record.candidate_id} paused after epoch {record.epoch}, saved"
        elif isinstance(record, Rerun):
            yield f"#{record.candidate_id} is trained again from scratch with another seed"
        elif isinstance(record, Tested):
            yield f"#{record.candidate_id} test accuracy {percent(record.test_accuracy)}, read once"
        elif isinstance(record, Stopped):
            yield f"ended: {record.detail or record.reason}"
    if proposed:
        origins = Counter(record.origin for record in proposed)
        how = ", ".join(f"{count} {origin_name(origin)}" for origin, count in origins.items())
        yield f"batch {proposed[0].batch}: {plural(len(proposed), 'new candidate')} ({how})"
    for level in sorted({record.to_level for record in promoted}):
        names = " ".join(f"#{record.candidate_id}" for record in promoted if record.to_level == level)
        yield f"trained on to level {level}: {names}"


def _fit(fit: Fitted) -> str:
    if fit.fallback:
        return f"predictor {fit.predictor} not used for batch {fit.batch}: {fit.fallback}"
    tau = "n/a" if fit.prequential is None else f"{fit.prequential:.2f}"
    return f"predictor {fit.predictor} fitted on {fit.members} candidates, rank correlation so far {tau} over {fit.compared}"


def _result(record: Observed, pool: Pool) -> str:
    best = pool.best()
    mark = "  best so far" if best is not None and best.id == record.candidate_id and not record.replica else ""
    seed = f" (seed {record.replica})" if record.replica else ""
    epoch = f" epoch {record.curve[-1].epoch}" if record.curve else ""
    value = percent(record.validation_accuracy)
    spent = f"[{plural(pool.epochs_spent, 'epoch')} spent]"
    return f"#{record.candidate_id}{seed} level {record.level}{epoch}: validation {value}{mark}   {spent}"


def _failure(failed: Failed) -> str:
    """``#7 at level 2: its node went away: ...; it is done again``; ``failed`` is said where nothing is tried any more."""
    seed = f" (seed {failed.replica})" if failed.replica else ""
    where = f"#{failed.candidate_id}{seed} {'failed at' if failed.final else 'at'} level {failed.level}"
    message = failed.message.strip().partition("\n")[0]
    what = KINDS[failed.kind]
    said = message if message.startswith(what) else what + (f": {message}" if message else "")
    parts = [f"{where}: {said}"]
    if not failed.final:
        parts.append(what_next(failed))
    elif failed.traceback:
        parts.append("its traceback: ranknosh status RUN --failures")
    return "; ".join(parts)


def _workers(record: Workers, pool: Pool) -> Iterator[str]:
    """A change in how many jobs can run at once; one process that starts as one process is no news."""
    known = [id(other) for other in pool.workers]
    place = known.index(id(record)) if id(record) in known else len(known)
    before = pool.workers[place - 1].slots if place and record.slot_seconds > 0 else None
    waits = "" if record.slots else ", the search waits for a node"
    if before is None:
        if record.slots != 1:
            yield f"workers: {record.slots}{waits}"
    elif before != record.slots:
        yield f"workers: {before} -> {record.slots}{waits}"
