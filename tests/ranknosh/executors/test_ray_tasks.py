"""Jobs on a real Ray cluster of two processes: killed, hung, late, alone, stopped."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from ranknosh.core.records import EpochPoint, Failed, Interrupted, Job, JobResult, Observed
from ranknosh.errors import ClusterError, StoreFull
from ranknosh.spaces.base import Architecture
from tests.processes import HANG_SECONDS, wait_until

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Scripted:
    """A job whose behaviour is its architecture's first code: see ``KINDS``. Attempts are counted in files."""

    folder: Path

    def __call__(self, job, stop, on_epoch):
        kind = KINDS[job.architecture.code[0]]
        attempt = len(list(self.folder.glob(f"{job.candidate_id}-*")))
        (self.folder / f"{job.candidate_id}-{attempt}-{time.time():.4f}").touch()
        began = time.time()
        if kind == "raises":
            return {}["nothing"]
        if kind == "exits":
            sys.exit(3)
        if kind == "ended":
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(HANG_SECONDS)
        if kind == "full":
            raise StoreFull("the disk is full")
        for epoch in range(job.start_epoch + 1, job.stop_epoch + 1):
            time.sleep(0.05)
            if kind == "dies" and attempt == 0 and epoch == 2:
                while not (self.folder / f"heard-{job.candidate_id}-1").exists():
                    time.sleep(0.05)
                os.kill(os.getpid(), signal.SIGKILL)
            if kind == "hangs" or (kind == "late" and attempt == 0):
                time.sleep(HANG_SECONDS)
            on_epoch(job, EpochPoint(epoch, 1.0, 0.5, 0.05, {"accuracy": 0.5, "loss": 1.0}))
            if kind == "stoppable":
                time.sleep(0.2)
                if stop():
                    return JobResult(job, Interrupted(job.candidate_id, job.level, epoch, epoch - job.start_epoch, 0.1))
        (self.folder / f"span-{job.candidate_id}-{began:.4f}-{time.time():.4f}").touch()
        return JobResult(
            job, Observed(job.candidate_id, job.level, 0.5, {"accuracy": 0.5, "loss": 1.0}, job.epochs, 0.1)
        )


KINDS = ("good", "dies", "raises", "full", "hangs", "late", "stoppable", "exits", "ended")


def job(number, kind="good", epochs=1, **more):
    return Job(number, Architecture("toy", (KINDS.index(kind),)), 1, 0, epochs, 0, **more)


@pytest.fixture(scope="module")
def cluster():
    ray = pytest.importorskip("ray")
    from ranknosh.executors.ray_cluster import connected

    with connected("local"):
        ray.cloudpickle.register_pickle_by_value(__import__("sys").modules[__name__])
        yield


@pytest.fixture
def executor(cluster, tmp_path):
    from ranknosh.executors.ray_tasks import RayExecutor

    made = []

    def make(ready=True, **settings):
        heard = []

        def hear(job, point):
            heard.append((job, point))
            (tmp_path / f"heard-{job.candidate_id}-{point.epoch}").touch()

        one = RayExecutor(Scripted(tmp_path), on_epoch=hear, **settings)
        one.heard = heard
        if ready:
            one.get_ready()
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def collect(executor):
    results, until = [], time.monotonic() + HANG_SECONDS
    while executor.running() and time.monotonic() < until:
        results += executor.wait(0.5)
    assert not executor.running(), "jobs are still out"
    return results


def test_every_job_comes_back_once_and_epochs_are_heard_of(executor):
    one = executor()
    jobs = [job(number, epochs=2) for number in range(8)]
    for each in jobs:
        one.submit(each)
    results = collect(one)
    assert sorted(result.job.candidate_id for result in results) == list(range(8))
    assert all(isinstance(result.outcome, Observed) for result in results)
    one._read_board()
    assert {(j.candidate_id, p.epoch) for j, p in one.heard} == {(n, e) for n in range(8) for e in (1, 2)}


def test_one_job_more_than_there_are_workers_is_welcome(executor):
    one = executor(workers=2)
    assert one.free_slots() == 3
    for number in range(3):
        one.submit(job(number))
    assert one.free_slots() == 0
    collect(one)
    assert one.free_slots() == 3


def test_a_killed_worker_is_a_crash_and_the_epoch_it_was_in_is_lost(executor):
    one = executor(saved_epoch=lambda job: 0)
    one.submit(job(1, "dies", epochs=4))
    (result,) = collect(one)
    assert (result.outcome.kind, result.outcome.epochs) == ("crashed", 2)
    assert "its worker process died" in result.outcome.message
    one.submit(job(1, "dies", epochs=4, attempt=2))
    assert isinstance(collect(one)[0].outcome, Observed)


def test_what_a_checkpoint_holds_is_not_lost(executor):
    one = executor(saved_epoch=lambda job: 1)
    one.submit(job(1, "dies", epochs=4))
    assert collect(one)[0].outcome.epochs == 1


def test_what_a_job_raises_is_kept_with_its_traceback(executor):
    one = executor()
    one.submit(job(1, "raises"))
    (result,) = collect(one)
    assert (result.outcome.kind, result.outcome.message) == ("raised", "KeyError: 'nothing'")
    assert 'return {}["nothing"]' in result.outcome.traceback


def test_a_job_that_exits_has_raised_and_a_worker_that_is_ended_is_lost(executor):
    one = executor()
    one.submit(job(1, "exits"))
    assert [(each.outcome.kind, each.outcome.message) for each in collect(one)] == [("raised", "SystemExit: 3")]
    one.submit(job(2, "ended"))
    assert [each.outcome.kind for each in collect(one)] == ["crashed"]


def test_an_error_of_the_search_ends_it(executor):
    one = executor()
    one.submit(job(1, "full"))
    with pytest.raises(StoreFull, match="the disk is full"):
        collect(one)


def test_a_job_that_hangs_is_cancelled_at_its_deadline(executor):
    from ranknosh.executors.pace import Patience

    one = executor(patience=Patience(deadline=1.0))
    one.submit(job(1, "hangs"))
    (result,) = collect(one)
    assert result.outcome.kind == "hung"
    assert "at its deadline" in result.outcome.message


def test_a_straggler_gets_a_second_attempt_and_the_first_result_counts(executor):
    from ranknosh.executors.pace import Patience

    said = []
    one = executor(patience=Patience(None, speculate=2.0, least_straggle=0.5), say=said.append)
    for number in range(6):
        one.submit(job(number))
    collect(one)
    one.submit(job(9, "late"))
    (result,) = collect(one)
    assert isinstance(result.outcome, Observed)
    assert [(beside.candidate_id, beside.epochs) for beside in result.beside] == [(9, 1)]
    assert "a second attempt is started" in said[0]
    assert not one.wait(1.0)


def test_nothing_runs_beside_a_job_that_is_alone(executor, tmp_path):
    one = executor()
    for number in range(3):
        one.submit(job(number, epochs=4))
    one.submit(job(7, epochs=4, alone=True))
    assert one.free_slots() == 0
    assert len(collect(one)) == 4
    spans = {p.name.split("-")[1]: tuple(map(float, p.name.split("-")[2:])) for p in tmp_path.glob("span-*")}
    alone = spans.pop("7")
    assert all(end <= alone[0] or begin >= alone[1] for begin, end in spans.values())


def test_a_stop_keeps_what_ran_and_takes_back_what_did_not(executor):
    one = executor(workers=2)
    for number in range(3):
        one.submit(job(number, "stoppable", epochs=10_000))
    wait_until(lambda: one.wait(0.1) or {0, 1} <= {job.candidate_id for job, _ in one.heard}, "two jobs began")
    one.request_stop()
    outcomes = {result.job.candidate_id: result.outcome for result in collect(one)}
    assert all(isinstance(outcome, Interrupted) for outcome in outcomes.values())
    assert {0, 1} <= outcomes.keys()
    assert 2 not in outcomes or outcomes[2].epoch == 1  # it may have begun in the instant between


def test_map_answers_every_item_and_survives_a_killed_worker(executor, tmp_path):
    one = executor()

    def square(number):
        if number == 5 and not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return number * number

    assert sorted(one.map(square, range(40))) == [(n, n * n) for n in range(40)]
    assert (tmp_path / "died").exists()


def test_map_raises_what_the_function_refuses(executor):
    def refuse(item):
        raise StoreFull("no room for it")

    with pytest.raises(StoreFull, match="no room"):
        list(executor().map(refuse, [1, 2]))


def test_busy_time_is_counted_against_the_slots(executor):
    one = executor()
    one.get_ready()
    for number in range(20):
        one.submit(job(number, epochs=4))
    collect(one)
    used = one.usage()
    assert used.slots == 2
    assert 20 * 4 * 0.05 <= used.busy_seconds <= used.slot_seconds


def test_workers_answer_a_check_before_the_first_job(executor):
    assert len(executor().get_ready(os.getpid)) == 2


def test_workers_are_not_waited_for_after_a_stop_was_asked_for(executor):
    with pytest.raises(KeyboardInterrupt):
        executor().get_ready(lambda: pytest.fail("a worker was started"), stop=lambda: True)


def test_a_need_that_no_node_meets_is_said(executor):
    from ranknosh.executors.resources import Demand, Resources

    with pytest.raises(ClusterError, match=r"a job needs 1 CPU and 0.5 GPU, and no node of this cluster has that"):
        executor(ready=False, demand=Demand(Resources(1, 0.5))).get_ready(wait_seconds=0.0)


def test_a_level_whose_need_no_node_meets_is_said_before_any_job(executor):
    from ranknosh.executors.resources import Demand, Resources

    demand = Demand(Resources(1), {1: Resources(2), 3: Resources(1, 1)})
    with pytest.raises(ClusterError, match=r"a job of level 3 needs 1 CPU and 1 GPU, and no node"):
        executor(ready=False, demand=demand).get_ready(wait_seconds=0.0)


def test_code_that_a_worker_cannot_load_ends_the_search_and_blames_no_candidate(cluster):
    from ranknosh.executors.ray_tasks import RayExecutor

    one = RayExecutor(Unloadable())
    try:
        one.submit(job(1))
        with pytest.raises(ClusterError, match="workers cannot run this search"):
            collect(one)
    finally:
        one.close()


class Unloadable:
    def __reduce__(self):
        return (__import__, ("a_module_that_is_nowhere",))


def test_a_failed_job_is_told_as_a_failure(executor):
    one = executor()
    one.submit(job(3, "raises", attempt=2))
    outcome = collect(one)[0].outcome
    assert isinstance(outcome, Failed)
    assert (outcome.candidate_id, outcome.attempt) == (3, 2)
