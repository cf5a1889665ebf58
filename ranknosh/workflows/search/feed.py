"""What just happened in a search, a line an event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ranknosh.config.units import percent, plural
from ranknosh.core.pool import Pool
from ranknosh.core.records import (
    Failed,
    Fitted,
    Interrupted,
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
from ranknosh.report.workers import KINDS, what_next


def feed_lines(records: Sequence[Record], pool: Pool) -> Iterator[str]:
    """Events of ``records``, which ``pool`` holds already. Proposals and promotions of one decision share a line."""
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
        how = ", ".join(f"{count} {origin}" for origin, count in origins.items())
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
    message = _first_line(failed.message)
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
    nobody = "" if record.slots else ", the search waits for a node"
    if before is None:
        if record.slots != 1:
            yield f"workers: {record.slots}{nobody}"
    elif before != record.slots:
        yield f"workers: {before} -> {record.slots}{nobody}"


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""
