"""Jobs in threads: as many at once as there are workers, each result once, late ones told so."""

import threading
import time

import pytest

from ranknosh.core.records import Failed, Interrupted, JobResult, Observed
from ranknosh.errors import StoreFull
from ranknosh.executors.pace import Patience
from ranknosh.executors.parallel import ParallelExecutor
from tests.own_training import job


def good(a_job):
    return JobResult(a_job, Observed(a_job.candidate_id, a_job.level, 0.5, {"accuracy": 0.5}, a_job.epochs, 0.1))


class Gate:
    """Jobs that wait until they are let through; knows how many are inside."""

    def __init__(self):
        self.open, self.inside, self.most, self.lock = threading.Event(), 0, 0, threading.Lock()

    def __call__(self, late):
        def run(a_job, stop, on_epoch):
            with self.lock:
                self.inside += 1
                self.most = max(self.most, self.inside)
            began = time.monotonic()
            while not self.open.wait(0.01):
                if stop():
                    return JobResult(a_job, Interrupted(a_job.candidate_id, a_job.level, 0, 0, 0.1))
                if late(time.monotonic() - began):
                    return JobResult(a_job, Failed(a_job.candidate_id, a_job.level, "hung", "late", 2, 0.1))
            with self.lock:
                self.inside -= 1
            return good(a_job)

        return run


def collect(executor):
    results = []
    while executor.running():
        results += executor.wait(0.05)
    return results


def test_as_many_jobs_run_at_once_as_there_are_workers_and_each_comes_back_once():
    gate = Gate()
    executor = ParallelExecutor(gate, 3)
    assert (executor.free_slots(), executor.running(), executor.wait(0.01)) == (3, 0, [])
    for number in range(3):
        executor.submit(job(number))
    assert (executor.free_slots(), executor.running(), executor.wait(0.01)) == (0, 3, [])
    while gate.inside < 3:
        time.sleep(0.01)
    gate.open.set()
    assert sorted(result.job.candidate_id for result in collect(executor)) == [0, 1, 2]
    assert (gate.most, executor.free_slots()) == (3, 3)
    usage = executor.usage()
    assert usage.slots == 3
    assert 0 < usage.busy_seconds <= usage.slot_seconds


def test_a_job_that_is_alone_waits_until_nothing_else_runs():
    gate = Gate()
    executor = ParallelExecutor(gate, 4)
    executor.submit(job(0))
    executor.submit(job(1, alone=True))
    assert (executor.free_slots(), executor.running()) == (0, 2)
    gate.open.set()
    assert len(collect(executor)) == 2
    assert gate.most == 1


def test_a_stop_reaches_the_jobs():
    executor = ParallelExecutor(Gate(), 2)
    executor.submit(job(0))
    executor.request_stop()
    assert isinstance(collect(executor)[0].outcome, Interrupted)


def test_closing_ends_what_runs_and_waits_for_it():
    gate = Gate()
    executor = ParallelExecutor(gate, 2)
    executor.submit(job(0))
    executor.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "candidate 0"]


def test_a_job_beyond_its_deadline_is_told_so():
    executor = ParallelExecutor(Gate(), 1, Patience(deadline=0.02))
    executor.submit(job(0))
    assert collect(executor)[0].outcome.kind == "hung"


def test_the_deadline_follows_from_the_jobs_that_ended():
    gate = Gate()
    executor = ParallelExecutor(gate, 1, Patience(deadline="auto", least_deadline=0.05))
    gate.open.set()
    for number in range(5):
        executor.submit(job(number))
        collect(executor)
    gate.open.clear()
    executor.submit(job(5))
    assert collect(executor)[0].outcome.kind == "hung"


def test_what_ends_the_search_is_raised_where_results_are_waited_for():
    def full(late):
        def run(a_job, stop, on_epoch):
            raise StoreFull("the disk is full")

        return run

    executor = ParallelExecutor(full, 1)
    executor.submit(job(0))
    with pytest.raises(StoreFull):
        collect(executor)
    assert executor.running() == 0


def test_items_are_mapped_here():
    assert list(ParallelExecutor(Gate(), 2).map(str, [3, 4])) == [(0, "3"), (1, "4")]
