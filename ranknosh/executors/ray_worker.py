"""What runs in the processes of a Ray cluster: jobs and items of a map, and the board by which workers and driver talk."""

from __future__ import annotations

import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ranknosh.core.records import EpochPoint, Failed, Job, JobResult
from ranknosh.errors import RankNoshError, first_line
from ranknosh.executors.base import RunJob

_KEPT = 3
_STOP_ANSWER_SECONDS = 10.0
_loaded: OrderedDict[str, Any] = OrderedDict()
Code = tuple[str, Sequence[Any]]
"""A key, and a reference into the object store: in a list, so that Ray hands it over as it is."""


class Event(NamedTuple):
    """An attempt left the queue on a ``node`` (Ray's id of its machine), or finished an epoch, the ``point``."""

    attempt: int
    job: Job
    node: str
    point: EpochPoint | None = None


class Board:
    """An actor on the driver's node: which job began, which epoch is done, whether to stop. Losing it costs no result."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._stopping = False

    def note(self, event: Event) -> None:
        self._events.append(event)

    def drain(self) -> list[Event]:
        """Everything noted since the last call."""
        events, self._events = self._events, []
        return events

    def stop(self) -> None:
        self._stopping = True

    def stopping(self) -> bool:
        return self._stopping


class Refusal(NamedTuple):
    """An error that concerns the search and not a job, by its class's name, because not every error pickles."""

    error: str
    message: str


class Done(NamedTuple):
    """``seconds`` the worker was busy with it."""

    outcome: JobResult | Refusal
    seconds: float


def _load(code: Code) -> Any:
    """The object behind a reference, fetched once a process."""
    key, reference = code
    if key not in _loaded:
        import ray

        _loaded[key] = ray.get(reference[0])
    _loaded.move_to_end(key)
    while len(_loaded) > _KEPT:
        _loaded.popitem(last=False)
    return _loaded[key]


def run_job(code: Code, attempt: int, job: Job, board: Any) -> Done:
    """One job. Whatever its code raises comes back as a value, so that only the loss of this process looks like a loss.

    Args:
        code: of the jobs.
        attempt: its number.
        job: to run.
        board: the actor that hears of its beginning and its epochs.
    """
    import ray

    began = time.monotonic()
    node = ray.get_runtime_context().get_node_id()
    board.note.remote(Event(attempt, job, node))
    run: RunJob = _load(code)

    def stop() -> bool:
        try:
            return bool(ray.get(board.stopping.remote(), timeout=_STOP_ANSWER_SECONDS))
        except ray.exceptions.RayError:
            return False

    def on_epoch(job: Job, point: EpochPoint) -> None:
        board.note.remote(Event(attempt, job, node, point))

    outcome: JobResult | Refusal
    try:
        outcome = _answer(lambda: run(job, stop, on_epoch))
    except Exception as error:
        failed = Failed(
            *(job.candidate_id, job.level, "raised", first_line(error, named=True), 0, time.monotonic() - began),
            attempt=job.attempt,
            replica=job.replica,
            traceback=traceback.format_exc()[-8000:],
        )
        outcome = JobResult(job, failed)
    return Done(outcome, time.monotonic() - began)


def run_items(code: Code, items: Sequence[Any]) -> list[Any] | Refusal:
    """The answers of a function to some items of a map."""
    function: Callable[[Any], Any] = _load(code)
    return _answer(lambda: [function(item) for item in items])


def get_ready(code: Code, check: Callable[[], Any]) -> Any | Refusal:
    """Load the code of the jobs before the first of them, and return what ``check`` does."""
    _load(code)
    return _answer(check)


def _answer(function: Callable[[], Any]) -> Any | Refusal:
    """What a function returns, or the error of the search that it raises."""
    try:
        return function()
    except RankNoshError as error:
        return Refusal(type(error).__name__, str(error))
