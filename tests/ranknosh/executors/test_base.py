"""ranknosh/executors/base.py: jobs in this process, one after another."""

from __future__ import annotations

from ranknosh.core.records import Job, JobResult, Observed
from ranknosh.executors.base import InlineExecutor, Usage
from ranknosh.spaces.base import Architecture


def job(number):
    return Job(number, Architecture("toy", (number,)), 1, 0, 2, seed=number)


def result_of(job):
    return JobResult(job, Observed(job.candidate_id, 1, 0.5, {}, 2, 0.0))


def test_jobs_run_in_the_order_they_came_and_each_when_it_is_waited_for():
    ran = []
    executor = InlineExecutor(lambda job, stop, on_epoch: ran.append(job.candidate_id) or result_of(job))
    assert executor.wait() == []
    executor.submit(job(3))
    assert (executor.free_slots(), executor.running(), ran) == (0, 1, [])
    executor.submit(job(4))
    assert [executor.wait()[0].job.candidate_id for _ in range(2)] == ran == [3, 4]
    assert (executor.free_slots(), executor.running()) == (1, 0)
    executor.submit(job(5))
    executor.close()
    assert executor.wait() == []


def test_a_job_learns_that_it_should_stop_from_the_executor_or_the_caller():
    stops, caller = [], []
    executor = InlineExecutor(
        lambda job, stop, on_epoch: stops.append(stop()) or result_of(job), stop=lambda: bool(caller)
    )
    for change in (lambda: None, lambda: caller.append(1), lambda: caller.clear(), executor.request_stop):
        change()
        executor.submit(job(0))
        executor.wait()
    assert stops == [False, True, False, True]


def test_time_there_was_a_slot_counts_from_the_first_job_and_is_no_less_than_what_jobs_took():
    executor = InlineExecutor(lambda job, stop, on_epoch: result_of(job))
    assert executor.usage() == Usage(1, 0.0, 0.0)
    for number in range(3):
        executor.submit(job(number))
        executor.wait()
        assert 0 < executor.usage().busy_seconds <= executor.usage().slot_seconds
