"""Virtual time against schedules worked by hand, and against the rule that decisions do not depend on workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from ranknosh.core.budget import Limits
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import Failed, Interrupted, Job, JobResult, Observed, Record
from ranknosh.core.search import Search
from ranknosh.executors.simulated import Cluster, SimulatedExecutor
from ranknosh.runs.session import StopRequest
from ranknosh.spaces.base import Architecture
from ranknosh.streams import stream
from ranknosh.workflows.search.loop import drive
from tests.ranknosh_simulation import StreamProposer, answer, decisions

PYRAMID = Pyramid.make([1, 2, 4, 8], 0.5, initial=8, batch=8)


def job(number: int, epochs: int = 4, start: int = 0, level: int = 1) -> Job:
    return Job(number, Architecture("toy", (number,)), level, start, start + epochs, 0)


def good(job: Job) -> Observed:
    return Observed(job.candidate_id, job.level, 0.5, {}, job.epochs, 0.0, replica=job.replica)


def executor(
    seconds: Sequence[float], outcome: Callable[[Job], Observed | Failed] = good, workers: int = 1, **cluster
) -> SimulatedExecutor:
    """Candidate i's jobs take ``seconds[i]`` on a healthy worker."""
    results = lambda job: replace(outcome(job), seconds=seconds[job.candidate_id])  # noqa: E731
    return SimulatedExecutor(results, Cluster(**cluster), workers)


def lasting(seconds: float) -> Callable[[Job], Observed]:
    """Every job takes so long on a healthy worker."""
    return lambda job: replace(good(job), seconds=seconds)


def death(seed: int, number: int, attempt: int, mtbf: float) -> float:
    """When the worker at candidate ``number``'s first level dies, by the stream that says so."""
    return float(stream(seed, "death", number, 1, 0, attempt).exponential(mtbf))


def test_two_workers_four_jobs_by_hand():
    # A runs 0-5 then nothing; B runs 0-3, then candidate 2 3-5, then ... worked out below:
    #   worker 0: candidate 0 from 0 to 5, candidate 3 from 5 to 9
    #   worker 1: candidate 1 from 0 to 3, candidate 2 from 3 to 5.5
    simulated = executor([5.0, 3.0, 2.5, 4.0], workers=2)
    assert (simulated.free_slots(), simulated.running(), simulated.now) == (2, 0, 0.0)
    todo, ended = [job(number) for number in range(4)], []
    while todo or simulated.running():
        while todo and simulated.free_slots():
            simulated.submit(todo.pop(0))
        for result in simulated.wait():
            ended.append((simulated.now, result.job.candidate_id, result.outcome.seconds))
    assert ended == [(3.0, 1, 3.0), (5.0, 0, 5.0), (5.5, 2, 2.5), (9.0, 3, 4.0)]
    used = simulated.usage()
    assert (used.slots, used.busy_seconds, used.slot_seconds) == (2, 14.5, 18.0)
    assert simulated.wait() == []
    assert simulated.now == 9.0


def test_what_ends_at_one_moment_comes_back_together():
    simulated = executor([2.0, 2.0, 3.0], workers=3)
    for number in range(3):
        simulated.submit(job(number))
    assert [result.job.candidate_id for result in simulated.wait()] == [0, 1]
    assert [result.job.candidate_id for result in simulated.wait()] == [2]


def test_more_jobs_than_workers_wait_their_turn():
    simulated = executor([2.0, 3.0], workers=1)
    simulated.submit(job(0))
    simulated.submit(job(1))
    assert (simulated.free_slots(), simulated.running()) == (0, 2)
    assert [result.outcome.candidate_id for result in simulated.wait()] == [0]
    simulated.wait()
    assert simulated.now == 5.0


def test_start_up_delays_the_first_job_and_is_no_slot_time():
    simulated = executor([4.0], workers=2, startup=10.0)
    simulated.submit(job(0))
    simulated.wait()
    assert simulated.now == 14.0
    assert simulated.usage() == (2, 4.0, 8.0)


def test_stragglers_take_longer():
    simulated = executor([4.0], workers=1, stragglers=1.0, slowdown=2.5)
    simulated.submit(job(0))
    assert simulated.wait()[0].outcome.seconds == 10.0
    wanted = [stream(0, "straggler", n, 1, 0, 1).random() < 0.5 for n in range(20)]
    some = executor([1.0] * 20, workers=20, stragglers=0.5, slowdown=2.0)
    for number in range(20):
        some.submit(job(number))
    slow = {result.job.candidate_id for _ in range(2) for result in some.wait() if result.outcome.seconds == 2.0}
    assert slow == {number for number in range(20) if wanted[number]}


def test_a_training_that_fails_ends_when_it_failed():
    def diverges(job: Job) -> Failed:
        return Failed(job.candidate_id, job.level, "diverged", "loss is nan", 1, 0.0)

    simulated = executor([2.0], diverges, workers=1)
    simulated.submit(job(0, epochs=4))
    (result,) = simulated.wait()
    assert (result.outcome.kind, result.outcome.seconds, simulated.now) == ("diverged", 2.0, 2.0)


def test_a_death_by_hand():
    # One worker, a job of 4 epochs of 10 s, saved after every epoch (10 s of work each).
    mtbf = 30.0
    seed = next(s for s in range(100) if 20 < death(s, 0, 1, mtbf) < 30 and death(s, 0, 2, mtbf) > 40)
    dies = death(seed, 0, 1, mtbf)
    cluster = Cluster(mtbf=mtbf, repair=7.0, startup=2.0)
    simulated = SimulatedExecutor(lasting(40.0), cluster, seed=seed)
    simulated.submit(job(0))
    (lost,) = simulated.wait()
    assert isinstance(lost.outcome, Failed)
    assert (lost.outcome.kind, lost.outcome.epochs) == ("lost", 1)  # two epochs were saved, the third was begun
    assert simulated.now == pytest.approx(2.0 + dies)
    assert (simulated.free_slots(), simulated.usage().slots, simulated.running()) == (0, 0, 0)
    assert simulated.wait() == []  # nothing ended, but the worker is back: after repair and start-up
    assert simulated.now == pytest.approx(2.0 + dies + 7.0 + 2.0)
    assert (simulated.free_slots(), simulated.usage().slots) == (1, 1)
    simulated.submit(job(0))
    (done,) = simulated.wait()
    assert isinstance(done.outcome, Observed)
    assert done.outcome.epochs == 4  # charged once, whatever was kept
    assert done.outcome.seconds == pytest.approx(20.0)  # epochs 3 and 4
    assert simulated.usage().busy_seconds == pytest.approx(dies + 20.0)
    assert simulated.usage().slot_seconds == pytest.approx(dies + 20.0)
    assert simulated.lost == 1


def test_what_was_not_saved_yet_is_trained_again():
    mtbf = 30.0
    seed = next(s for s in range(100) if 20 < death(s, 0, 1, mtbf) < 30 and death(s, 0, 2, mtbf) > 40)
    cluster = Cluster(mtbf=mtbf, save_every=25.0, death="crashed")
    simulated = SimulatedExecutor(lasting(40.0), cluster, seed=seed)
    simulated.submit(job(0))
    (lost,) = simulated.wait()
    assert (lost.outcome.kind, lost.outcome.epochs) == ("crashed", 3)  # a checkpoint only after 30 s
    simulated.wait()
    simulated.submit(job(0))
    assert simulated.wait()[0].outcome.seconds == pytest.approx(40.0)


def test_a_second_copy_by_hand():
    # Five jobs of 10 s teach the pace. Then a straggler (its first try slow, its second not) and nothing else to do.
    cluster = Cluster(stragglers=0.3, slowdown=10.0, speculate=3.0)

    def slow(number: int, attempt: int, seed: int) -> bool:
        return stream(seed, "straggler", number, 1, 0, attempt).random() < 0.3

    seed = next(
        s for s in range(5000) if not any(slow(n, 1, s) for n in range(5)) and slow(5, 1, s) and not slow(5, 2, s)
    )
    simulated = SimulatedExecutor(lasting(10.0), cluster, 2, seed=seed)
    for number in range(5):
        simulated.submit(job(number))
        simulated.wait()
    assert simulated.now == 50.0
    simulated.submit(job(5))
    (result,) = simulated.wait()
    assert simulated.now == 50.0 + 3 * 10.0 + 10.0  # alone it would have ended at 150
    assert result.outcome.seconds == 10.0
    assert simulated.copies == 1
    assert simulated.usage().busy_seconds == 50.0 + 40.0 + 10.0
    assert (simulated.free_slots(), simulated.running(), simulated.wait()) == (2, 0, [])


def test_a_stop_ends_jobs_after_the_epoch_they_are_in():
    simulated = SimulatedExecutor(lambda job: replace(good(job), seconds=10.0 * job.epochs), workers=2, wake_at=25.0)
    simulated.submit(job(0, epochs=4, start=1, level=2))
    simulated.submit(job(1, epochs=3))
    assert simulated.wait() == []
    assert simulated.now == 25.0
    simulated.request_stop()
    simulated.request_stop()
    first, second = sorted(simulated.wait(), key=lambda result: result.job.candidate_id)
    assert simulated.now == 30.0
    assert first.outcome == Interrupted(0, 2, epoch=4, epochs=3, seconds=30.0)
    assert isinstance(second.outcome, Observed)  # it was in its last epoch
    assert simulated.running() == 0


def test_who_is_late_is_judged_by_the_epochs_of_the_job():
    """10 s an epoch in five jobs: 8 epochs may take 3 x 80 s, 1 epoch 3 x 10 s, so that only the short job has a copy."""
    seconds = [10.0] * 5 + [80.0, 50.0]
    simulated = executor(seconds, workers=4, speculate=3.0)
    for number in range(5):
        simulated.submit(job(number, epochs=1))
        simulated.wait()
    simulated.submit(job(5, epochs=8))
    simulated.submit(job(6, epochs=1))
    assert [result.job.candidate_id for result in simulated.wait()] == [6]
    assert (simulated.now, simulated.copies) == (50.0 + 50.0, 1)


def test_closing_and_mapping():
    simulated = executor([1.0, 1.0], workers=1)
    simulated.submit(job(0))
    simulated.submit(job(1))
    simulated.close()
    assert (simulated.running(), simulated.free_slots(), simulated.wait()) == (0, 1, [])
    assert list(simulated.map(lambda x: x * x, [1, 2, 3])) == [(0, 1), (1, 4), (2, 9)]
    assert simulated.now == 0.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"mtbf": 0.0},
        {"repair": -1.0},
        {"startup": -1.0},
        {"stragglers": 1.5},
        {"slowdown": 0.5},
        {"speculate": 0.5},
        {"save_every": -1.0},
    ],
)
def test_clusters_that_cannot_be(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Cluster(**wrong)


def whole(
    schedule: str, seed: int = 0, candidates: int = 40, limits: Limits = Limits(), workers: int = 1, **cluster
) -> tuple[SimulatedExecutor, Search, list[Record]]:
    """A search by formula on a cluster: epochs of 20 s times a factor of the candidate."""

    def outcome(job: Job) -> Observed | Failed:
        epoch = 20.0 * float(np.exp(0.4 * stream(seed, "size", job.candidate_id).standard_normal()))
        found = answer(job).outcome
        return replace(found, seconds=epoch * found.epochs)

    search = Search(
        PYRAMID, limits, StreamProposer(), Rules(schedule=schedule, candidates=candidates, finalists=2), seed=0
    )
    simulated = SimulatedExecutor(outcome, Cluster(**cluster), workers, seed=seed, wake_at=limits.wall_seconds)
    journal: list[Record] = []
    drive(search, simulated, write=journal.extend, clock=lambda: simulated.now, stop=StopRequest())
    return simulated, search, journal


FAILING = {"mtbf": 150.0, "repair": 30.0, "startup": 5.0, "stragglers": 0.2, "slowdown": 4.0}


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("speculate", [0.0, 2.0])
def test_decisions_do_not_depend_on_workers_deaths_and_stragglers(workers, speculate):
    _, calm, undisturbed = whole("reproducible", workers=1)
    simulated, search, journal = whole("reproducible", workers=workers, speculate=speculate, **FAILING)
    losses = [failed for failed in search.pool.failures if failed.kind == "lost"]
    assert 0 < len(losses) <= simulated.lost
    assert not any(failed.final for failed in losses)
    assert decisions(journal) == decisions(undisturbed)
    assert search.pool.epochs_spent == calm.pool.epochs_spent


def test_a_job_meets_the_same_luck_on_any_number_of_workers():
    """Crashes count as tries of a job and may be final, so that decisions hang on them: the same ones everywhere."""
    found = [whole("reproducible", workers=workers, death="crashed", **FAILING) for workers in (1, 2, 8)]
    assert decisions(found[0][2]) == decisions(found[1][2]) == decisions(found[2][2])
    crashes = [
        sorted((failed.candidate_id, failed.level, failed.attempt) for failed in search.pool.failures)
        for _, search, _ in found
    ]
    assert crashes[0] == crashes[1] == crashes[2]
    assert any(failed.kind == "crashed" for failed in found[0][1].pool.failures)


def test_every_lost_job_comes_back_and_time_adds_up():
    simulated, search, _ = whole("eager", workers=4, **FAILING)
    lost = [failed for failed in search.pool.failures if failed.kind == "lost"]
    assert len(lost) == simulated.lost > 5
    for failed in lost:
        ended = search.pool.candidates[failed.candidate_id]
        assert failed.level in ended.observations or ended.failed or failed.replica in ended.replicas
    assert search.pool.epochs_wasted == sum(failed.epochs for failed in lost)
    assert simulated.usage().busy_seconds == pytest.approx(search.pool.training_seconds)
    assert simulated.usage().slot_seconds <= 4 * simulated.now
    assert search.done


def test_one_seed_is_one_simulation_and_another_another():
    def told(**options):
        simulated, _, journal = whole("eager", workers=4, speculate=2.0, **options, **FAILING)
        return simulated.now, simulated.lost, journal

    assert told(seed=3) == told(seed=3)
    assert told(seed=3)[:2] != told(seed=4)[:2]


def test_mtbf_costs_time_and_only_then():
    calm = whole("reproducible", workers=4)[0]
    safe = whole("reproducible", workers=4, mtbf=1e12, repair=30.0)[0]
    harsh = whole("reproducible", workers=4, mtbf=150.0, repair=30.0)[0]
    assert safe.now == calm.now < harsh.now
    assert safe.lost == 0 < harsh.lost


def test_eager_is_faster_with_stragglers():
    times = {
        schedule: np.mean([whole(schedule, seed=seed, workers=8, stragglers=0.1)[0].now for seed in range(8)])
        for schedule in ("reproducible", "eager")
    }
    assert times["eager"] < 0.8 * times["reproducible"]


def test_copies_save_time_with_stragglers():
    slow = {"workers": 8, "stragglers": 0.04, "slowdown": 10.0}
    without = np.mean([whole("reproducible", seed=seed, **slow)[0].now for seed in range(8)])
    found = [whole("reproducible", seed=seed, speculate=3.0, **slow)[0] for seed in range(8)]
    assert np.mean([one.now for one in found]) < 0.9 * without
    assert all(one.copies > 0 for one in found)


def test_a_limit_of_wall_time_stops_after_the_running_epochs():
    stopped = []
    for limit in (300.0, 600.0, 900.0):
        simulated, search, journal = whole("reproducible", workers=3, limits=Limits(wall_seconds=limit))
        assert search.stop_reason == "wall_time"
        trained = [record for record in journal if isinstance(record, (Observed, Interrupted)) and record.epochs]
        longest = max(record.seconds / record.epochs for record in trained)
        assert limit <= simulated.now <= limit + longest + 1e-6
        stopped += [record for record in journal if isinstance(record, Interrupted)]
    assert stopped


def test_more_workers_are_never_idle_while_one_is_missing():
    """Against an event list made by brute force: first come, first served over three workers."""
    rng = np.random.default_rng(0)
    seconds = rng.uniform(1, 9, 30).tolist()
    free, ends = [0.0, 0.0, 0.0], []
    for duration in seconds:
        place = int(np.argmin(free))
        free[place] += duration
        ends.append(free[place])
    simulated = executor(seconds, workers=3)
    todo, found = [job(number) for number in range(30)], {}
    while todo or simulated.running():
        while todo and simulated.free_slots():
            simulated.submit(todo.pop(0))
        found |= {result.job.candidate_id: simulated.now for result in simulated.wait()}
    assert [found[number] for number in range(30)] == pytest.approx(ends)
    assert simulated.usage().busy_seconds == pytest.approx(sum(seconds))


def test_results_of_one_job_come_back_once():
    seen: list[JobResult] = []
    simulated = SimulatedExecutor(lasting(10.0), Cluster(stragglers=0.05, slowdown=20.0, speculate=1.5), 4, seed=1)
    todo = [job(number) for number in range(200)]
    while todo or simulated.running():
        while todo and simulated.free_slots() > 2:  # two are left for copies
            simulated.submit(todo.pop(0))
        seen += simulated.wait()
    assert sorted(result.job.candidate_id for result in seen) == list(range(200))
    assert simulated.copies > 5
    assert all(result.outcome == replace(good(result.job), seconds=result.outcome.seconds) for result in seen)
