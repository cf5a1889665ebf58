"""What runs in the processes of a Ray cluster: jobs and items of a map, and the board by which workers and driver talk."""

import signal
import time
import traceback
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ranknosh.core.records import EpochPoint, Failed, Job, JobResult
from ranknosh.errors import FOREIGN, RankNoshError, first_line
from ranknosh.executors.base import RunJob

_STOP_ANSWER_SECONDS = 10.0
Code = tuple[Any]
"""A reference into the object store: in a tuple, so that Ray hands it over as it is."""


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


class Done(NamedTuple):
    """``seconds`` the worker was busy with it."""

    result: JobResult
    seconds: float


@lru_cache(maxsize=3)
def _load(code: Code) -> Any:
    """The object behind a reference, fetched once a process."""
    import ray

    return ray.get(code[0])


def run_job(code: Code, attempt: int, job: Job, board: Any) -> Done:
    """One job. What it raises is its result, but for the errors that concern the whole search.

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

    # Ray raises SystemExit in the job of a worker that is ended, as sys.exit() of a user's code does: that one has to be lost.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        result = run(job, stop, on_epoch)
    except RankNoshError:
        raise
    except FOREIGN as error:
        failed = Failed(
            *(job.candidate_id, job.level, "raised", first_line(error, named=True), 0, time.monotonic() - began),
            attempt=job.attempt,
            replica=job.replica,
            traceback=traceback.format_exc()[-8000:],
        )
        result = JobResult(job, failed)
    return Done(result, time.monotonic() - began)


def run_items(code: Code, items: Sequence[Any], threads: int) -> list[Any]:
    """The answers of a function to some items of a map.

    Args:
        code: of the function.
        items: its arguments.
        threads: of the driver, as sums may depend on their number in the last bit.
    """
    import torch

    from ranknosh.training.surroundings import surroundings

    with surroundings(threads, torch.device("cpu")):
        return list(map(_load(code), items))


def get_ready(code: Code, check: Callable[[], Any]) -> Any:
    """Load the code of the jobs before the first of them, and return what ``check`` does."""
    _load(code)
    return check()
