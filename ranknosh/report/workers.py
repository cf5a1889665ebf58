"""Who did the work and what went wrong: sessions, utilisation of their workers, failures. Plain values, None where unknown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ranknosh.core.records import Failed, FailureKind, Session, Workers
from ranknosh.report.view import SearchView

KINDS: dict[FailureKind, str] = {
    "crashed": "its worker process died",
    "lost": "its node went away",
    "hung": "it was cancelled at its deadline",
    "out_of_memory": "memory ran out",
    "raised": "the training raised an error",
    "checkpoint_damaged": "its checkpoint was damaged and set aside",
    "diverged": "the training diverged",
    "invalid": "the network cannot be built",
}
"""What happened, by kind of failure, in the order they are listed."""
AGAIN: dict[FailureKind, str] = {
    "lost": "it is done again",
    "checkpoint_damaged": "it is trained again from its first epoch",
    "out_of_memory": "it is tried once more, alone",
}
FAILURE = ("replica", "level", "kind", "attempt", "final", "epochs", "seconds", "message")
OUTCOMES = {True: "given up", False: "tried again"}


def what_next(failed: Failed) -> str:
    """What the search does after a failure."""
    return "given up" if failed.final else AGAIN.get(failed.kind, "it is tried again")


@dataclass
class SessionUse:
    """One session's workers: how many jobs at once at each of its records, and the seconds of it at the last one.

    ``busy_seconds`` of ``slot_seconds`` were spent in jobs; the start-up of workers is in neither.
    """

    session: Session
    slots: list[int] = field(default_factory=list)
    busy_seconds: float = 0.0
    slot_seconds: float = 0.0


def sessions(view: SearchView) -> list[SessionUse]:
    """Every session with its workers, in order."""
    used = list[SessionUse]()
    for record in view.history.records:
        if isinstance(record, Session):
            used.append(SessionUse(record))
        elif isinstance(record, Workers) and used:
            used[-1].slots.append(record.slots)
            used[-1].busy_seconds, used[-1].slot_seconds = record.busy_seconds, record.slot_seconds
    return used


def utilisation(used: Sequence[SessionUse]) -> float | None:
    """Busy share of the slots' time over all of ``used``; None before any worker had time to work."""
    slot_seconds = sum(use.slot_seconds for use in used)
    return sum(use.busy_seconds for use in used) / slot_seconds if slot_seconds > 0 else None


def failure_counts(view: SearchView) -> dict[FailureKind, dict[str, int]]:
    """Kinds that occurred, in the order of KINDS: how often, how often final, and the epochs of work lost with the others."""
    groups = {kind: [failed for failed in view.pool.failures if failed.kind == kind] for kind in KINDS}
    return {
        kind: {
            "count": len(group),
            "final": sum(failed.final for failed in group),
            "epochs_wasted": sum(failed.epochs for failed in group if not failed.final),
        }
        for kind, group in groups.items()
        if group
    }


def failure_rows(view: SearchView) -> list[dict[str, Any]]:
    """Every failure in the order they happened, with its traceback where the training raised one."""
    return [
        {
            "candidate": record.candidate_id,
            "architecture": view.pool.candidates[record.candidate_id].text,
            **{name: getattr(record, name) for name in FAILURE},
            "at_seconds": at,
            "traceback": record.traceback or None,
        }
        for record, at in zip(view.history.records, view.history.times, strict=True)
        if isinstance(record, Failed)
    ]


def schedule_label(view: SearchView) -> str:
    """``reproducible``, or ``eager (order-dependent)``; with ``overlap 2`` where batches overlap."""
    pyramid = view.settings.pyramid
    label = f"{pyramid.schedule} (order-dependent)" if pyramid.schedule == "eager" else pyramid.schedule
    return f"{label}, overlap {pyramid.overlap}" if pyramid.overlap > 1 else label


def executor_label(view: SearchView) -> str:
    """``inline``, or ``ray at auto (gpus_per_trial 0.25, level 4: gpus 1)``."""
    executor = view.settings.executor
    if executor.name != "ray":
        return executor.name
    settings, defaults = executor.model_dump(), {"cpus_per_trial": 1}
    asked = ("cpus_per_trial", "gpus_per_trial", "memory_per_trial", "workers")
    shown = [f"{key} {settings[key]}" for key in asked if settings[key] not in (None, defaults.get(key))]
    for level, own in settings["per_level"].items():
        shown.append(f"level {level}: " + " ".join(f"{key} {value}" for key, value in own.items() if value is not None))
    return f"ray at {executor.address}" + (f" ({', '.join(shown)})" if shown else "")
