"""Who did the work and what went wrong: sessions, utilisation of their workers, failures. Plain values, None where unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ranknosh.core.records import Failed, FailureKind, Session, Workers
from ranknosh.report.view import RunView

ORDER_DEPENDENT = "order-dependent"
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


@dataclass(frozen=True)
class SessionUse:
    """One session's workers. ``fewest`` and ``most`` jobs at once, ``slots`` at its last record; ``busy_seconds`` of
    ``slot_seconds`` were spent in jobs (start-up of workers is in neither). All None or 0 before the first Workers record."""

    session: Session
    slots: int | None = None
    fewest: int | None = None
    most: int | None = None
    busy_seconds: float = 0.0
    slot_seconds: float = 0.0

    @property
    def utilisation(self) -> float | None:
        return self.busy_seconds / self.slot_seconds if self.slot_seconds > 0 else None


def sessions(view: RunView) -> list[SessionUse]:
    """Every session with its workers, in order."""
    used = list[SessionUse]()
    for record in view.records:
        if isinstance(record, Session):
            used.append(SessionUse(record))
        elif isinstance(record, Workers) and used:
            last, slots = used[-1], record.slots
            fewest = slots if last.fewest is None else min(slots, last.fewest)
            most = slots if last.most is None else max(slots, last.most)
            used[-1] = SessionUse(last.session, slots, fewest, most, record.busy_seconds, record.slot_seconds)
    return used


def utilisation(used: list[SessionUse]) -> float | None:
    """Busy share of the slots' time over all of ``used``; None before any worker had time to work."""
    slot_seconds = sum(use.slot_seconds for use in used)
    return sum(use.busy_seconds for use in used) / slot_seconds if slot_seconds > 0 else None


@dataclass(frozen=True)
class FailureCount:
    """Failures of one kind: how many, how many of them final, and the epochs of work lost with those that were not."""

    kind: FailureKind
    count: int
    final: int
    epochs_wasted: int


def failure_counts(view: RunView) -> list[FailureCount]:
    """One row a kind that occurred, in the order of KINDS."""
    rows = []
    for kind in KINDS:
        group = [failed for failed in view.pool.failures if failed.kind == kind]
        if group:
            wasted = sum(failed.epochs for failed in group if not failed.final)
            rows.append(FailureCount(kind, len(group), sum(failed.final for failed in group), wasted))
    return rows


def failure_rows(view: RunView) -> list[dict[str, Any]]:
    """Every failure in the order they happened, with its traceback where the training raised one."""
    return [
        {
            "candidate": record.candidate_id,
            "architecture": view.pool.candidates[record.candidate_id].text,
            **{name: getattr(record, name) for name in FAILURE},
            "at_seconds": at,
            "traceback": record.traceback or None,
        }
        for record, at in zip(view.records, view.times, strict=True)
        if isinstance(record, Failed)
    ]


def schedule_label(view: RunView) -> str | None:
    """``reproducible``, or ``eager (order-dependent)``; with ``overlap 2`` where batches overlap. None where not recorded."""
    schedule = view.setting("pyramid", "schedule")
    if schedule is None:
        return None
    label = f"{schedule} ({ORDER_DEPENDENT})" if schedule == "eager" else str(schedule)
    overlap = view.setting("pyramid", "overlap")
    return f"{label}, overlap {overlap}" if isinstance(overlap, int) and overlap > 1 else label


def executor_label(view: RunView) -> str | None:
    """``inline``, or ``ray at auto (gpus_per_trial 0.25, level 4: gpus 1)``; None where not recorded."""
    name = view.setting("executor", "name")
    if name != "ray":
        return None if name is None else str(name)
    settings = view.setting("executor")
    shown = [
        f"{key} {settings[key]}"
        for key in ("cpus_per_trial", "gpus_per_trial", "memory_per_trial", "workers")
        if settings.get(key) not in (None, 1 if key == "cpus_per_trial" else None)
    ]
    for level, own in (settings.get("per_level") or {}).items():
        shown.append(f"level {level}: " + " ".join(f"{key} {value}" for key, value in own.items() if value is not None))
    return f"ray at {settings.get('address', 'local')}" + (f" ({', '.join(shown)})" if shown else "")


def status_rows(view: RunView) -> dict[str, Any]:
    """The part of ``status`` that speaks of executor, workers and failures."""
    used = sessions(view)
    last = used[-1] if used else None
    return {
        "executor": view.setting("executor", "name"),
        "executor_label": executor_label(view),
        "schedule": view.setting("pyramid", "schedule"),
        "schedule_label": schedule_label(view),
        "workers": None
        if last is None or last.slots is None
        else {
            "now": last.slots if view.state == "running" else 0,
            "last": last.slots,
            "fewest": last.fewest,
            "most": last.most,
            "utilisation": last.utilisation,
            "utilisation_all_sessions": utilisation(used),
        },
        "epochs_wasted": view.pool.epochs_wasted,
        "second_attempts": len(view.pool.speculated),
        "failures": {
            row.kind: {"count": row.count, "final": row.final, "epochs_wasted": row.epochs_wasted}
            for row in failure_counts(view)
        },
    }
