"""A search as MLflow runs: one parent run, and a child run for every candidate that has a result.

Child runs, because MLflow compares, sorts and filters runs: architecture and origin are their params; accuracy by epoch, level
and size their metrics, so "level = 4, best accuracy first" is a click. As metrics of one run, 5,000 candidates would be 20,000
names in one list. What belongs to the search (best so far, budget, workers, failures) is on the parent, by epochs spent.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ranknosh.config.settings import by_name
from ranknosh.core.records import Failed, Observed
from ranknosh.errors import MissingDependency, StoreError
from ranknosh.runs.files import write_atomic
from ranknosh.runs.journal import Header
from ranknosh.track.mirror import LoggedRecord
from ranknosh.track.series import Series, Token

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.tracking import MlflowClient

FILE = "mlflow.json"
"""Where a run folder keeps the id of its MLflow run."""
EXPERIMENT = "ranknosh"
"""Where runs go if MLFLOW_EXPERIMENT_NAME does not say otherwise."""
POSITION, CANDIDATE, REPLICA = "ranknosh.records", "ranknosh.candidate", "ranknosh.replica"
MOST_METRICS, MOST_PARAMS, LONGEST = 1000, 100, 500
"""Limits of one MLflow request (metrics, params) and of a param's text."""
CONNECT_SECONDS = 5.0


class MlflowLog:
    """The runs of one search. The parent's tag ``ranknosh.records`` says how many records they hold.

    A process that is killed before it sets that tag logs its last points again with the same time and step, which a database
    recognises.

    Args:
        folder: of the search.
        uri: of the store.
        run_name: as MLflow shows it.
    """

    name = "MLflow"
    pause_seconds = 2.0

    def __init__(self, folder: Path, uri: str, run_name: str) -> None:
        if find_spec("mlflow") is None:
            raise MissingDependency("mlflow", "track.mlflow", "track")
        self.folder, self.uri, self.run_name = Path(folder), uri, run_name
        self.client: MlflowClient
        self.experiment = self.parent = ""
        self._children: dict[Token, str] = {}
        self._held = self._last_time = 0

    def open(self, header: Header) -> None:
        _knock(self.uri)
        from mlflow.tracking import MlflowClient

        loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
        before = [logger.level for logger in loggers]
        try:
            for logger in loggers:  # what a new database says of itself stays out of the live view
                logger.setLevel(logging.WARNING)
            self.client = MlflowClient(tracking_uri=self.uri)
            self.experiment = self._experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT)
        finally:
            for logger, level in zip(loggers, before, strict=True):
                logger.setLevel(level)
        path = self.folder / FILE
        known = json.loads(path.read_text()) if path.exists() else {}
        if known.get("uri") == self.uri:
            self._resume(known["run"])
            return
        tags = {"folder": str(self.folder), "command": header.command, "git": header.git or ""}
        tags["mlflow.source.name"] = "ranknosh"
        self.parent = self.client.create_run(self.experiment, tags=tags, run_name=self.run_name).info.run_id
        write_atomic(path, json.dumps({"uri": self.uri, "run": self.parent}).encode())
        given = {key: str(value) for key, value in by_name(header.settings).items() if value not in (None, {})}
        self._log_params(self.parent, given)

    def write(self, entries: Sequence[LoggedRecord], series: Series) -> None:
        new = [entry for entry in entries if entry.number >= self._held]
        if not new:
            return
        from mlflow.entities import Metric

        metrics: dict[str, list[Metric]] = {}
        ended: list[tuple[str, Observed | Failed, int]] = []
        for entry in new:
            record, stamp = entry.record, round(entry.wall_time * 1000)
            if isinstance(record, Observed) or (isinstance(record, Failed) and record.final):
                ended.append((self._child((record.candidate_id, record.replica), stamp, series), record, stamp))
            for point in entry.points:
                run = self.parent if point.owner is None else self._child(point.owner, stamp, series)
                metrics.setdefault(run, []).append(Metric(point.tag, point.value, stamp, point.step))
        for run, values in metrics.items():
            for first in range(0, len(values), MOST_METRICS):
                self.client.log_batch(run, metrics=values[first : first + MOST_METRICS])
        for run, record, stamp in ended:  # an Observed ends a run until the candidate's next level
            if isinstance(record, Failed):
                self.client.set_tag(run, "failure", f"{record.kind}: {record.message}"[:LONGEST])
            status = "FAILED" if isinstance(record, Failed) else "FINISHED"
            self.client.set_terminated(run, status=status, end_time=stamp)
        self._held, self._last_time = new[-1].number + 1, round(new[-1].wall_time * 1000)
        self.client.set_tag(self.parent, POSITION, str(self._held))

    def close(self, series: Series) -> None:
        best = series.pool.best()
        if best is not None:
            self.client.set_tag(self.parent, "best.candidate", str(best.id))
            self.client.set_tag(self.parent, "best.architecture", best.text)
        status = "FINISHED" if series.pool.stopped else "KILLED"
        self.client.set_terminated(self.parent, status=status, end_time=self._last_time or None)

    def _experiment(self, name: str) -> str:
        """The experiment's id; it is created where there is none."""
        from mlflow.exceptions import MlflowException

        found = self.client.get_experiment_by_name(name)
        try:
            return str(self.client.create_experiment(name) if found is None else found.experiment_id)
        except MlflowException:
            found = self.client.get_experiment_by_name(name)
            if found is None:  # so it was not another search that created it
                raise
            return str(found.experiment_id)

    def _resume(self, parent: str) -> None:
        """Log to the runs of an earlier session."""
        tags = self.client.get_run(parent).data.tags
        self.parent, self._held = parent, int(tags.get(POSITION, 0))
        self.client.update_run(parent, status="RUNNING")
        known = f"tags.`mlflow.parentRunId` = '{parent}'"
        page = self.client.search_runs([self.experiment], known)
        while True:
            for run in page:
                tags = run.data.tags
                self._children[int(tags[CANDIDATE]), int(tags[REPLICA])] = run.info.run_id
            if not page.token:
                return
            page = self.client.search_runs([self.experiment], known, page_token=page.token)

    def _child(self, owner: Token, stamp: int, series: Series) -> str:
        """The run of a candidate (or of its retraining), created at its first result."""
        if owner not in self._children:
            candidate = series.pool.candidates[owner[0]]
            name = f"#{owner[0]}" + (f" seed {owner[1]}" if owner[1] else "")
            tags = {"mlflow.parentRunId": self.parent, CANDIDATE: str(owner[0]), REPLICA: str(owner[1])}
            run = self.client.create_run(self.experiment, start_time=stamp, tags=tags, run_name=name)
            self._children[owner] = run.info.run_id
            params = {"architecture": candidate.text, "key": candidate.key, "origin": candidate.origin}
            self._log_params(run.info.run_id, {**params, "batch": str(candidate.batch)})
        return self._children[owner]

    def _log_params(self, run: str, params: Mapping[str, str]) -> None:
        from mlflow.entities import Param

        rows = [Param(key, value[:LONGEST]) for key, value in params.items()]
        for first in range(0, len(rows), MOST_PARAMS):
            self.client.log_batch(run, params=rows[first : first + MOST_PARAMS])


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
