"""Batches that overlap: a schedule worked out by hand, and decisions that no worker, delay, loss or cut can change."""

import itertools

import numpy as np
import pytest

from ranknosh.core.budget import Ledger, Limits
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import Failed, Interrupted, JobResult, Observed
from ranknosh.core.reproducible import Timetable
from ranknosh.core.search import Search
from ranknosh.errors import ConfigError
from ranknosh.streams import stream
from tests.ranknosh_simulation import StreamProposer, answer, decisions, quality, simulate

DEMO = Pyramid.make([1, 2, 4, 8], "auto", 12, 6)
SEARCHES = [
    {"candidates": 42},
    {"epochs": 137, "finalists": 2},
    {"candidates": 42, "epochs": 111, "finalists": 1},
    {"epochs": 200, "most": 50},
]


def steps(pyramid, overlap, count):
    timetable = Timetable(pyramid, overlap)
    taken = []
    while len(taken) < count:
        taken.append(tuple(timetable.next)[:3])
        timetable.advance()
    return taken


def test_one_batch_at_a_time_waits_for_the_longest_training():
    """Levels train 1, 1, 2 and 4 epochs: 8 ticks a batch, promotions out of levels 1, 2, 3 after 1, 2 and 4 of them."""
    assert steps(DEMO, 1, 6) == [(0, 0, 0), (1, 0, 1), (2, 0, 2), (4, 0, 3), (8, 1, 0), (9, 1, 1)]


def test_two_batches_in_flight_begin_at_half_the_distance():
    """Batch 1 is proposed at tick 4, beside the last promotions of batch 0, which are decided first."""
    assert steps(DEMO, 2, 7) == [(0, 0, 0), (1, 0, 1), (2, 0, 2), (4, 0, 3), (4, 1, 0), (5, 1, 1), (6, 1, 2)]


def test_a_distance_that_does_not_divide_is_rounded_up():
    """Three batches in flight over 8 ticks: one every 3 ticks, for with one every 2 a fourth would be in flight."""
    assert steps(DEMO, 3, 6) == [(0, 0, 0), (1, 0, 1), (2, 0, 2), (3, 1, 0), (4, 0, 3), (4, 1, 1)]


def test_a_failed_training_is_charged_with_what_it_ran_before_an_interruption():
    """To level 1 of 4 epochs: 3, an interruption, 1 more. To level 2 of 8 more: 5, an interruption, 2 more."""
    rules = Rules(overlap=2, candidates=2)
    search = Search(Pyramid.make([4, 12], 0.5, 2, 2), Limits(epochs=100), StreamProposer(), rules, seed=0)

    def end(job, outcome):
        search.tell(JobResult(job, outcome))
        return search.ask(1).jobs

    def seen():
        pool = search.schedule.pool
        return pool.epochs_spent, Ledger(pool, search.pyramid).committed

    first, second = search.ask(2).jobs
    (again,) = end(first, Interrupted(0, 1, 3, 3, 1.0))
    end(again, Failed(0, 1, "diverged", "nan", 1, 1.0))
    (promoted,) = end(second, Observed(1, 1, 0.5, {"accuracy": 0.5, "loss": 1.0}, 4, 1.0))
    assert seen() == (4 + 4, 8 + 8)
    (again,) = end(promoted, Interrupted(1, 2, 9, 5, 1.0))
    end(again, Failed(1, 2, "diverged", "nan", 2, 1.0))
    assert seen() == (8 + 7, 8 + 7)


def test_a_level_lasts_as_long_as_its_epochs():
    """(12, 188) epochs: the top level takes 16 of level 1's ticks, rounded from 15.7."""
    assert steps(Pyramid.make([12, 200], 0.1, 20, 10), 1, 4) == [(0, 0, 0), (1, 0, 1), (17, 1, 0), (18, 1, 1)]


def text(journal):
    return [repr(record) for record in decisions(journal)]


@pytest.mark.parametrize("overlap", [2, 3, 8])
@pytest.mark.parametrize("search", SEARCHES, ids=str)
def test_decisions_depend_on_no_worker(search, overlap):
    _, alone = simulate(DEMO, overlap=overlap, **search)
    for workers, shuffle in [(2, 1), (3, 2), (8, 3), (64, 4)]:
        found, many = simulate(DEMO, overlap=overlap, workers=workers, shuffle=shuffle, **search)
        assert text(many) == text(alone)
        assert found.pool.epochs_spent <= search.get("epochs", 10**9)


def stormy(seed):
    """Every job is lost, crashes or runs out of memory a few times before it ends, by lot."""
    rng, told = stream(seed, "storm"), {}

    def reply(job):
        kinds = [
            kind for kind in ("lost", "crashed", "hung", "out_of_memory", "checkpoint_damaged") if rng.random() < 0.15
        ]
        done = told.setdefault((job.token, job.level), set())
        fresh = [kind for kind in kinds if kind not in done]
        if not fresh:
            return answer(job)
        done.add(fresh[0])
        return JobResult(job, Failed(job.candidate_id, job.level, fresh[0], "bad luck", 1, 0.1, replica=job.replica))

    return reply


@pytest.mark.parametrize("overlap", [1, 3])
@pytest.mark.parametrize("workers", [1, 2, 8])
def test_failures_of_the_surroundings_change_no_decision(overlap, workers):
    search = SEARCHES[1]
    _, calm = simulate(DEMO, overlap=overlap, **search)
    found, rough = simulate(DEMO, overlap=overlap, workers=workers, shuffle=5, reply=stormy(workers), **search)
    assert text(rough) == text(calm)
    assert found.pool.epochs_wasted == sum(isinstance(r, Failed) and not r.final for r in rough) > 20
    assert {r.kind for r in rough if isinstance(r, Failed) and r.final} == {"diverged"}


@pytest.mark.parametrize("overlap", [1, 4])
@pytest.mark.parametrize("every", [41, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("search", SEARCHES, ids=str)
def test_a_journal_cut_anywhere_leads_to_the_same_search(search, overlap, every):
    _, whole = simulate(DEMO, overlap=overlap, workers=3, shuffle=1, **search)
    for cut in range(0, len(whole), every):
        _, again = simulate(DEMO, overlap=overlap, workers=2, shuffle=cut, history=whole[:cut], **search)
        assert text(again) == text(whole), f"cut after {cut} of {len(whole)} records"


@pytest.mark.parametrize("overlap", [1, 2, 4])
def test_the_rest_of_a_batch_that_failures_made_room_for_is_resumed_at_every_record(overlap):
    """Batch 1 gets 4 of its 6 candidates; two that fail after one of 4 epochs give room for a fifth, not for the sixth."""

    def reply(job):
        if job.candidate_id in (3, 5):
            return JobResult(job, Failed(job.candidate_id, job.level, "diverged", "nan", 1, 0.1))
        return answer(job)

    search = {"pyramid": Pyramid.make([4], (), 3, 6), "epochs": 40, "finalists": 3, "overlap": overlap, "reply": reply}
    found, whole = simulate(**search)
    assert found.pool.count == 8
    for cut in range(len(whole)):
        assert decisions(simulate(**search, history=whole[:cut])[1]) == decisions(whole), f"cut after {cut} records"


@pytest.mark.parametrize("overlap", [1, 2, 8])
def test_a_raised_limit_goes_on_from_every_decision_taken(overlap):
    _, first = simulate(DEMO, overlap=overlap, epochs=60)
    found, second = simulate(DEMO, overlap=overlap, epochs=150, workers=4, shuffle=2, history=first)
    assert text(second)[: len(text(first))] == text(first)
    assert found.pool.epochs_spent == 150
    _, cut = simulate(DEMO, overlap=overlap, epochs=150, history=second[: len(first) + 20])
    assert text(cut) == text(second)


@pytest.mark.parametrize("overlap", [1, 2, 8])
@pytest.mark.parametrize(("limit", "finalists"), [(26, 0), (33, 0), (60, 1), (61, 0)])
@pytest.mark.slow
def test_a_closed_search_is_resumed_at_every_record_under_the_same_or_a_raised_limit(overlap, limit, finalists):
    """Decisions that closed a search come after its steps, whatever the limits of now would hold at those."""
    options = {"overlap": overlap, "finalists": finalists}
    _, whole = simulate(DEMO, epochs=limit, **options)
    for cut in range(len(whole) + 1):
        _, same = simulate(DEMO, epochs=limit, workers=3, shuffle=cut, history=whole[:cut], **options)
        assert text(same) == text(whole), f"cut after {cut} of {len(whole)} records"
        _, more = simulate(DEMO, epochs=limit + 40, workers=3, shuffle=cut, history=whole[:cut], **options)
        taken = text(whole[:cut])
        assert text(more)[: len(taken)] == taken
    for cut in range(len(whole), len(more), 3):
        _, again = simulate(DEMO, epochs=limit + 40, history=more[:cut], **options)
        assert text(again) == text(more), f"cut after {cut} of {len(more)} records"


def test_sizes_are_those_of_the_strict_order():
    """As many reach each level, only others are chosen."""
    strict, _ = simulate(DEMO, candidates=60)
    overlapped, _ = simulate(DEMO, candidates=60, overlap=4)
    levels = range(1, 5)
    assert (
        [overlapped.pool.entered(i) for i in levels] == [strict.pool.entered(i) for i in levels] == list(DEMO.sizes(60))
    )


class Watching(StreamProposer):
    """Keeps how many candidates stood at each level when a batch was proposed."""

    def __init__(self):
        super().__init__()
        self.seen = {}

    def propose(self, pool, ids, batch):
        self.seen[batch] = [len(pool.at_level(level)) for level in range(1, 5)]
        return super().propose(pool, ids, batch)


@pytest.mark.parametrize(
    ("overlap", "seen"), [(1, [12, 6, 3, 1]), (2, [12, 6, 3, 0]), (4, [12, 6, 0, 0]), (8, [12, 0, 0, 0])]
)
def test_a_decision_sees_what_is_due_and_nothing_else(overlap, seen):
    """Batch 1 comes at tick 8, 4, 2 or 1; results of batch 0 are due at ticks 1, 2, 4 and 8, here all of them sooner."""
    proposer = Watching()
    search = Search(DEMO, Limits(), proposer, Rules(candidates=24, overlap=overlap), seed=0)
    while not search.done:
        for job in search.ask(64).jobs:
            metric = quality(job.candidate_id, job.level)
            search.tell(
                JobResult(
                    job,
                    Observed(job.candidate_id, job.level, metric, {"accuracy": metric, "loss": 0.0}, job.epochs, 0.0),
                )
            )
    assert proposer.seen[1] == seen


def busy(overlap, workers, schedule="reproducible", candidates=96):
    """Share of time that workers are busy where an epoch takes a second: the longest-waiting job goes first."""
    search = Search(
        DEMO, Limits(), StreamProposer(), Rules(candidates=candidates, overlap=overlap, schedule=schedule), seed=0
    )
    now, out, work, tie = 0.0, [], 0.0, itertools.count()
    while not search.done:
        for job in search.ask(workers - len(out)).jobs:
            out.append((now + job.epochs, next(tie), job))
            work += job.epochs
        out.sort()
        if out:
            now, _, job = out.pop(0)
            metric = quality(job.candidate_id, job.level)
            search.tell(
                JobResult(
                    job,
                    Observed(job.candidate_id, job.level, metric, {"accuracy": metric, "loss": 0.0}, job.epochs, 0.0),
                )
            )
    return work / (workers * now)


def test_more_overlap_keeps_more_workers_busy():
    shares = [busy(overlap, workers=4) for overlap in (1, 2, 4, 8)]
    assert np.all(np.diff(shares) > 0)
    assert shares[0] < 0.5
    assert shares[-1] > 0.8


def test_overlap_belongs_to_the_reproducible_schedule():
    with pytest.raises(ConfigError, match=r"pyramid\.overlap is 2 and pyramid.schedule is eager"):
        simulate(DEMO, candidates=12, overlap=2, schedule="eager")
