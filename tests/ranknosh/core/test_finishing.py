"""Time that is kept for the best: whole searches on a clock of their own, whose epochs take what a formula says."""

import pytest

from ranknosh.core.budget import Limits
from ranknosh.core.finishing import epoch_seconds, is_short, to_bring_up
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import Decision, Failed, Job, JobResult, Observed, Promotion, Proposed
from ranknosh.core.search import Search
from ranknosh.spaces.base import Architecture
from tests.ranknosh_simulation import StreamProposer, quality

SLOW = Pyramid.make((1, 2, 4, 8), "auto", initial=30, batch=6)


def pace(number):
    """Seconds of an epoch: 1, 2 or 3."""
    return 1 + number % 3


def ended(job):
    value, seconds = quality(job.candidate_id, job.level), job.epochs * pace(job.candidate_id)
    if job.candidate_id % 11 == 5 and job.level == 2:
        return JobResult(job, Failed(job.candidate_id, 2, "diverged", "loss is nan", job.epochs, float(seconds)))
    return JobResult(job, Observed(job.candidate_id, job.level, value, {"loss": 1.0}, job.epochs, float(seconds)))


def run(limit, schedule="reproducible", workers=1, history=(), since=0.0, by="wall_seconds", overlap=1):
    """A search on ``workers`` until it is over, as (search, journal, seconds)."""
    rules = Rules(schedule=schedule, overlap=overlap)
    search = Search(SLOW, Limits(**{by: limit}), StreamProposer(), rules, seed=0, pool=Pool(history))
    now, journal, out = since, list(history), []
    while not search.done:
        asked = search.ask(workers - len(out), now)
        journal += asked.records
        out += [(now + job.epochs * pace(job.candidate_id), job) for job in asked.jobs]
        if not out:
            assert search.done, "the search waits for nothing"
            break
        out.sort(key=lambda entry: (entry[0], entry[1].candidate_id))
        now, job = out.pop(0)
        journal += search.tell(ended(job))
    return search, journal, now


@pytest.mark.parametrize("schedule", ["reproducible", "eager"])
@pytest.mark.parametrize(("limit", "workers"), [(34, 1), (41, 1), (48, 1), (60, 1), (30, 3), (34, 3)])
def test_a_search_by_time_ends_with_one_at_the_top(schedule, workers, limit):
    """All 30 of the first batch take 60 s, so that the size rule alone reaches the second level after that."""
    search, journal, _ = run(limit, schedule, workers)
    best = search.pool.best()
    assert best.level == SLOW.levels
    assert search.stop_reason == "wall_time"
    finished = next(
        place for place, record in enumerate(journal) if isinstance(record, Observed) and record.level == SLOW.levels
    )
    if schedule == "eager" and (limit, workers) != (34, 1):
        return  # which promotes early by itself
    early = [r for r in journal[:finished] if isinstance(r, Promotion) and r.reason == "time"]
    assert {r.candidate_id for r in early} >= {best.id}
    # Many were tried first, and the one that was brought up was then the best of them.
    tried = [r for r in journal[: journal.index(early[0])] if isinstance(r, Observed)]
    assert len(tried) >= (limit - 34) // 3
    assert early[0].candidate_id == max(tried, key=lambda r: r.metric).candidate_id


def test_device_time_is_kept_likewise():
    search, _, _ = run(48, workers=2, by="device_seconds")
    assert search.pool.best().level == SLOW.levels
    assert search.stop_reason == "device_time"


def test_nothing_is_kept_where_time_holds_no_training_to_the_top():
    search, journal, _ = run(4)
    assert not [record for record in journal if isinstance(record, Promotion)]
    assert search.pool.entered(1) == 30


@pytest.mark.parametrize("overlap", [1, 2])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_longer_time_goes_on_from_what_was_decided_in_haste(overlap, workers):
    _, first, seconds = run(40, workers=workers, overlap=overlap)
    assert any(isinstance(record, Promotion) and record.reason == "time" for record in first)
    taken = [record for record in first if isinstance(record, Decision)]
    for cut in range(0, len(first) + 1, 5):
        search, more, _ = run(400, workers=2, history=first[:cut], since=seconds, overlap=overlap)
        held = [record for record in first[:cut] if isinstance(record, Decision)]
        assert [record for record in more if isinstance(record, Decision)][: len(held)] == held == taken[: len(held)]
        assert search.stop_reason == "wall_time"
        sizes = SLOW.sizes(search.pool.count - search.pool.pending_at(1))
        assert all(search.pool.entered(level) >= sizes[level - 1] - 6 for level in (2, 3, 4))


def pool_of(*results):
    """A pool of candidates with results (number, level, metric, epochs, seconds)."""
    numbers = sorted({number for number, *_ in results})
    pool = Pool([Proposed(i, Architecture("s", (i,)), f"k{i}", f"t{i}", 0, "random") for i in numbers])
    for number, level, metric, epochs, seconds in results:
        if level > 1:
            pool.apply(Promotion(number, level))
        pool.apply(Observed(number, level, metric, {}, epochs, seconds))
    return pool


def test_who_is_brought_up():
    pool = pool_of(
        (0, 1, 0.9, 1, 4.0), (1, 1, 0.5, 1, 2.0), (1, 2, 0.4, 1, 3.0), (2, 1, 0.3, 1, 1.0), (2, 2, 0.6, 1, 1.0)
    )
    assert to_bring_up(Pool(), SLOW) is None
    assert to_bring_up(pool, SLOW).id == 2  # the best of the highest level
    pool.apply(Promotion(1, 3))
    assert to_bring_up(pool, SLOW).id == 1  # on its way already
    pool.apply(Observed(1, 3, 0.1, {}, 2, 4.0))
    assert to_bring_up(pool, SLOW).id == 1
    pool.apply(Promotion(1, 4))
    pool.apply(Observed(1, 4, 0.1, {}, 4, 8.0))
    assert to_bring_up(pool, SLOW) is None


def test_what_time_it_takes():
    pool = pool_of((0, 1, 0.9, 1, 4.0), (1, 1, 0.5, 1, 2.0), (1, 2, 0.4, 1, 3.0))
    best = pool.candidates[1]
    assert epoch_seconds(pool, best) == 2.5
    assert epoch_seconds(pool, pool.candidates[0]) == 4.0
    # 6 epochs of 2.5 s are 15 s; 18.75 with what is kept beside, and the next newcomer takes the mean of 3 s.
    assert [is_short(pool, SLOW, best, left, None) for left in (21.8, 21.7, 12.0, 11.9)] == [False, True, True, False]
    job = Job(0, pool.candidates[0].architecture, 2, 1, 2, 0)
    assert [is_short(pool, SLOW, best, left, job) for left in (22.8, 22.7)] == [False, True]
