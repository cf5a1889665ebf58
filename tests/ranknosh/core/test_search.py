"""Whole searches over a formula: prices, budgets, cuts, orders, overtaking."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranknosh.core.budget import Limits, Plan
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import Failed, Fitted, Interrupted, JobResult, Observed, Promotion, Proposed, Rerun
from ranknosh.core.search import Search
from ranknosh.errors import BudgetExceeded, BudgetTooSmall, ConfigError
from tests.ranknosh_simulation import StreamProposer, answer, decisions, quality, simulate

DEMO = Pyramid.make((1, 2, 4, 8), 0.5, initial=12, batch=6)


def good(job):
    """A reply that never fails, so that prices are exact."""
    value = quality(job.candidate_id, job.level, job.replica)
    return JobResult(
        job,
        Observed(
            job.candidate_id, job.level, value, {"accuracy": value, "loss": 1.0}, job.epochs, 0.1, replica=job.replica
        ),
    )


@pytest.mark.parametrize("schedule", ["reproducible", "eager"])
@pytest.mark.parametrize(
    ("epochs", "ratio", "n"),
    [
        ((5, 10, 20, 50), 0.5, 100),
        ((5, 10, 20, 50), 0.3, 100),
        ((10, 25, 50, 200), 0.4, 100),
        ((10, 50, 200), 0.5, 100),
        ((12, 200), 0.1, 100),
        ((1, 3, 6, 12), 0.5, 100),
        ((4, 12, 36, 108), 0.5, 100),
        ((1, 2, 4, 8), 0.5, 42),
        ((1, 2, 4, 8), "auto", 42),
    ],
)
def test_a_search_costs_exactly_what_the_size_rule_says(epochs, ratio, n, schedule):
    pyramid = Pyramid.make(epochs, ratio, initial=20, batch=10)
    search, journal = simulate(pyramid, candidates=n, schedule=schedule, workers=3, reply=good)
    assert search.pool.epochs_spent == pyramid.cost(n)
    assert sum(r.epochs for r in journal if isinstance(r, Observed)) == pyramid.cost(n)
    assert tuple(search.pool.entered(level) for level in range(1, pyramid.levels + 1)) == pyramid.sizes(n)
    assert search.stop_reason == "candidates"


@pytest.mark.parametrize("schedule", ["reproducible", "eager"])
@pytest.mark.parametrize("finalists", [0, 2])
@pytest.mark.slow
def test_no_epoch_budget_is_ever_overrun_and_none_is_left_lying(schedule, finalists):
    for limit in range(1, 140):
        search, _ = simulate(DEMO, epochs=limit, schedule=schedule, workers=2, finalists=finalists, reply=good)
        assert search.pool.epochs_spent <= limit
        assert search.stop_reason == "epochs"
        if not finalists and search.pool.entered(1) >= 8:
            assert limit - search.pool.epochs_spent < DEMO.epochs[-1]
        if limit >= DEMO.epochs[-1] * (1 + finalists):
            assert search.pool.best().level == DEMO.levels


@given(
    steps=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    ratio=st.floats(0.05, 0.95),
    initial=st.integers(1, 12),
    batch=st.integers(1, 8),
    limit=st.integers(1, 90),
    workers=st.integers(1, 4),
    eager=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_every_search_ends_within_its_budget(steps, ratio, initial, batch, limit, workers, eager):
    epochs = [sum(steps[: i + 1]) for i in range(len(steps))]
    pyramid = Pyramid.make(epochs, ratio, initial, batch)
    schedule = "eager" if eager else "reproducible"
    if limit < epochs[0]:
        with pytest.raises(BudgetTooSmall, match=f"is {epochs[0]}"):
            simulate(pyramid, epochs=limit)
        return
    search, _ = simulate(pyramid, epochs=limit, schedule=schedule, workers=workers, shuffle=1)
    assert search.done
    assert search.pool.epochs_spent <= limit
    assert search.ledger.committed == search.pool.epochs_spent


@pytest.mark.parametrize("every", [11, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("finalists", [0, 2])
def test_a_journal_cut_at_any_record_leads_to_the_identical_run(finalists, every):
    _, whole = simulate(DEMO, epochs=90, finalists=finalists)
    assert {type(record) for record in whole} >= {Proposed, Promotion, Observed, Failed, Fitted}
    assert any(isinstance(record, Rerun) for record in whole) == bool(finalists)
    for cut in range(0, len(whole) + 1, every):
        _, resumed = simulate(DEMO, epochs=90, finalists=finalists, history=whole[:cut])
        assert resumed == whole, f"cut after {cut} records"


@pytest.mark.parametrize("workers", [2, 8])
@pytest.mark.parametrize("shuffle", range(5))
def test_decisions_do_not_depend_on_workers_or_on_who_finishes_first(workers, shuffle):
    one, journal = simulate(DEMO, epochs=120)
    many, other = simulate(DEMO, epochs=120, workers=workers, shuffle=shuffle)
    assert decisions(other) == decisions(journal)
    assert many.pool.best().id == one.pool.best().id


def test_the_eager_schedule_does_depend_on_arrivals_but_keeps_the_sizes():
    runs = [simulate(DEMO, candidates=42, schedule="eager", workers=4, shuffle=s, reply=good) for s in range(6)]
    assert len({tuple(decisions(journal)) for _, journal in runs}) > 1
    assert {search.pool.epochs_spent for search, _ in runs} == {DEMO.cost(42)}


def test_eager_promotes_before_it_proposes():
    search = Search(DEMO, Limits(), _proposer(), Rules(schedule="eager", candidates=30), seed=0)
    jobs = search.ask(2).jobs
    for job in jobs:
        search.tell(good(job))
    later = search.ask(1)
    assert later.records == (Promotion(max(jobs, key=lambda j: quality(j.candidate_id, 1)).candidate_id, 2),)


def test_an_older_paused_candidate_overtakes_newcomers_and_resumes_at_its_epoch():
    pyramid = Pyramid.make((3, 10), [0.2], initial=5, batch=5)
    metrics = {0: 0.9, 1: 0.8}  # candidate 1 is paused in round 0 and beats everybody proposed later

    def reply(job):
        value = metrics.get(job.candidate_id, 0.1 + job.candidate_id / 1000) if job.level == 1 else 0.5
        return JobResult(
            job, Observed(job.candidate_id, job.level, value, {"accuracy": value, "loss": 1.0}, job.epochs, 0.1)
        )

    jobs = []
    search, journal = simulate(pyramid, candidates=10, reply=lambda job: (jobs.append(job), reply(job))[1])
    assert [r.candidate_id for r in journal if isinstance(r, Promotion)] == [0, 1]
    resumed = next(job for job in jobs if job.candidate_id == 1 and job.level == 2)
    assert (resumed.start_epoch, resumed.stop_epoch) == (3, 10)
    assert journal.index(Promotion(1, 2)) > next(i for i, r in enumerate(journal) if getattr(r, "candidate_id", 0) == 9)
    assert search.pool.epochs_spent == 10 * 3 + 2 * 7


def test_a_candidate_may_climb_several_levels_in_one_round():
    _, journal = simulate(DEMO, candidates=12, reply=good)
    climbs = [record.candidate_id for record in journal if isinstance(record, Promotion)]
    assert max(climbs.count(i) for i in climbs) == 3


def test_a_crash_is_tried_again_and_charged_to_nobody():
    def flaky(job):
        if job.candidate_id == 3 and job.level == 1 and job.attempt < 3:
            return JobResult(job, Failed(3, 1, "crashed", "worker died", job.epochs, 0.1))
        return good(job)

    undisturbed, _ = simulate(DEMO, candidates=20, reply=good)
    search, journal = simulate(DEMO, candidates=20, reply=flaky)
    assert [(r.attempt, r.final) for r in journal if isinstance(r, Failed)] == [(1, False), (2, False)]
    assert search.pool.epochs_spent == undisturbed.pool.epochs_spent
    assert search.pool.epochs_wasted == 2
    assert search.pool.best().id == undisturbed.pool.best().id


def test_a_crash_that_stays_is_final_after_the_retries():
    def broken(job):
        return (
            JobResult(job, Failed(job.candidate_id, job.level, "crashed", "boom", 0, 0.1))
            if job.candidate_id == 2
            else good(job)
        )

    search, journal = simulate(DEMO, candidates=12, reply=broken)
    assert [(r.attempt, r.final) for r in journal if isinstance(r, Failed)] == [
        (1, False),
        (2, False),
        (3, False),
        (4, True),
    ]
    assert search.pool.candidates[2].failed
    assert search.pool.best().level == 4


def test_a_search_where_everything_fails_says_so():
    search, _ = simulate(
        DEMO, candidates=12, reply=lambda job: JobResult(job, Failed(job.candidate_id, 1, "diverged", "nan", 1, 0.1))
    )
    assert search.stop_reason == "nothing_learned"
    assert search.pool.best() is None


def test_a_space_that_ends_ends_the_search():
    search, _ = simulate(DEMO, candidates=40, most=15, reply=good)
    assert search.stop_reason == "space_exhausted"
    assert search.pool.count == 15


def test_an_interrupted_job_is_handed_out_from_where_it_stood():
    pyramid = Pyramid.make((4, 8), 0.5, initial=2, batch=2)
    search = Search(pyramid, Limits(epochs=12), _proposer(), seed=0)
    job = search.ask(1).jobs[0]
    search.tell(JobResult(job, Interrupted(job.candidate_id, 1, 3, 3, 0.5)))
    assert search.ledger.committed == 8  # two candidates to epoch 4, three of the eight epochs spent
    again = search.ask(1).jobs[0]
    assert (again.candidate_id, again.start_epoch, again.stop_epoch, again.seed) == (job.candidate_id, 3, 4, job.seed)
    assert (job.curve_from, again.curve_from) == (0, 0)  # a result tells the curve of its whole level


def test_more_epochs_than_were_reserved_are_refused():
    search = Search(DEMO, Limits(epochs=12), _proposer(), seed=0)
    job = search.ask(1).jobs[0]
    with pytest.raises(BudgetExceeded, match="ran 2 epochs, but only 1 were reserved"):
        search.tell(JobResult(job, Failed(job.candidate_id, 1, "diverged", "nan", 2, 0.5)))


def test_a_decision_beyond_the_budget_is_a_fault_of_its_schedule():
    search = Search(DEMO, Limits(epochs=2), _proposer(), seed=0)
    search.schedule.plan = lambda: Plan(12, False)
    search.schedule._room = lambda pool, epochs: 100
    with pytest.raises(BudgetExceeded, match="of 2 epochs -10 are left"):
        search.ask(1)


def test_a_second_answer_to_one_job_changes_nothing():
    search = Search(DEMO, Limits(), _proposer(), Rules(candidates=12), seed=0)
    first, second = search.ask(2).jobs
    assert search.tell(good(first))
    assert search.tell(good(first)) == ()
    assert search.pool.epochs_spent == 1
    assert search.tell(good(second))


def test_time_caps_stop_new_work_and_name_themselves():
    search = Search(DEMO, Limits(wall_seconds=5), _proposer(), seed=0)
    job = search.ask(1, 4.9).jobs[0]
    search.tell(good(job))
    assert search.ask(1, 5.0) == ((), ())
    assert (search.done, search.stop_reason) == (True, "wall_time")
    device = Search(DEMO, Limits(device_seconds=0.25), _proposer(), seed=0)
    while not device.done:
        for job in device.ask(1).jobs:
            device.tell(good(job))
    assert device.stop_reason == "device_time"
    assert device.pool.device_seconds == pytest.approx(0.3)  # the job that was running when the cap was reached


def test_a_disk_limit_keeps_newcomers_out():
    def heavy(job):
        return JobResult(
            job,
            Observed(
                job.candidate_id,
                job.level,
                quality(job.candidate_id, job.level),
                {"accuracy": 0.5, "loss": 1.0},
                job.epochs,
                0.1,
                checkpoint_bytes=100,
            ),
        )

    search = Search(Pyramid.make((1, 2), 0.5, initial=4, batch=2), Limits(disk_bytes=850), _proposer(), seed=0)
    while not search.done:
        for job in search.ask(1).jobs:
            search.tell(heavy(job))
    assert search.stop_reason == "disk"
    assert search.pool.count == 6
    assert search.pool.disk_bytes <= 850


@pytest.mark.parametrize("rules", [Rules(), Rules(overlap=2), Rules(schedule="eager")])
def test_a_disk_limit_binds_before_there_is_a_checkpoint_where_its_size_is_known(rules):
    """Checkpoints of 100 bytes and one more while one is replaced: three newcomers fit 450 bytes, whichever the schedule."""

    def heavy(job):
        value = quality(job.candidate_id, job.level)
        observed = Observed(
            job.candidate_id, job.level, value, {"accuracy": 0.5, "loss": 1.0}, job.epochs, 0.1, checkpoint_bytes=100
        )
        return JobResult(job, observed)

    def searched(limit):
        pyramid = Pyramid.make((1, 2), 0.5, initial=4, batch=2)
        limits = Limits(disk_bytes=limit)
        search = Search(pyramid, limits, _proposer(), rules, seed=0, checkpoint_bytes=lambda architecture: 100)
        while not search.done:
            for job in search.ask(1).jobs:
                search.tell(heavy(job))
        return search

    search = searched(450)
    assert (search.pool.count, search.stop_reason) == (3, "disk")
    assert search.pool.disk_bytes == 300
    assert searched(200).pool.count == 1
    with pytest.raises(BudgetTooSmall, match=r"budget\.disk is 199 bytes, .* takes 100 bytes, .* 200 bytes or more"):
        searched(199)


def test_a_disk_limit_counts_checkpoints_that_are_not_written_yet():
    """One of 100 bytes is there, 3 and 2 newcomers are to come, and one more while one is replaced: 700 bytes."""

    def newcomers(limit):
        pyramid, rules = Pyramid.make((1, 2), 0.5, initial=4, batch=2), Rules(schedule="eager")
        search = Search(pyramid, Limits(disk_bytes=limit), _proposer(), rules, seed=0)
        job = search.ask(4).jobs[0]
        search.tell(JobResult(job, Observed(0, 1, 0.5, {"accuracy": 0.5, "loss": 1.0}, 1, 0.1, checkpoint_bytes=100)))
        return sum(isinstance(record, Proposed) for record in search.ask(4).records)

    assert [newcomers(limit) for limit in (699, 700)] == [0, 2]


def test_raising_the_budget_goes_on_with_the_same_candidates():
    small, journal = simulate(DEMO, epochs=40, reply=good)
    large, longer = simulate(DEMO, epochs=80, history=journal, reply=good)
    assert longer[: len(journal)] == journal
    assert small.pool.count < large.pool.count
    assert large.pool.epochs_spent <= 80


def test_a_budget_below_what_is_spent_and_begun_is_refused():
    _, journal = simulate(DEMO, epochs=40, reply=good)
    proposals = [*journal[:3]]
    with pytest.raises(BudgetTooSmall, match=r"raise budget\.epochs"):
        Search(DEMO, Limits(epochs=2), _proposer(), seed=0, pool=Pool(proposals))
    with pytest.raises(
        BudgetTooSmall, match="is 13, but 12 epochs are spent and the trainings that were begun need 6 more"
    ):
        simulate(DEMO, epochs=13, history=journal[:30], reply=good)


def test_a_budget_below_what_is_spent_ends_a_search_with_nothing_begun():
    found, journal = simulate(DEMO, epochs=60)
    again, longer = simulate(DEMO, epochs=40, history=journal)
    assert found.pool.epochs_spent > 40
    assert (again.stop_reason, longer) == ("epochs", journal)


def test_a_search_without_an_end_is_refused():
    with pytest.raises(ConfigError, match="has no end"):
        Search(DEMO, Limits(), _proposer(), seed=0)


def test_seeds_of_jobs_differ_by_candidate_replica_and_run_only():
    def seed_of(run_seed, candidate, replica):
        search = Search(DEMO, Limits(epochs=60), _proposer(), Rules(finalists=1), seed=run_seed)
        while not search.done:
            for job in search.ask(4).jobs:
                if (job.candidate_id, job.replica) == (candidate, replica):
                    return job.seed
                search.tell(good(job))
        raise AssertionError((run_seed, candidate, replica))

    final = simulate(DEMO, epochs=60, finalists=1, reply=good)[0].pool.best().id
    seeds = [seed_of(0, 0, 0), seed_of(0, 1, 0), seed_of(1, 0, 0), seed_of(0, final, 1)]
    assert len(set(seeds)) == 4
    assert seed_of(0, 0, 0) == seeds[0]


def _proposer():
    from tests.ranknosh_simulation import StreamProposer

    return StreamProposer()


def test_the_simulation_itself_diverges_somewhere():
    search, _ = simulate(DEMO, candidates=42, reply=answer)
    assert any(failure.kind == "diverged" for failure in search.pool.failures)


class Contrary(StreamProposer):
    """Prefers the worst by the metric."""

    def prefer(self, pool, residents):
        return list(reversed(residents))


def promoted(**options):
    search = Search(DEMO, Limits(), Contrary(), Rules(candidates=12, **options), seed=0)
    first = []
    while not search.done:
        asked = search.ask(1)
        first += [r.candidate_id for r in asked.records if isinstance(r, Promotion) and r.to_level == 2]
        for job in asked.jobs:
            search.tell(good(job))
    return first


def test_promotions_may_follow_the_proposers_order():
    by_metric = sorted(range(12), key=lambda i: -quality(i, 1))
    assert promoted() == by_metric[:6]
    assert promoted(promote="predicted") == by_metric[:5:-1]
    with pytest.raises(ConfigError, match=r"pyramid\.promote"):
        Search(DEMO, Limits(), StreamProposer(), Rules(candidates=12, promote="predicted"), seed=0)


def test_a_closing_share_is_spent_on_paused_candidates():
    def closed(share):
        search = Search(DEMO, Limits(epochs=100), StreamProposer(), Rules(closing=share), seed=0)
        reasons = []
        while not search.done:
            asked = search.ask(1)
            reasons += [record.reason for record in asked.records if isinstance(record, Promotion)]
            for job in asked.jobs:
                search.tell(good(job))
        return search.pool.count, reasons.count("closing"), search.pool.epochs_spent

    (many, few, spent), (fewer, more, spent_too) = closed(0.0), closed(0.3)
    assert fewer < many
    assert more > few
    assert max(spent, spent_too) <= 100
    assert spent_too > 90
