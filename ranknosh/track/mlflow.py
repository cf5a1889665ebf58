"""A search as MLflow runs: one parent run, and a child run for every candidate that has a result.

Child runs, because MLflow compares, sorts and filters runs: architecture and origin are their params; accuracy by epoch, level
and size their metrics, so "level = 4, best accuracy first" is a click. As metrics of one run, 5,000 candidates would be 20,000
names in one list. What belongs to the search (best so far, budget, workers, failures) is on the parent, by epochs spent.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ranknosh.core.records import Failed, Observed
from ranknosh.errors import MissingDependency, StoreError
from ranknosh.track.mirror import Entry
from ranknosh.track.series import Series, Token

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.tracking import MlflowClient

EXPERIMENT = "ranknosh"
"""Where runs go if MLFLOW_EXPERIMENT_NAME does not say otherwise."""
ID, POSITION, CANDIDATE, REPLICA = "ranknosh.id", "ranknosh.core.records", "ranknosh.candidate", "ranknosh.replica"
MOST_METRICS, MOST_PARAMS, LONGEST = 1000, 100, 500
"""Limits of one MLflow request (metrics, params) and of a param's text."""
CONNECT_SECONDS = 5.0


class MlflowLog:
    """The runs of one search. The parent's tag ``ranknosh.core.records`` says how many journal records they hold."""

    name = "MLflow"
    pause_seconds = 2.0

    def __init__(self, folder: Path, uri: str, run_name: str) -> None:
        if find_spec("mlflow") is None:
            raise MissingDependency("mlflow", "track.mlflow", "track")
        self.folder, self.uri, self.run_name = Path(folder), uri, run_name
        self.client: MlflowClient
        self.experiment = self.parent = ""
        self._children: dict[Token, str] = {}
        self._held = 0
        self._doubtful: set[str] = set()
        self._last_time = 0

    def open(self, header: Mapping[str, Any], header_line: bytes) -> None:
        _knock(self.uri)
        from mlflow.tracking import MlflowClient

        with _hushed("mlflow", "alembic"):
            self.client = MlflowClient(tracking_uri=self.uri)
            self.experiment = self._experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT)
        # The folder's name is part of it: two searches may begin in one second with one config.
        identity = hashlib.sha256(header_line + self.folder.resolve().name.encode()).hexdigest()[:32]
        found = list(self._runs(f"tags.`{ID}` = '{identity}'"))
        if found:
            self.parent, self._held = found[0].info.run_id, int(found[0].data.tags.get(POSITION, 0))
            self.client.update_run(self.parent, status="RUNNING")
            for run in self._runs(f"tags.`mlflow.parentRunId` = '{self.parent}'"):
                tags = run.data.tags
                self._children[int(tags[CANDIDATE]), int(tags[REPLICA])] = run.info.run_id
            self._doubtful = {self.parent, *self._children.values()}
        else:
            tags = {ID: identity, "folder": str(self.folder), "command": str(header.get("command", ""))}
            tags |= {"mlflow.source.name": "ranknosh", "git": str(header.get("git") or "")}
            self.parent = self.client.create_run(self.experiment, tags=tags, run_name=self.run_name).info.run_id
        if not self._held:
            self._log_params(self.parent, _flat(header.get("config") or {}))

    def write(self, entries: Sequence[Entry], series: Series) -> None:
        new = [entry for entry in entries if entry.number >= self._held]
        if not new:
            return
        from mlflow.entities import Metric

        metrics: dict[str, list[Metric]] = {}
        for entry in new:
            stamp = self._last_time = round(entry.wall_time * 1000)
            if isinstance(entry.record, Observed) or (isinstance(entry.record, Failed) and entry.record.final):
                self._child((entry.record.candidate_id, entry.record.replica), stamp, series)
            for point in entry.points:
                run = self.parent if point.owner is None else self._child(point.owner, stamp, series)
                metrics.setdefault(run, []).append(Metric(point.tag, point.value, stamp, point.step))
        for run, values in metrics.items():
            self._log_metrics(run, self._missing(run, values) if run in self._doubtful else values)
        for entry in new:
            self._end_child(entry, series)
        self._doubtful.clear()
        self._held = new[-1].number + 1
        self.client.set_tag(self.parent, POSITION, str(self._held))

    def close(self, series: Series) -> None:
        best = series.pool.best()
        if best is not None:
            self.client.set_tag(self.parent, "best.candidate", str(best.id))
            self.client.set_tag(self.parent, "best.architecture", best.text)
        status = "FINISHED" if series.pool.stopped else "KILLED"
        self.client.set_terminated(self.parent, status=status, end_time=self._last_time or None)

    def _experiment(self, name: str) -> str:
        """The experiment's id; it is made where there is none, by whichever of two searches comes first."""
        from mlflow.exceptions import MlflowException

        found = self.client.get_experiment_by_name(name)
        if found is None:
            try:
                return str(self.client.create_experiment(name))
            except MlflowException:
                found = self.client.get_experiment_by_name(name)
                if found is None:
                    raise
        return str(found.experiment_id)

    def _runs(self, where: str) -> Iterator[Any]:
        token: str | None = None
        while True:
            page = self.client.search_runs([self.experiment], where, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _child(self, owner: Token, stamp: int, series: Series) -> str:
        """The run of a candidate (or of its retraining), made at its first result."""
        if owner not in self._children:
            candidate = series.pool.candidates[owner[0]]
            name = f"#{owner[0]}" + (f" seed {owner[1]}" if owner[1] else "")
            tags = {"mlflow.parentRunId": self.parent, CANDIDATE: str(owner[0]), REPLICA: str(owner[1])}
            run = self.client.create_run(self.experiment, start_time=stamp, tags=tags, run_name=name)
            self._children[owner] = run.info.run_id
            params = {"architecture": candidate.text, "key": candidate.key, "origin": candidate.origin}
            self._log_params(run.info.run_id, {**params, "batch": str(candidate.batch)})
        return self._children[owner]

    def _end_child(self, entry: Entry, series: Series) -> None:
        record, stamp = entry.record, round(entry.wall_time * 1000)
        if isinstance(record, Observed):
            run = self._children[record.candidate_id, record.replica]
            self.client.set_terminated(run, status="FINISHED", end_time=stamp)
        elif isinstance(record, Failed) and record.final:
            run = self._children[record.candidate_id, record.replica]
            self.client.set_tag(run, "failure", f"{record.kind}: {record.message}"[:LONGEST])
            self.client.set_terminated(run, status="FAILED", end_time=stamp)

    def _log_metrics(self, run: str, metrics: Sequence[Metric]) -> None:
        for first in range(0, len(metrics), MOST_METRICS):
            self.client.log_batch(run, metrics=metrics[first : first + MOST_METRICS])

    def _log_params(self, run: str, params: Mapping[str, str]) -> None:
        from mlflow.entities import Param

        rows = [Param(key, value[:LONGEST]) for key, value in params.items()]
        for first in range(0, len(rows), MOST_PARAMS):
            self.client.log_batch(run, params=rows[first : first + MOST_PARAMS])

    def _missing(self, run: str, metrics: Iterable[Metric]) -> list[Metric]:
        """``metrics`` without those the run has: the process before may have been killed before it noted its position."""
        metrics = list(metrics)
        has: Counter[tuple[str, int, int, float]] = Counter()
        for key in {metric.key for metric in metrics}:
            has.update((key, m.timestamp, m.step, m.value) for m in self.client.get_metric_history(run, key))
        kept = []
        for metric in metrics:
            name = (metric.key, metric.timestamp, metric.step, metric.value)
            if has[name] > 0:
                has[name] -= 1
            else:
                kept.append(metric)
        return kept


def _knock(uri: str) -> None:
    """Raises StoreError where nothing answers at an http address; the client alone would try for minutes."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https"):
        return
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), CONNECT_SECONDS).close()
    except OSError as error:
        raise StoreError(f"nothing answers at {parts.hostname}:{port} ({error.strerror or error})") from error


@contextmanager
def _hushed(*names: str) -> Iterator[None]:
    """Keeps what a new database says of itself out of the live view."""
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _flat(section: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """``{"a": {"b": 1}}`` as ``{"a.b": "1"}``; empty values are left out."""
    flat: dict[str, str] = {}
    for key, value in section.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        elif value is not None:
            flat[f"{prefix}{key}"] = str(value)
    return flat
