from dataclasses import replace

import pytest

from ranknosh.core.objectives import Objectives
from ranknosh.core.pool import Pool
from ranknosh.core.records import (
    Costed,
    Failed,
    Fitted,
    Interrupted,
    Observed,
    Promotion,
    Proposed,
    Rerun,
    Scored,
    Speculated,
    Tested,
)
from ranknosh.errors import StoreError
from ranknosh.spaces.base import Architecture


def proposed(i, key=None, batch=0):
    return Proposed(i, Architecture("toy", (i,)), key or f"k{i}", f"t{i}", batch, "random")


def observed(i, level, metric, epochs=1, replica=0):
    return Observed(
        i, level, metric, {"accuracy": metric, "loss": 1.0}, epochs, 0.5, replica=replica, checkpoint_bytes=10
    )


def test_the_fold_by_hand():
    pool = Pool([proposed(0), proposed(1), proposed(2), observed(0, 1, 0.3), observed(1, 1, 0.7), observed(2, 1, 0.5)])
    assert [c.id for c in pool.residents(1)] == [1, 2, 0]
    assert (pool.count, pool.epochs_spent, pool.entered(1), pool.entered(2)) == (3, 3, 3, 0)
    pool.apply(Promotion(1, 2))
    assert [c.id for c in pool.residents(1)] == [2, 0]
    assert pool.entered(2) == 1
    assert (pool.pending_at(2), pool.pending_at(1)) == (1, 0)
    pool.apply(observed(1, 2, 0.2, epochs=3))
    assert pool.best().id == 1  # a higher level wins over a higher number measured lower down
    assert pool.candidates[1].epochs == 4
    assert pool.disk_bytes == 30
    assert pool.training_seconds == 2.0


def test_every_second_is_device_time_and_counted_where_it_was_spent():
    net = Architecture("toy", (0,))
    pool = Pool([Scored(net, "k", "t", {"synflow": 1.0}, 1.0), Scored(net, "l", "u", {"synflow": 2.0}, 2.0)])
    for record in (
        Costed("t", {"latency": 0.1}, 4.0),
        Costed("u", {"latency": 0.2}, 8.0),
        Fitted(0, "kernel", 3, 3, None, 0, None, 16.0),
        Fitted(1, "kernel", 6, 9, None, 0, None, 32.0),
        *(proposed(i) for i in range(2)),
        Interrupted(0, 1, 1, 1, 64.0),
        Failed(0, 1, "crashed", "boom", 1, 128.0, final=False),
        replace(observed(0, 1, 0.3, epochs=2), seconds=256.0),
        Speculated(0, 1, 1, 512.0),
        Failed(1, 1, "raised", "boom", 1, 1024.0),
        Tested(0, {"accuracy": 0.3}, 2048.0),
        Tested(0, {"accuracy": 0.3}, 4096.0),
    ):
        pool.apply(record)
    assert (pool.proxy_seconds, pool.cost_seconds, pool.predictor_seconds) == (3.0, 12.0, 48.0)
    assert (pool.training_seconds, pool.test_seconds) == (1984.0, 6144.0)
    assert pool.device_seconds == 8191.0


def test_what_a_candidate_measures_is_averaged_over_its_trainings():
    pool = Pool([proposed(0), proposed(1), observed(0, 1, 0.25), Rerun(0, 1), observed(0, 1, 0.75, replica=1)])
    assert pool.candidates[0].metrics == {"accuracy": 0.5, "loss": 1.0}
    assert pool.candidates[0].metric == 0.5
    assert (pool.candidates[1].metrics, pool.candidates[1].metric) == ({}, None)


def test_ties_are_broken_by_batch_then_key_whatever_the_order_of_insertion():
    records = [proposed(0, "c"), proposed(1, "a"), proposed(2, "b", batch=1)]
    results = [observed(i, 1, 0.5) for i in range(3)]
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        pool = Pool([*records, *(results[i] for i in order)])
        assert [c.key for c in pool.residents(1)] == ["a", "c", "b"]


def test_a_failed_candidate_keeps_its_history_and_is_no_longer_promoted():
    pool = Pool([proposed(0), observed(0, 1, 0.9), Promotion(0, 2), Failed(0, 2, "diverged", "nan", 1, 0.1)])
    assert pool.residents(1) == []
    assert pool.candidates[0].by_level == {1: 0.9}
    assert pool.entered(2) == 1
    assert pool.epochs_spent == 2
    assert pool.disk_bytes == 10  # of level 1, whose result stands


def test_a_crash_that_is_tried_again_wastes_its_epochs_and_stays_pending():
    pool = Pool([proposed(0), Failed(0, 1, "crashed", "boom", 2, 0.1, attempt=1, final=False)])
    assert (pool.epochs_spent, pool.epochs_wasted) == (0, 2)
    assert pool.pending[0, 0].attempt == 2


def test_the_promising_one_may_rest_below_the_best():
    pool = Pool([proposed(0), proposed(1), proposed(2)])
    assert pool.promising() is None
    for number, metric in enumerate((0.6, 0.5, 0.4)):
        pool.apply(observed(number, 1, metric))
    assert pool.promising() is pool.best() is pool.candidates[0]
    for record in (Promotion(1, 2), observed(1, 2, 0.7)):
        pool.apply(record)
    assert (pool.best().id, pool.promising().id) == (1, 0)
    pool.apply(Promotion(0, 2))
    pool.apply(Failed(0, 2, "diverged", "its loss is infinite", 1, 0.5))
    assert pool.promising().id == 1
    older, younger = proposed(3, key="z", batch=1), proposed(4, key="a", batch=2)
    for record in (older, younger, observed(3, 1, 0.9), observed(4, 1, 0.9)):
        pool.apply(record)
    assert pool.promising().id == 3  # of equal ones that of the older batch
    pool.apply(Rerun(1, 1))
    pool.apply(observed(1, 2, 0.72, replica=1))
    assert pool.promising() is pool.best()  # chosen by more than one seed


def test_with_several_objectives_the_best_is_promising():
    records = [replace(proposed(i), costs={"params": 1.0}) for i in (0, 1)]
    records += [observed(0, 1, 0.9), observed(1, 1, 0.8), Promotion(1, 2), observed(1, 2, 0.7)]
    assert Pool(records).promising().id == 0
    assert Pool(records, Objectives("accuracy", ("params",))).promising().id == 1


def test_an_interrupted_job_goes_on_where_it_stopped():
    pool = Pool([proposed(0), Interrupted(0, 1, 3, 3, 1.0)])
    assert pool.pending[0, 0].start_epoch == 3
    pool.apply(observed(0, 1, 0.5, epochs=2))
    assert pool.epochs_spent == 5
    assert pool.candidates[0].epochs == 5


def test_finalists_are_judged_by_their_mean():
    records = [proposed(0), proposed(1), observed(0, 1, 0.9), observed(1, 1, 0.8), Rerun(0, 1), Rerun(1, 1)]
    pool = Pool(records)
    assert pool.best().id == 0
    pool.apply(observed(0, 1, 0.5, replica=1))
    pool.apply(observed(1, 1, 0.82, replica=1))
    assert pool.best().id == 1
    assert pool.best().metric == pytest.approx(0.81)
    assert pool.residents(1)[0].id == 0  # promotion still goes by the first seed


@pytest.mark.parametrize(
    "records",
    [
        [proposed(1)],
        [proposed(0), Promotion(0, 2)],
        [proposed(0), observed(0, 1, 0.5), Promotion(0, 3)],
        [proposed(0), observed(0, 1, 0.5), observed(0, 1, 0.5)],
        [observed(5, 1, 0.5)],
        [proposed(0), observed(0, 2, 0.5)],
        [proposed(0), Interrupted(0, 2, 1, 1, 0.1)],
        [proposed(0), Failed(0, 2, "raised", "boom", 1, 0.1)],
    ],
)
def test_records_that_contradict_each_other_are_refused(records):
    with pytest.raises(StoreError):
        Pool(records)


def test_the_revision_counts_what_a_predictor_can_learn_from():
    """First results and final failures, not lost work, interruptions and trainings under another seed."""
    pool = Pool([proposed(0), proposed(1)])
    seen = []
    for record in (
        observed(0, 1, 0.5),
        Failed(1, 1, "crashed", "boom", 1, 0.1, final=False),
        Interrupted(1, 1, 1, 1, 0.1),
        Failed(1, 1, "diverged", "nan", 1, 0.1),
        Rerun(0, 1),
        observed(0, 1, 0.4, replica=1),
        Rerun(0, 2),
        Failed(0, 1, "diverged", "nan", 1, 0.1, replica=2),
    ):
        pool.apply(record)
        seen.append(pool.revision)
    assert seen == [1, 1, 1, 2, 2, 2, 2, 2]


def test_a_failed_training_leaves_its_state_where_a_result_stands_on_it():
    failed = Failed(0, 2, "diverged", "nan", 1, 0.1)
    pool = Pool([proposed(0), observed(0, 1, 0.9), Promotion(0, 2), failed])
    held = pool.disk_bytes
    assert pool.best().id == 0
    assert not pool.leaves_nothing(failed)
    assert pool.leaves_nothing(replace(failed, replica=1))
    assert held == Pool([proposed(0), observed(0, 1, 0.9)]).disk_bytes
    without = Failed(0, 1, "diverged", "nan", 1, 0.1)
    assert Pool([proposed(0), without]).leaves_nothing(without)
