"""A user's training function as a job runner: the same function that ``as_trainable`` gives to Ray Tune, for our executors."""

from __future__ import annotations

import json
import math
import os
import shutil
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ranknosh.core.records import EpochPoint, Failed, FailureKind, Job, JobResult, Observed
from ranknosh.errors import ConfigError, RankNoshError, StoreError, first_line
from ranknosh.runs.files import writing
from ranknosh.spaces.flat import FlatSpace

TrainFunction: TypeAlias = Callable[[dict[str, Any], Path, int, int, int], Mapping[str, float]]
"""``train(config, folder, start, stop, seed)``: train from ``start`` finished epochs to ``stop`` and return metrics.

``folder`` is the candidate's own. It is empty where start is 0; else it holds what the call that ended at ``start`` left there.
Whatever training needs to be resumed (weights, optimiser, random state) must be written into it.
"""
_METRICS = "metrics.json"
_STATE = "state"


@dataclass(frozen=True)
class RungRunner:
    """Runs jobs of ``space`` with ``train``; picklable where ``train`` is. ``store`` must be seen by every worker.

    A finished rung is a folder ``store/<candidate>-<replica>/<epoch>`` that appears by one rename, with the metrics inside: it is
    found again, and not trained twice, after anything died; of two attempts at one job the first wins. Older rungs of a
    candidate are removed then. A rung lost from the store is trained anew from the newest earlier one.
    """

    train: TrainFunction
    space: FlatSpace
    store: Path
    metric: str
    mode: Literal["min", "max"]

    def __call__(
        self,
        job: Job,
        stop: Callable[[], bool] = lambda: False,
        on_epoch: Callable[[Job, EpochPoint], None] | None = None,
    ) -> JobResult:
        """Train one rung.

        Args:
            job: one candidate from one level to the next.
            stop: not used: a rung is not interrupted.
            on_epoch: not used.

        Returns:
            Observed, or Failed where training raised, ran out of memory or gave a metric that is not finite.

        Raises:
            ConfigError: where ``train`` returns no such metric.
            StoreError: where the store cannot be read or written.
        """
        began, trace = time.perf_counter(), ""
        home = self.store / f"{job.candidate_id:05d}-{job.replica}"
        identity = {"text": self.space.format(job.architecture), "seed": job.seed}
        with writing(home):
            found = _read(home / str(job.stop_epoch), identity)
            metrics = self._train(job, home, identity) if found is None else found
        seconds = time.perf_counter() - began
        kind: FailureKind = "diverged"
        if isinstance(metrics, Exception):
            kind, message = failure_words(metrics)
            trace = "".join(traceback.format_exception(metrics))
        elif math.isfinite(value := metrics[self.metric]):
            metric = value if self.mode == "max" else -value
            done = Observed(job.candidate_id, job.level, metric, None, None, job.epochs, seconds, replica=job.replica)
            return JobResult(job, done)
        else:
            message = f"{self.metric} is {value} at epoch {job.stop_epoch}"
        failed = Failed(job.candidate_id, job.level, kind, message, job.epochs, seconds, replica=job.replica)
        return JobResult(job, replace(failed, traceback=trace))

    def _train(self, job: Job, home: Path, identity: Mapping[str, Any]) -> Mapping[str, float] | Exception:
        """The metrics of a new rung, or what the function raised."""
        home.mkdir(parents=True, exist_ok=True)
        start = max((epoch for epoch in _epochs(home) if epoch <= job.start_epoch), default=0)
        work = home / f".{uuid.uuid4().hex}.tmp"
        try:
            (work / _STATE).mkdir(parents=True)
            if start and _read(home / str(start), identity) is not None:
                shutil.copytree(home / str(start) / _STATE, work / _STATE, dirs_exist_ok=True)
            config = self.space.decode(job.architecture)
            try:
                metrics = checked(self.train(config, work / _STATE, start, job.stop_epoch, job.seed))
            except RankNoshError:
                raise
            except Exception as error:
                return error
            if self.metric not in metrics:
                listed = ", ".join(metrics) or "nothing"
                raise ConfigError(f"train returned no {self.metric!r} at epoch {job.stop_epoch}, only {listed}")
            (work / _METRICS).write_text(json.dumps({**identity, "metrics": metrics}))
            _publish(work, home / str(job.stop_epoch))
            for epoch in _epochs(home):
                if epoch < job.stop_epoch:
                    shutil.rmtree(home / str(epoch), ignore_errors=True)
            return metrics
        finally:
            shutil.rmtree(work, ignore_errors=True)


def rung_runner(
    train: TrainFunction, space: FlatSpace, store: Path | str, *, metric: str, mode: Literal["min", "max"]
) -> RungRunner:
    """What an executor runs jobs of a training function with.

    Args:
        train: see :data:`TrainFunction`.
        space: of the candidates.
        store: a folder that every worker sees, for what trainings leave.
        metric: the entry of what ``train`` returns that candidates are ranked by.
        mode: whether a larger metric ("max") or a smaller one is better.

    Raises:
        ConfigError: for an unknown mode.
    """
    if mode not in ("min", "max"):
        raise ConfigError(f"mode is {mode!r}; it must be min or max")
    return RungRunner(train, space, Path(store).absolute(), metric, mode)


def checked(metrics: Any) -> dict[str, float]:
    """What a training function returned, as plain floats. Raises ConfigError where it is no dictionary of numbers."""
    if not isinstance(metrics, Mapping):
        raise ConfigError(
            f"train returned {type(metrics).__name__}; it must return a dictionary of metrics, {{'accuracy': 0.9}}"
        )
    try:
        return {str(key): float(value) for key, value in metrics.items()}
    except (TypeError, ValueError) as error:
        raise ConfigError(f"train returned a metric that is no number: {error}") from error


def failure_words(error: BaseException) -> tuple[FailureKind, str]:
    """What a journal holds of something that training raised: its kind, and a message of one line."""
    full = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return ("out_of_memory" if full else "raised"), first_line(error, named=True)


def _epochs(home: Path) -> list[int]:
    """Epochs of the whole rungs in a candidate's folder."""
    return sorted(int(path.name) for path in home.iterdir() if path.name.isdigit()) if home.is_dir() else []


def _read(rung: Path, identity: Mapping[str, Any]) -> dict[str, float] | None:
    """The metrics of a rung, None where there is none. Raises StoreError where it is another search's."""
    if not rung.is_dir():
        return None
    try:
        row = json.loads((rung / _METRICS).read_text())
        metrics: dict[str, float] = row["metrics"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{rung} is damaged ({error}); remove that folder to train it again") from error
    if any(row.get(key) != value for key, value in identity.items()):
        raise StoreError(f"{rung} belongs to another search ({row.get('text')}); give this search a folder of its own")
    return metrics


def _publish(work: Path, rung: Path) -> None:
    """Give a finished rung its name, unless another attempt did so first."""
    try:
        os.rename(work, rung)
    except OSError:
        if not rung.is_dir():
            raise
