"""A search as MLflow runs: one parent run, and a child run for every candidate that has a result.

Child runs, because MLflow compares, sorts and filters runs: architecture and origin are their params; accuracy by epoch, level
and size their metrics, so "level = 4, best accuracy first" is a click. As metrics of one run, 5,000 candidates would be 20,000
names in one list. What belongs to the search (best so far, budget, workers, failures) is on the parent, by epochs spent.
"""

import json
import logging
import os
import socket
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ranknosh.config.settings import by_name
from ranknosh.core.pool import Pool
from ranknosh.core.records import Failed, Observed, Token, token_of
from ranknosh.errors import MissingDependency, StoreError
from ranknosh.runs.files import write_atomic
from ranknosh.runs.journal import Header
from ranknosh.track.series import Entry, by_owner

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
        self.client: Any = None
        self.experiment = self.parent = ""
        self._children: dict[Token, str] = {}
        self._last_time: int | None = None

    def open(self, header: Header) -> int:
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
            return self._resume(known["run"])
        tags = {"folder": str(self.folder), "command": header.command, "git": header.git or ""}
        tags["mlflow.source.name"] = "ranknosh"
        self.parent = self.client.create_run(self.experiment, tags=tags, run_name=self.run_name).info.run_id
        write_atomic(path, json.dumps({"uri": self.uri, "run": self.parent}).encode())
        given = {key: str(value) for key, value in by_name(header.settings).items() if value not in (None, {})}
        self._log_params(self.parent, given)
        return 0

    def write(self, entries: Sequence[Entry], pool: Pool) -> None:
        from mlflow.entities import Metric

        for owner, points in by_owner(entries).items():
            run = self.parent if owner is None else self._child(owner, points[0].stamp, pool)
            metrics = [Metric(point.tag, point.value, point.stamp, point.step) for point in points]
            for first in range(0, len(metrics), MOST_METRICS):
                self.client.log_batch(run, metrics=metrics[first : first + MOST_METRICS])
        for entry in entries:  # an Observed ends a run until the candidate's next level
            record = entry.record
            if isinstance(record, Observed) or (isinstance(record, Failed) and record.final):
                run, status = self._child(token_of(record), entry.stamp, pool), "FINISHED"
                if isinstance(record, Failed):
                    status = "FAILED"
                    self.client.set_tag(run, "failure", f"{record.kind}: {record.message}"[:LONGEST])
                self.client.set_terminated(run, status=status, end_time=entry.stamp)
        self._last_time = entries[-1].stamp
        self.client.set_tag(self.parent, POSITION, str(entries[-1].number + 1))

    def close(self, pool: Pool) -> None:
        best = pool.best()
        if best is not None:
            self.client.set_tag(self.parent, "best.candidate", str(best.id))
            self.client.set_tag(self.parent, "best.architecture", best.text)
        status = "FINISHED" if pool.stopped else "KILLED"
        self.client.set_terminated(self.parent, status=status, end_time=self._last_time)

    def _experiment(self, name: str) -> str:
        """The experiment's id; it is created where there is none."""
        from mlflow.exceptions import MlflowException

        try:
            return str(self.client.create_experiment(name))
        except MlflowException:
            found = self.client.get_experiment_by_name(name)
            if found is None:  # so it is not that there is one already
                raise
            return str(found.experiment_id)

    def _resume(self, parent: str) -> int:
        """Log to the runs of an earlier session. Returns how many records they hold."""
        self.parent = parent
        self.client.update_run(parent, status="RUNNING")
        page_token: str | None = None
        while page_token != "":
            query = f"tags.`mlflow.parentRunId` = '{parent}'"
            page = self.client.search_runs([self.experiment], query, page_token=page_token)
            for run in page:
                tags = run.data.tags
                self._children[Token(int(tags[CANDIDATE]), int(tags[REPLICA]))] = run.info.run_id
            page_token = page.token or ""
        return int(self.client.get_run(parent).data.tags.get(POSITION, 0))

    def _child(self, owner: Token, stamp: int, pool: Pool) -> str:
        """The run of a candidate (or of its retraining), created at its first result."""
        if owner not in self._children:
            candidate = pool.candidates[owner.candidate_id]
            name = f"#{candidate.id}" + (f" seed {owner.replica}" if owner.replica else "")
            tags = {"mlflow.parentRunId": self.parent, CANDIDATE: str(candidate.id), REPLICA: str(owner.replica)}
            created = self.client.create_run(self.experiment, start_time=stamp, tags=tags, run_name=name)
            run = self._children[owner] = created.info.run_id
            params = {"architecture": candidate.text, "key": candidate.key, "origin": candidate.origin}
            self._log_params(run, {**params, "batch": str(candidate.batch)})
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
