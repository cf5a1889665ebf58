"""What just happened in a search, a line an event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ranknosh.cli.screen import percent, plural
from ranknosh.pool import Pool
from ranknosh.records import (
    Failed,
    Fitted,
    Interrupted,
    Observed,
    Promotion,
    Proposed,
    Record,
    Rerun,
    Stopped,
    Tested,
)


def feed_lines(records: Sequence[Record], pool: Pool) -> Iterator[str]:
    """Events of ``records``, which ``pool`` holds already. Proposals and promotions of one decision share a line."""
    proposed = [record for record in records if isinstance(record, Proposed)]
    promoted = [record for record in records if isinstance(record, Promotion)]
    for record in records:
        if isinstance(record, Fitted):
            yield _fit(record)
        elif isinstance(record, Failed):
            again = "" if record.final else "; it will be tried again"
            yield f"#{record.candidate_id} failed at level {record.level}: {record.kind}: {_first_line(record.message)}{again}"
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


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""
