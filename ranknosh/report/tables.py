"""A run as rows: leaderboard, trials, status, decisions, failures. Plain Python values, None where a number is unknown."""

import csv
import io
from pathlib import Path
from typing import Any

from ranknosh.core.pool import Candidate
from ranknosh.core.records import Promotion, Proposed, Rerun
from ranknosh.report.view import SearchView
from ranknosh.report.workers import executor_label, failure_counts, schedule_label, sessions, utilisation
from ranknosh.runs.files import write_atomic

TRIAL_COLUMNS = (
    *("rank", "id", "architecture", "status", "level", "epochs", "validation_accuracy", "validation_loss", "metric"),
    *("params", "macs", "seconds", "origin", "batch", "score", "spread", "seeds", "failure", "key"),
)


def top_rows(view: SearchView, k: int = 10) -> list[dict[str, Any]]:
    """The best ``k`` of the leaderboard: id, architecture, level, epochs, validation (accuracy), params, macs.

    Where candidates are ranked by something else than accuracy, ``ranked_by`` names it and ``metric`` is its value (a loss
    as the loss, lower is better).
    """
    ranked_by = view.settings.train.metric
    rows = []
    for candidate in view.leaderboard()[:k]:
        metric = candidate.metric
        if metric is not None and ranked_by.endswith("loss"):
            metric = -metric
        named = {} if ranked_by == "accuracy" else {"ranked_by": ranked_by, "metric": metric}
        rows.append(_found(candidate) | named)
    return rows


def _named(candidate: Candidate) -> dict[str, Any]:
    level, epochs = candidate.level, candidate.epochs
    return {"id": candidate.id, "architecture": candidate.text, "level": level, "epochs": epochs}


def _found(candidate: Candidate) -> dict[str, Any]:
    size = {"params": candidate.params, "macs": candidate.macs}
    return {**_named(candidate), "validation": candidate.validation, **size}


def status_dict(view: SearchView) -> dict[str, Any]:
    """How far the run is. ``levels`` maps a level's number to how many candidates completed it; ``best`` may be None."""
    pool, best, tested = view.pool, view.pool.best(), view.tested()
    stopped = pool.stopped
    return {
        "name": view.name,
        "state": view.phase,
        "reason": stopped.reason if stopped else None,
        "detail": stopped.detail if stopped else None,
        "epochs_spent": pool.epochs_spent,
        "epochs_limit": view.settings.budget.epochs,
        "wall_seconds": view.seconds,
        "device_seconds": pool.device_seconds,
        "candidates": pool.count,
        "candidates_limit": view.settings.pyramid.candidates,
        "failed": view.failed,
        "pending": len(pool.pending),
        "levels": {str(level): view.reached(level) for level in view.levels},
        "sessions": len(pool.sessions),
        "executor": view.settings.executor.name,
        "executor_label": executor_label(view),
        "schedule": view.settings.pyramid.schedule,
        "schedule_label": schedule_label(view),
        "workers": _workers(view),
        "epochs_wasted": pool.epochs_wasted,
        "second_attempts": len(pool.speculated),
        "failures": failure_counts(view),
        "best": None if best is None else _found(best) | {"test": tested.test_accuracy if tested else None},
    }


def _workers(view: SearchView) -> dict[str, Any] | None:
    """Of the latest session; None before it had any."""
    used = sessions(view)
    slots = used[-1].slots if used else []
    if not slots:
        return None
    return {
        "now": slots[-1] if view.phase == "running" else 0,
        "last": slots[-1],
        "fewest": min(slots),
        "most": max(slots),
        "utilisation": utilisation(used[-1:]),
        "utilisation_all_sessions": utilisation(used),
    }


def decision_lines(view: SearchView) -> list[str]:
    """Every proposal, promotion and rerun, one line each, in the order they were decided.

    Times and predicted scores are left out: the first differ between runs, the second in their last digits between
    machines. Under the reproducible schedule equal seeds give equal lines, whatever the number of workers.
    """
    lines = []
    for record in view.history.records:
        if isinstance(record, Proposed):
            lines.append(f"propose {record.candidate_id} batch {record.batch} {record.origin} {record.text}")
        elif isinstance(record, Promotion):
            lines.append(f"promote {record.candidate_id} level {record.to_level} {record.reason}")
        elif isinstance(record, Rerun):
            lines.append(f"rerun {record.candidate_id} replica {record.replica}")
    return lines


def trial_status(view: SearchView, candidate: Candidate) -> str:
    """``failed``, ``training`` (asked for and not ended), ``top`` (completed every level) or ``paused``."""
    if candidate.failed is not None:
        return "failed"
    if (candidate.id, 0) in view.pool.pending:
        return "training"
    return "top" if candidate.level == view.pyramid.levels else "paused"


def trial_rows(view: SearchView) -> list[dict[str, Any]]:
    """Every candidate, the ranked ones first; keys are TRIAL_COLUMNS. ``seconds`` are those of its finished trainings."""
    ranked = view.leaderboard()
    rest = [candidate for candidate in view.pool.candidates.values() if not candidate.level]
    return [_trial(view, place, candidate) for place, candidate in enumerate([*ranked, *rest], 1)]


def _trial(view: SearchView, place: int, candidate: Candidate) -> dict[str, Any]:
    latest, failed = candidate.latest, candidate.failed
    done = [*candidate.observations.values(), *candidate.replicas.values()]
    row = {
        **_named(candidate),
        "rank": place if candidate.level else None,
        "status": trial_status(view, candidate),
        "validation_accuracy": candidate.validation,
        "validation_loss": latest.validation_loss if latest else None,
        "seconds": sum(observed.seconds for observed in done),
        "seeds": 1 + len(candidate.replicas) if latest else 0,
        "failure": f"{failed.kind}: {failed.message}" if failed else None,
    }
    return {name: row[name] if name in row else getattr(candidate, name) for name in TRIAL_COLUMNS}


def write_trials_csv(view: SearchView) -> Path:
    """Write ``trials.csv`` into the run folder, replacing it whole; unknown numbers are empty fields."""
    text = io.StringIO()
    writer = csv.DictWriter(text, TRIAL_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(trial_rows(view))
    path = view.folder / "trials.csv"
    write_atomic(path, text.getvalue().encode())
    return path
