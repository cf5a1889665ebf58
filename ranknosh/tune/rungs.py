"""A user's training function as a job runner: the same function that ``as_trainable`` gives to Ray Tune, for our executors."""

import json
import math
import os
import shutil
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple, TypeAlias

from ranknosh.core.records import Failed, FailureKind, Job, JobResult, Observed
from ranknosh.errors import FOREIGN, ConfigError, RankNoshError, StoreError, first_line
from ranknosh.runs.files import read_sealed, write_sealed, writing
from ranknosh.spaces.flat import FlatSpace

TrainFunction: TypeAlias = Callable[[dict[str, Any], Path, int, int, int], Mapping[str, float]]
"""``train(config, folder, start, stop, seed)``: train from ``start`` finished epochs to ``stop`` and return metrics.

``folder`` is the candidate's own. It is empty where start is 0; else it holds what the call that ended at ``start`` left there.
Whatever training needs to be resumed (weights, optimiser, random state) must be written into it.
"""
Mode = Literal["min", "max"]
_METRICS = "metrics"
_STATE = "state"


class Failure(NamedTuple):
    """How a training went wrong, before it is known whether it will be tried again. ``message`` has one line."""

    kind: FailureKind
    message: str
    traceback: str = ""


@dataclass(frozen=True)
class RungRunner:
    """Runs jobs with a training function, for ``InlineExecutor`` and ``RayExecutor``; picklable where the function is.

    A finished rung is a folder ``store/<candidate>-<replica>/<epoch>`` that appears by one rename, with the metrics inside: it is
    found again, and not trained twice, after anything died; of two attempts at one job the first wins. Older rungs of a
    candidate are removed then. A rung lost from the store is trained anew from the newest earlier one.

    Args:
        train: see :data:`TrainFunction`.
        space: of the candidates.
        store: a folder that every worker sees, for what trainings leave.
        metric: the entry of what ``train`` returns that candidates are ranked by.
        mode: whether a larger metric ("max") or a smaller one is better.

    Raises:
        ConfigError: for an unknown mode.
    """

    train: TrainFunction
    space: FlatSpace
    store: Path | str
    _: KW_ONLY
    metric: str
    mode: Mode

    def __post_init__(self) -> None:
        sign_of(self.mode)
        object.__setattr__(self, "store", Path(self.store).absolute())

    def __call__(self, job: Job, *_: object) -> JobResult:
        """Train one rung, which is never interrupted: Failed where training raised or gave a metric that is not finite.

        Raises ConfigError where ``train`` returns no such metric, StoreError where the store cannot be read or written.
        """
        began = time.perf_counter()
        home = Path(self.store) / f"{job.candidate_id:05d}-{job.replica}"
        identity = f"{self.space.format(job.architecture)} with seed {job.seed}"
        rung = home / str(job.stop_epoch)
        with writing(home):
            result = _read(rung, identity) if rung.is_dir() else self._train(job, home, identity)
        seconds = time.perf_counter() - began
        if not isinstance(result, Failure):
            value = result[self.metric]
            if math.isfinite(value):
                return JobResult(job, observed(job, value * sign_of(self.mode), seconds))
            result = Failure("diverged", f"{self.metric} is {value} at epoch {job.stop_epoch}")
        return JobResult(job, failed(job, result, job.epochs, seconds))

    def _train(self, job: Job, home: Path, identity: str) -> Mapping[str, float] | Failure:
        home.mkdir(parents=True, exist_ok=True)
        known = [int(path.name) for path in home.iterdir() if path.name.isdigit()]
        start = max((epoch for epoch in known if epoch <= job.start_epoch), default=0)
        with TemporaryDirectory(prefix=".", dir=home, ignore_cleanup_errors=True) as scratch:
            rung = Path(scratch) / "rung"
            (rung / _STATE).mkdir(parents=True)
            if start:
                _read(home / str(start), identity)  # raises where its state is not to be used
                shutil.copytree(home / str(start) / _STATE, rung / _STATE, dirs_exist_ok=True)
            config = self.space.decode(job.architecture)
            try:
                metrics = checked(self.train(config, rung / _STATE, start, job.stop_epoch, job.seed))
            except RankNoshError:
                raise
            except FOREIGN as error:
                return failure_from(error, "".join(traceback.format_exception(error)))
            if self.metric not in metrics:
                listed = ", ".join(metrics) or "nothing"
                raise ConfigError(f"train returned no {self.metric!r} at epoch {job.stop_epoch}, only {listed}")
            write_sealed(rung / _METRICS, identity, json.dumps(metrics).encode())
            try:
                os.rename(rung, home / str(job.stop_epoch))
            except OSError:
                if not (home / str(job.stop_epoch)).is_dir():  # so it is not that another attempt was first
                    raise
            for epoch in known:
                if epoch < job.stop_epoch:
                    with suppress(OSError):  # what cannot be removed stays
                        os.rename(home / str(epoch), Path(scratch) / str(epoch))  # so that it goes whole or not at all
        return metrics


def sign_of(mode: str) -> int:
    """What a metric is multiplied by so that higher is better. Raises ConfigError for a mode that is neither min nor max."""
    if mode not in ("min", "max"):
        raise ConfigError(f"mode is {mode!r}; it must be min or max")
    return 1 if mode == "max" else -1


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


def failure_from(error: BaseException, trace: str) -> Failure:
    """What a journal holds of something that training raised, and of its traceback."""
    full = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return Failure("out_of_memory" if full else "raised", first_line(error, named=True), trace)


def observed(job: Job, metric: float, seconds: float) -> Observed:
    """A job's result.

    Args:
        job: that ended.
        metric: higher is better.
        seconds: it took.
    """
    return Observed(job.candidate_id, job.level, metric, {}, job.epochs, seconds, replica=job.replica)


def failed(job: Job, failure: Failure, epochs: int, seconds: float = 0.0) -> Failed:
    """A job's failure.

    Args:
        job: that failed.
        failure: how.
        epochs: charged where it is final, else those whose work was lost.
        seconds: it took.
    """
    kind, message, trace = failure
    return Failed(job.candidate_id, job.level, kind, message, epochs, seconds, replica=job.replica, traceback=trace)


def _read(rung: Path, identity: str) -> dict[str, float]:
    """The metrics of a rung. Raises StoreError where it is damaged or another search's."""
    remedy = "remove that folder to train it again, or give this search a folder of its own"
    data = read_sealed(rung / _METRICS, identity, remedy)
    if data is None:
        raise StoreError(f"{rung} is damaged: it has no {_METRICS}; {remedy}")
    metrics: dict[str, float] = json.loads(data)
    return metrics
