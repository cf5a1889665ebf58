"""Jobs answered from a table of finished trainings, at once, with the seconds that the training took."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from ranknosh.core.records import Failed, Job, JobResult, Observed
from ranknosh.data.table import Accounting, Reading, Table
from ranknosh.errors import DataError
from ranknosh.executors.base import Answer, Item, Usage


class TabularExecutor:
    """Reads the results of jobs from a table instead of training.

    ``metric`` is the accuracy as a fraction; ``seconds`` are the table's, in proportion to the epochs charged. Results come
    back in the order of the jobs.

    Args:
        table: of finished trainings.
        seed: which training of the table each architecture shows (see :class:`~ranknosh.data.table.Reading`).
        accounting: the pyramid must have :attr:`epochs` as its levels, which prices a promotion as a training that is resumed
            ("resume": 12 + 188 epochs) or as one begun anew ("scratch": 12 + 200).
        capacity: jobs that are taken at once.

    Raises:
        DataError: from :meth:`submit`, for an architecture that the table does not hold and for a job whose levels are not
            the table's.
    """

    def __init__(self, table: Table, seed: int, accounting: Accounting = "resume", capacity: int = 1) -> None:
        self.table = table
        self.epochs = table.schedule(accounting)
        self.capacity = capacity
        self._reading = Reading(table, seed)
        self._finished: deque[JobResult] = deque()

    def free_slots(self) -> int:
        return self.capacity - len(self._finished)

    def submit(self, job: Job) -> None:
        if not 1 <= job.level <= len(self.epochs) or job.stop_epoch != self.epochs[job.level - 1]:
            raise DataError(
                f"a job trains to epoch {job.stop_epoch} at level {job.level}, but this table's levels end at epochs "
                f"{', '.join(map(str, self.epochs))}; give the pyramid these epochs"
            )
        row = self.table.row(job.architecture)
        metric = self._reading.metric(row, job.level, job.replica)
        seconds = float(self.table.seconds[row]) * job.epochs / self.table.epochs[-1]
        outcome: Observed | Failed
        if metric is None:
            message = f"the table has no training number {job.replica + 1} of this architecture"
            outcome = Failed(job.candidate_id, job.level, "invalid", message, 0, 0.0, replica=job.replica)
        else:
            params = None if self.table.params is None else int(self.table.params[row])
            outcome = Observed(
                job.candidate_id, job.level, metric, metric, None, job.epochs, seconds, params, replica=job.replica
            )
        self._finished.append(JobResult(job, outcome))

    def running(self) -> int:
        return len(self._finished)

    def wait(self, timeout: float | None = None) -> list[JobResult]:
        results = list(self._finished)
        self._finished.clear()
        return results

    def request_stop(self) -> None:
        """Nothing runs here that could be stopped."""

    def map(self, function: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[tuple[int, Answer]]:
        yield from ((index, function(item)) for index, item in enumerate(items))

    def usage(self) -> Usage:
        """Nothing takes time here."""
        return Usage(self.capacity, 0.0, 0.0)

    def close(self) -> None:
        self._finished.clear()
