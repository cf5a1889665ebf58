"""What a search reports while it works: its records in words, the pyramid as a table, how much is done."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from ranknosh.config.search import SearchSettings
from ranknosh.config.units import UNKNOWN, Quantity, costs_texts, metrics_text, plural
from ranknosh.core.pool import Pool
from ranknosh.core.records import (
    PLAIN,
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
    StockTrained,
    Stopped,
    Tested,
    Workers,
)
from ranknosh.report.view import expected_end
from ranknosh.report.words import SIGNALS, origin_name, track_record
from ranknosh.report.workers import KINDS, what_next
from ranknosh.runs.events import Epoch, Progress, Standings
from ranknosh.runs.session import RunSession
from ranknosh.training.costs import CostBook


class Reporter:
    """Writes a search's records and turns them and its epochs into events.

    Args:
        session: of the run.
        settings: of the search.
        pool: its state, which the engine keeps up to date.
        quantities: the metrics of its task.
        ranking: the name of the metric that candidates are ranked by.
    """

    def __init__(
        self,
        session: RunSession,
        settings: SearchSettings,
        pool: Pool,
        quantities: Mapping[str, Quantity],
        ranking: str,
    ) -> None:
        self.session, self.settings, self.pool = session, settings, pool
        self.quantities, self.ranking = quantities, ranking
        self._running: dict[tuple[int, int], int] = {}
        """Epochs of the jobs in flight that no record holds yet."""

    def write(self, records: Sequence[Record]) -> None:
        """Put records on disk, then report them; the pool holds them already."""
        for record in records:
            if isinstance(record, (Observed, Interrupted, Failed)):
                self._running.pop((record.candidate_id, record.replica), None)
        self.session.write(records, tuple(_lines(records, self.pool, self.quantities, self.ranking)))
        self.session.events(self._standings())
        self.session.events(self._progress())

    def keep_costs(self, costs: CostBook | None) -> None:
        """Write down costs that were measured for a decision, so that whoever goes on finds the same."""
        fresh = costs.take() if costs is not None else ()
        for record in fresh:
            self.pool.apply(record)
        if fresh:
            self.write(fresh)

    def epoch(self, job: Job, point: EpochPoint) -> None:
        """A candidate finished an epoch."""
        self._running[job.token] = point.epoch - job.start_epoch
        metrics = {f"validation {name}": value for name, value in point.metrics.items()} | {
            "train loss": point.train_loss
        }
        units = {f"validation {name}": quantity.unit for name, quantity in self.quantities.items()}
        self.session.events(Epoch(f"#{job.candidate_id}", point.epoch, job.stop_epoch, metrics, units, job, point))
        self.session.events(self._progress())

    def _progress(self) -> Progress:
        """Epochs spent of those the search is expected to end at."""
        spent = self.pool.epochs_spent + sum(self._running.values())
        limit, left = expected_end(self.settings, self.pool, self.session.seconds - self.pool.stock_seconds, spent)
        return Progress("epochs", spent, limit, left=left)

    def _standings(self) -> Standings:
        """The pyramid: how many candidates were asked to reach each level, and the best there."""
        return Standings(
            ("level", "to epoch", "sent there", "done", "best there"),
            [self._level(level, epochs) for level, epochs in enumerate(self.settings.pyramid.epochs, 1)],
            tuple(self._facts()),
        )

    def _level(self, level: int, epochs: int) -> tuple[str, ...]:
        done = self.pool.at_level(level)
        best = metrics_text(done[0].observations[level].metrics, self.quantities, 1) if done else UNKNOWN
        return str(level), str(epochs), str(self.pool.entered(level)), str(len(done)), best

    def _facts(self) -> Iterator[tuple[str, str]]:
        pool = self.pool
        if pool.workers and pool.workers[-1].slots != 1:
            slots = pool.workers[-1].slots
            yield "running", f"{min(len(pool.pending), slots)} of {plural(slots, 'slot')}"
        best = pool.best()
        if best is not None:
            found = f"validation {metrics_text(best.metrics, self.quantities)} at level {best.level}"
            yield "best", f"#{best.id} by {self.ranking}  {', '.join([found, *costs_texts(best.costs)])}"
            promising = pool.promising()
            if promising is not None and promising is not best:
                yield (
                    "promising",
                    f"#{promising.id} at level {promising.level} is expected to be better at level {best.level}",
                )
        if pool.fits:
            fit = pool.fits[-1]
            used = "not used for the latest batch" if fit.fallback else "used"
            yield "predictor", f"{fit.predictor}, {used}; predictions against results: {_record(fit)}"


def _lines(records: Sequence[Record], pool: Pool, quantities: Mapping[str, Quantity], ranking: str) -> Iterator[str]:
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
            yield _result(record, pool, quantities, ranking)
        elif isinstance(record, Interrupted):
            yield f"#{record.candidate_id} paused after epoch {record.epoch}, saved"
        elif isinstance(record, Rerun):
            yield f"#{record.candidate_id} is trained again from scratch with another seed"
        elif isinstance(record, Tested):
            yield f"#{record.candidate_id}{_seed(record)} test {metrics_text(record.metrics, quantities)}, read once"
        elif isinstance(record, StockTrained):
            found = record.failed or f"validation {metrics_text(record.metrics, quantities)}"
            yield f"{record.net} beside #{record.candidate_id}, {plural(record.epochs, 'epoch')}: {found}"
        elif isinstance(record, Stopped):
            yield f"ended: {record.detail or record.reason}"
    if proposed:
        origins = Counter(record.origin for record in proposed)
        how = ", ".join(f"{count} {origin_name(origin)}" for origin, count in origins.items())
        yield f"batch {proposed[0].batch}: {plural(len(proposed), 'new candidate')} ({how})"
    for level in sorted({record.to_level for record in promoted}):
        names = " ".join(f"#{record.candidate_id}" for record in promoted if record.to_level == level)
        why = ", while time holds its way to the top" if any(record.reason == "time" for record in promoted) else ""
        signals = {record.signal for record in promoted if record.to_level == level} - {PLAIN}
        by = "".join(f", ranked by {SIGNALS[signal]}" for signal in signals)
        yield f"trained on to level {level}: {names}{by}{why}"


def _fit(fit: Fitted) -> str:
    if fit.fallback:
        return f"predictor {fit.predictor} not used for batch {fit.batch}: {fit.fallback}"
    members = plural(fit.members, "candidate")
    return f"predictor {fit.predictor} fitted on {members}; predictions against results: {_record(fit)}"


def _record(fit: Fitted) -> str:
    return track_record(fit.prequential, fit.compared)


def _result(record: Observed, pool: Pool, quantities: Mapping[str, Quantity], ranking: str) -> str:
    best = pool.best()
    leads = best is not None and best.id == record.candidate_id and not record.replica
    mark = f"  best so far by {ranking}" if leads else ""
    epoch = f" epoch {record.curve[-1].epoch}" if record.curve else ""
    value = metrics_text(record.metrics, quantities)
    spent = f"[{plural(pool.epochs_spent, 'epoch')} spent]"
    return f"#{record.candidate_id}{_seed(record)} level {record.level}{epoch}: validation {value}{mark}   {spent}"


def _seed(record: Observed | Failed | Tested) -> str:
    return f" (seed {record.replica})" if record.replica else ""


def _failure(failed: Failed) -> str:
    """``#7 at level 2: its node went away: ...; it is done again``; ``failed`` is said where nothing is tried any more."""
    where = f"#{failed.candidate_id}{_seed(failed)} {'failed at' if failed.final else 'at'} level {failed.level}"
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
