"""Records as lines of text: everything that was decided and how it ended, without times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

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
    Scored,
    Speculated,
    Stopped,
    Tested,
)


def kept(records: Sequence[Record]) -> list[Record]:
    """What is a decision or a result; how many workers there were is neither."""
    return [record for record in records if line(record) is not None]


def decisions(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if isinstance(record, (Proposed, Promotion, Rerun))]


def text(about: str, records: Sequence[Record]) -> str:
    """The golden file of a case: what it is, a line a record, and what they add up to."""
    pool = Pool(records)
    best = pool.best()
    reached: Counter[int] = Counter()
    for candidate in pool.candidates.values():
        reached.update(list(candidate.observations))
    levels = " ".join(f"{level}:{reached[level]}" for level in sorted(reached))
    end = (
        f"# {pool.count} candidates, levels {levels or 'none'}, {pool.epochs_spent} epochs, {pool.epochs_wasted} wasted, "
        f"best {None if best is None else best.id}"
    )
    lines = [line(record) for record in records]
    return "\n".join([f"# {about}", *(one for one in lines if one is not None), end]) + "\n"


def number(value: float | None) -> str:
    return "none" if value is None else f"{value + 0.0:.3g}"


def line(record: Record) -> str | None:
    """A record as one line without times; None where it is no decision and no result."""
    match record:
        case Scored():
            values = " ".join(f"{name}={number(record.values[name])}" for name in sorted(record.values))
            return f"scored {code(record)} {values}"
        case Fitted():
            weights = sorted((record.level0 or {}).items())
            return (
                f"fitted batch {record.batch} {record.predictor} members {record.members} pairs {record.pairs} "
                f"tau {number(record.prequential)} of {record.compared}"
                + "".join(f" {name}={value + 0.0:.2f}" for name, value in weights)
                + (f" fallback: {record.fallback}" if record.fallback else "")
            )
        case Proposed():
            return (
                f"propose {record.candidate_id} {code(record)} batch {record.batch} {record.origin} "
                f"score {number(record.score)} spread {number(record.spread)}"
            )
        case Promotion():
            return f"promote {record.candidate_id} to {record.to_level} {record.reason}"
        case Rerun():
            return f"rerun {record.candidate_id} replica {record.replica}"
        case Observed():
            return f"  observed {job(record)} metric {record.metric:.4f} epochs {record.epochs}"
        case Failed():
            end = "final" if record.final else "again"
            return f"  failed {job(record)} {record.kind} attempt {record.attempt} {end} epochs {record.epochs}"
        case Interrupted():
            return f"  interrupted {job(record)} at epoch {record.epoch} epochs {record.epochs}"
        case Speculated():
            return f"  speculated {job(record)} epochs {record.epochs}"
        case Tested():
            return (
                f"tested {record.candidate_id} accuracy {number(record.metrics.get('accuracy'))} epochs {record.epochs}"
            )
        case Stopped():
            return f"stopped {record.reason}"
        case _:
            return None


def code(record: Proposed | Scored) -> str:
    return ",".join(map(str, record.architecture.code))


def job(record: Observed | Failed | Interrupted | Speculated) -> str:
    replica = f" replica {record.replica}" if record.replica else ""
    return f"{record.candidate_id} level {record.level}{replica}"
