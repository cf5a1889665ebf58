"""What methods that keep a run folder have in common: their settings, and how their journal becomes an outcome."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ranknosh.config.search import SearchSettings
from ranknosh.config.units import duration_text
from ranknosh.core.pool import Pool
from ranknosh.core.records import Stopped
from ranknosh.runs.journal import FILE, History
from ranknosh.workflows.compare.method import Cost, SearchOutcome


def run_config(
    config: SearchSettings,
    seed: int,
    folder: Path,
    seconds: float,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
) -> SearchSettings:
    """``config`` for a run in ``folder`` that nothing but ``seconds`` of wall time ends. ``changes``: settings by section."""
    data = config.to_dict()
    data.update(seed=seed, name=folder.name, out=str(folder.parent))
    data["pyramid"]["candidates"] = None
    data["budget"].update(epochs=None, device_time=None, time=duration_text(seconds))
    for section, values in (changes or {}).items():
        data[section].update(values)
    return SearchSettings.from_dict(data, origin="ranknosh compare")


def outcome_of(history: History, folder: Path, ended: str | None = None) -> SearchOutcome:
    """The outcome of a search that has ended, from its journal. ``ended``: why, None for what the journal says.

    Charged is the time from the run's first record to its end, all sessions added up, and in it every second of proxies,
    predictor and training; reading a test split (which has no images in a comparison) is left out.
    """
    pool = Pool(history.records)
    stops = [place for place, record in enumerate(history.records) if isinstance(record, Stopped)]
    last = stops[-1] if stops else len(history.records) - 1
    wall = history.times[last] if history.times else 0.0
    failed = sum(failure.seconds for failure in pool.failures) + sum(lost.seconds for lost in pool.speculated)
    parts = Cost(
        proxies=pool.proxy_seconds,
        predictor=pool.predictor_seconds,
        training=max(pool.training_seconds - failed, 0.0),
        failed=failed,
    )
    best = pool.best()
    reason = (pool.stopped.detail or pool.stopped.reason) if pool.stopped else "not ended"
    return SearchOutcome(
        architecture=None if best is None else best.architecture,
        cost=parts.within(wall - pool.test_seconds),
        wall_seconds=wall,
        epochs=pool.epochs_spent,
        epochs_of="candidates",
        evaluations=sum(candidate.level > 0 for candidate in pool.candidates.values()),
        ended=ended or reason,
        folder=folder,
    )


def begun(folder: Path) -> bool:
    """Whether ``folder`` holds a run that can be resumed."""
    return (folder / FILE).exists()
