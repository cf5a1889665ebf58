"""What is asked of an executor."""

from __future__ import annotations

import time
from collections.abc import Callable

from ranknosh.core.records import EpochPoint, Failed, Interrupted, Job, JobResult, Observed
from ranknosh.executors.base import Executor, RunJob
from ranknosh.spaces.base import Architecture
from ranknosh.testing.saying import expect, tried

MakeExecutor = Callable[[RunJob], Executor]
_JOBS = 7
_LAST = 20
_PATIENCE = 5.0
"""Seconds for which the last job waits to be stopped."""
_WAITS = 200


def run_by_formula(job: Job, stop: Callable[[], bool], on_epoch: Callable[[Job, EpochPoint], None]) -> JobResult:
    """A job without training: candidate i has the metric i / 10; candidate 3 diverges; the last one waits to be stopped.

    Args:
        job: that an executor runs.
        stop: whether it was asked to end.
        on_epoch: hears of no epoch, as none is trained.
    """
    until = time.monotonic() + (_PATIENCE if job.candidate_id == _LAST else 0.0)
    while time.monotonic() < until and not stop():
        time.sleep(0.01)
    if stop():
        return JobResult(job, Interrupted(job.candidate_id, job.level, job.start_epoch, 0, 0.0))
    if job.candidate_id == 3:
        return JobResult(job, Failed(job.candidate_id, job.level, "diverged", "loss is nan", 1, 0.0))
    return JobResult(job, Observed(job.candidate_id, job.level, job.candidate_id / 10, {}, job.epochs, 0.0))


def square(number: int) -> int:
    """What ``map`` is tried with."""
    return number * number


def check_executor(make: MakeExecutor) -> None:
    """Check everything that a search asks of an executor, with jobs that train nothing.

    Args:
        make: gives an executor that runs jobs by the function it is given, which pickles.

    Raises:
        AssertionError: says what does not hold.
    """
    executor = tried("making the executor", lambda: make(run_by_formula))
    what = f"the executor {type(executor).__name__}"
    try:
        expect(executor.wait(0.01) == [], f"{what} has results before there are jobs")
        expect(executor.running() == 0, f"{what} runs something before there are jobs")
        _check_jobs(executor, [_job(number) for number in range(_JOBS)], what)
        answers = dict(tried(f"{what}: map", lambda: list(executor.map(square, [3, 1, 2]))))
        expect(answers == {0: 9, 1: 1, 2: 4}, f"{what}: map gave {answers} for the squares of 3, 1 and 2")
        used = executor.usage()
        expect(used.slots >= 1 and used.busy_seconds >= 0, f"{what}: usage is {used}")
        executor.submit(_job(_LAST, epochs=3))
        tried(f"{what}: request_stop", executor.request_stop)
        late = _results(executor, what)
        expect(
            [type(result.outcome) for result in late] in ([Interrupted], []),  # none of a job that had not begun
            f"{what}: after request_stop a job ends as {[type(result.outcome).__name__ for result in late]}, not as Interrupted",
        )
    finally:
        tried(f"{what}: close", executor.close)
    tried(f"{what}: closing twice", executor.close)


def _job(number: int, epochs: int = 1) -> Job:
    return Job(number, Architecture("toy", (number,)), 1, 0, epochs, number)


def _check_jobs(executor: Executor, jobs: list[Job], what: str) -> None:
    """Every job comes back once, and as it ended."""
    left, results = list(jobs), []
    for _ in range(_WAITS):
        while left and executor.free_slots() > 0:
            executor.submit(left.pop(0))
        if not left and not executor.running():
            break
        expect(executor.running() > 0, f"{what} has no free slot and runs nothing")
        results += tried(f"{what}: wait", lambda: executor.wait(5.0))
    came = sorted(result.job.candidate_id for result in results)
    expect(
        came == [job.candidate_id for job in jobs], f"{what}: results of jobs {came} came for jobs 0 to {len(jobs) - 1}"
    )
    expect(executor.wait(0.01) == [], f"{what} gives a result twice")
    for result in results:
        ended, number = result.outcome, result.job.candidate_id
        if number == 3:
            expect(isinstance(ended, Failed), f"{what}: a job that failed came back as {type(ended).__name__}")
        else:
            right = isinstance(ended, Observed) and ended.metric == number / 10
            expect(right, f"{what}: job {number} came back as {ended}")


def _results(executor: Executor, what: str) -> list[JobResult]:
    results: list[JobResult] = []
    for _ in range(_WAITS):
        if not executor.running():
            return results
        results += executor.wait(5.0)
    raise AssertionError(f"{what}: jobs never end")
