"""The loop that joins a search, an executor and a journal. Policy stays in the search, work in the executor."""

from collections.abc import Callable, Sequence

from ranknosh.core.records import Record, Workers
from ranknosh.core.search import Search
from ranknosh.executors.base import Executor
from ranknosh.runs.session import StopRequest

LOOK_ROUND_SECONDS = 0.5
"""How long the loop waits for a result before it looks at the clock, at stop requests and at the number of workers again."""


def drive(
    search: Search,
    executor: Executor,
    *,
    write: Callable[[Sequence[Record]], None],
    clock: Callable[[], float],
    stop: StopRequest,
) -> None:
    """Run a search until it is done or a stop is requested.

    Args:
        search: to run.
        executor: runs its jobs.
        write: puts records on disk; a job starts after the records of its decision.
        clock: gives the seconds the search has run.
        stop: asked whenever the loop looks around.

    Raises:
        KeyboardInterrupt: where it was stopped from outside, after the progress of the jobs that ran was written.
    """
    noted: Workers | None = None

    def keep(records: Sequence[Record]) -> None:
        if records:
            write(records)

    def note_workers() -> None:
        nonlocal noted
        used = executor.usage()
        record = Workers(used.slots, round(used.busy_seconds, 3), round(used.slot_seconds, 3))
        if record == noted:
            return
        noted = record
        search.pool.apply(record)
        keep([record])

    try:
        while not search.done:
            if noted is None or executor.usage().slots != noted.slots:
                note_workers()
            late = search.limits.wall_seconds is not None and clock() >= search.limits.wall_seconds
            if stop.requested or late:
                executor.request_stop()
            if not stop.requested:
                asked = search.ask(executor.free_slots(), clock())
                keep(asked.records)
                for job in asked.jobs:
                    executor.submit(job)
            for result in executor.wait(LOOK_ROUND_SECONDS):
                keep(search.tell(result))
            if (stop.requested or late) and not executor.running():
                search.forget_running()  # jobs that had not begun were taken back
            if stop.requested and not executor.running():
                raise KeyboardInterrupt
    finally:
        note_workers()
