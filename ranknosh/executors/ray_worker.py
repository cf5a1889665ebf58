"""What runs in the worker processes of a Ray cluster: jobs and items of a map, around code that each process loads once."""

from __future__ import annotations

import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ranknosh.core.records import EpochPoint, Failed, Job, JobResult
from ranknosh.errors import RankNoshError
from ranknosh.executors.base import RunJob
from ranknosh.executors.board import Began, WorkerEpoch

_KEPT = 3
_loaded: OrderedDict[str, Any] = OrderedDict()
STOP_ANSWER_SECONDS = 10.0


class Refusal(NamedTuple):
    """An error that concerns the search and not a job, by its class's name, because not every error pickles."""

    error: str
    message: str


class Done(NamedTuple):
    """``seconds`` the worker was busy with it."""

    outcome: JobResult | Refusal
    seconds: float


def load(key: str, reference: Sequence[Any]) -> Any:
    """The object behind ``reference`` (a list, so that Ray hands the reference over as it is), fetched once a process."""
    if key not in _loaded:
        import ray

        _loaded[key] = ray.get(reference[0])
    _loaded.move_to_end(key)
    while len(_loaded) > _KEPT:
        _loaded.popitem(last=False)
    return _loaded[key]


def run_job(key: str, reference: Sequence[Any], attempt: int, job: Job, board: Any) -> Done:
    """One job. Whatever its code raises comes back as a value, so that only the loss of this process looks like a loss.

    Args:
        key: of the code in this process.
        reference: of the code in the object store.
        attempt: its number.
        job: to run.
        board: the actor that hears of its beginning and its epochs.
    """
    import ray

    began = time.monotonic()
    board.note.remote(Began(attempt, ray.get_runtime_context().get_node_id()))
    run: RunJob = load(key, reference)

    def stop() -> bool:
        try:
            return bool(ray.get(board.stopping.remote(), timeout=STOP_ANSWER_SECONDS))
        except ray.exceptions.RayError:
            return False

    def on_epoch(job: Job, point: EpochPoint) -> None:
        board.note.remote(WorkerEpoch(attempt, job, point))

    outcome: JobResult | Refusal
    try:
        outcome = run(job, stop, on_epoch)
    except RankNoshError as error:
        outcome = Refusal(type(error).__name__, str(error))
    except Exception as error:
        message = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
        failed = Failed(
            *(job.candidate_id, job.level, "raised", message, 0, time.monotonic() - began),
            attempt=job.attempt,
            replica=job.replica,
            traceback=traceback.format_exc()[-8000:],
        )
        outcome = JobResult(job, failed)
    return Done(outcome, time.monotonic() - began)


def run_items(key: str, reference: Sequence[Any], items: Sequence[Any]) -> list[Any] | Refusal:
    """The answers to some items of a map.

    Args:
        key: of the function in this process.
        reference: of the function in the object store.
        items: to answer.
    """
    function: Callable[[Any], Any] = load(key, reference)
    try:
        return [function(item) for item in items]
    except RankNoshError as error:
        return Refusal(type(error).__name__, str(error))


def get_ready(key: str, reference: Sequence[Any], check: Callable[[], Any] | None) -> Any | Refusal:
    """Load the code of the jobs before the first of them.

    Args:
        key: of the code in this process.
        reference: of the code in the object store.
        check: whose answer is returned.
    """
    load(key, reference)
    try:
        return check() if check is not None else None
    except RankNoshError as error:
        return Refusal(type(error).__name__, str(error))
