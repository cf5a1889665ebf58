"""A run as rows: leaderboard, trials, status, decisions, failures. Plain Python values, None where a number is unknown."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ranknosh.config.screen import csv_text, flat, plain_costs
from ranknosh.core.candidates import Candidate
from ranknosh.core.gate import judge
from ranknosh.core.records import PLAIN, Promotion, Proposed, Rerun
from ranknosh.report.choosing import chosen
from ranknosh.report.reasons import status_of
from ranknosh.report.series import signal_standings
from ranknosh.report.view import SearchView, expected_end
from ranknosh.report.workers import executor_label, failure_counts, schedule_label, sessions, utilisation
from ranknosh.runs.files import write_atomic

BEFORE_METRICS = ("rank", "id", "architecture", "status", "level", "epochs")
AFTER_COSTS = ("seconds", "origin", "batch", "score", "spread", "seeds", "failure", "key")
"""Columns of trials.csv; between them ``metrics.<name>`` of each metric, the ranking ``metric``, ``costs.<name>``."""


def top_rows(view: SearchView, k: int = 10, where: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The best ``k`` of the leaderboard: id, architecture, level, epochs, the mappings metrics and costs.

    With several objectives their front comes first, and ``front`` says who is in it. ``where``: conditions, see
    :func:`ranknosh.report.choosing.chosen`.

    Where candidates are ranked by something else than the metric that people read first, ``ranked_by`` names it and ``metric``
    is its value in its own direction (a loss as the loss, lower is better).
    """
    rows, objectives = [], view.pool.objectives is not None
    front = {candidate.id for candidate in view.front()}
    for candidate in chosen(view, where)[:k]:
        metric = None if candidate.metric is None else view.in_own_direction(candidate.metric)
        named = {} if view.ranking == view.headline.name else {"ranked_by": view.ranking, "metric": metric}
        named |= {"front": "yes" if candidate.id in front else "no"} if objectives else {}
        rows.append(_found(candidate) | named)
    return rows


def _named(candidate: Candidate) -> dict[str, Any]:
    level, epochs = candidate.level, candidate.epochs
    return {"id": candidate.id, "architecture": candidate.text, "level": level, "epochs": epochs}


def _found(candidate: Candidate) -> dict[str, Any]:
    return {**_named(candidate), "metrics": candidate.metrics, "costs": plain_costs(candidate.costs)}


def status_dict(view: SearchView) -> dict[str, Any]:
    """How far the run is. ``levels`` maps a level's number to how many candidates completed it, ``signals`` says what each was
    ranked by the last time, with Kendall's tau of each signal with the level above. ``best``, ``stock``, the stock network beside
    it, and ``promising``, of whom more is expected than of the best, may be None. Wall time leaves out that of stock networks,
    and of a search that runs there is what it is expected to take still."""
    pool, best, tested, stock = view.pool, view.pool.best(), view.tested(), view.stock()
    promising = pool.promising()
    stopped = pool.stopped
    _, left = expected_end(view.settings, pool, view.search_seconds, pool.epochs_spent)
    return {
        "name": view.name,
        "state": view.phase,
        "reason": stopped.reason if stopped else None,
        "detail": stopped.detail if stopped else None,
        "epochs_spent": pool.epochs_spent,
        "epochs_limit": view.settings.budget.epochs,
        "wall_seconds": view.search_seconds,
        "seconds_left": left if view.phase == "running" else None,
        "device_seconds": pool.device_seconds,
        "candidates": pool.count,
        "candidates_limit": view.settings.pyramid.candidates,
        "failed": view.failed,
        "pending": len(pool.pending),
        "levels": {str(level): view.reached(level) for level in view.levels},
        "sessions": len(pool.sessions),
        "executor": view.settings.executor.name,
        "own_training": view.settings.executor.is_own,
        "executor_label": executor_label(view),
        "schedule": view.settings.pyramid.schedule,
        "schedule_label": schedule_label(view),
        "workers": _workers(view),
        "epochs_wasted": pool.epochs_wasted,
        "second_attempts": len(pool.speculated),
        "failures": failure_counts(view),
        "objectives": view.pool.objectives.names if view.pool.objectives else [],
        "front": [candidate.id for candidate in view.front()],
        "ranked_by": view.ranking,
        "signals": [asdict(record) | {"signal": used} for used, record in signal_standings(view)],
        "predictor": _predictor(view),
        "stock": None if stock is None else {**asdict(stock), "costs": plain_costs(stock.costs)},
        "promising": None if promising is None or promising is best else _named(promising),
        "best": None if best is None else _found(best) | {"test": tested.metrics if tested else None},
    }


def _predictor(view: SearchView) -> dict[str, Any] | None:
    """What the predictor's predictions were worth so far, and for how many of the batches it was asked; None before the first."""
    fits, verdict = view.pool.fits, judge(view.pool)
    if not fits:
        return None
    record = {"tau": verdict.tau, "interval": verdict.interval, "compared": verdict.compared, "better": verdict.better}
    return {"name": fits[-1].predictor, **record, "batches": len(fits), "used": sum(not fit.fallback for fit in fits)}


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
            by = "" if record.signal == PLAIN else f" by {record.signal}"
            lines.append(f"promote {record.candidate_id} level {record.to_level} {record.reason}{by}")
        elif isinstance(record, Rerun):
            lines.append(f"rerun {record.candidate_id} replica {record.replica}")
    return lines


def trial_rows(view: SearchView) -> list[dict[str, Any]]:
    """Every candidate, the ranked ones first; keys are :func:`trial_columns`. ``seconds`` are those of its finished trainings."""
    ranked, columns = view.leaderboard(), trial_columns(view)
    rest = [candidate for candidate in view.pool.candidates.values() if not candidate.level]
    rows = [_trial(view, place, candidate) for place, candidate in enumerate([*ranked, *rest], 1)]
    return [{name: row.get(name) for name in columns} for row in rows]


def trial_columns(view: SearchView) -> list[str]:
    """The columns of trials.csv: a metric or a cost that any candidate has is a column."""
    everyone = view.pool.candidates.values()
    metrics = dict.fromkeys(f"metrics.{name}" for candidate in everyone for name in candidate.metrics)
    costs = dict.fromkeys(f"costs.{name}" for candidate in everyone for name in candidate.costs)
    return [*BEFORE_METRICS, *metrics, "metric", *costs, *AFTER_COSTS]


def _trial(view: SearchView, place: int, candidate: Candidate) -> dict[str, Any]:
    latest, failed = candidate.latest, candidate.failed
    done = [*candidate.observations.values(), *candidate.replicas.values()]
    own = {name: getattr(candidate, name) for name in ("metric", "origin", "batch", "score", "spread", "key")}
    return {
        **flat(_found(candidate)),
        **own,
        "rank": place if candidate.level else None,
        "status": status_of(view, candidate),
        "seconds": sum(observed.seconds for observed in done),
        "seeds": 1 + len(candidate.replicas) if latest else 0,
        "failure": f"{failed.kind}: {failed.message}" if failed else None,
    }


def write_trials_csv(view: SearchView) -> Path:
    """Write ``trials.csv`` into the run folder, replacing it whole; unknown numbers are empty fields."""
    path = view.folder / "trials.csv"
    write_atomic(path, csv_text(trial_columns(view), trial_rows(view)).encode())
    return path
