"""What methods that keep a run folder have in common: how their journal becomes an outcome, and who hears of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ranknosh.config.search import SearchSettings
from ranknosh.config.units import duration_text
from ranknosh.core.pool import Pool
from ranknosh.core.records import Stopped
from ranknosh.runs.events import Event, Message, Progress, Recorded
from ranknosh.runs.journal import FILE, History
from ranknosh.workflows.compare.method import Cost, SearchListener, SearchOutcome


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
    """Whether ``folder`` holds a run that can be continued; one whose first line was never finished is cleared away."""
    if (folder / FILE).exists():
        return True
    if folder.exists():
        shutil.rmtree(folder)
    return False


class Relay:
    """Takes the events of a search and reports to a comparison how much was spent. ``seconds``: spent in earlier sessions."""

    def __init__(self, listener: SearchListener, seconds: float = 0.0) -> None:
        self._listener = listener
        self._base, self._since = seconds, time.monotonic()
        self._text = "begins"

    def __call__(self, event: Event) -> None:
        if isinstance(event, Recorded):
            self._base, self._since = event.seconds, time.monotonic()
            self._text = f"{event.state.count} candidates, {event.state.epochs_spent} epochs"
        elif isinstance(event, Progress) and event.task != "epochs":
            self._text = f"{event.task} {event.done:g} of {event.total:g}"
        elif isinstance(event, Message):
            self._listener.on_message(event.text)
            return
        self._tell()

    def _tell(self) -> None:
        self._listener.on_spent(self._base + time.monotonic() - self._since, self._text)
