"""What levels are ranked by: the signals by hand, the rule on tiny pools, and whole searches in which it matters."""

import math

import numpy as np
import pytest

from ranknosh.core.objectives import Objectives
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import EpochPoint, Failed, JobResult, Observed, Promotion, Proposed
from ranknosh.core.signals import SIGNALS, resting, signal_of, standing, values
from ranknosh.spaces.base import Architecture
from ranknosh.streams import stream
from tests.ranknosh_simulation import decisions, quality, simulate


def proposed(i, **costs):
    return Proposed(i, Architecture("toy", (i,)), f"k{i:03}", f"t{i}", 0, "random", costs=costs)


def observed(i, level, *metrics, loss=1.0, first=1):
    """``metrics`` of its epochs from ``first`` on, the last one that of the level."""
    curve = tuple(EpochPoint(first + place, loss, metric, 0.1) for place, metric in enumerate(metrics))
    return Observed(i, level, metrics[-1], {"accuracy": metrics[-1]}, len(metrics), 0.1, curve=curve)


def two_levels(validation, losses, above):
    """Candidates with a metric and a training loss at level 1; all of ``above`` have a metric at level 2 too, in order."""
    records = [proposed(i) for i in range(len(validation))]
    records += [
        observed(i, 1, metric, loss=loss) for i, (metric, loss) in enumerate(zip(validation, losses, strict=True))
    ]
    records += [Promotion(i, 2) for i in range(len(above))]
    return Pool([*records, *(observed(i, 2, metric, first=2) for i, metric in enumerate(above))])


UP, DOWN = [i / 10 for i in range(8)], [1 - i / 10 for i in range(8)]


def test_the_signals_by_hand():
    pool = Pool([proposed(0), proposed(1), observed(0, 1, 0.1, 0.4, loss=3.0), observed(1, 1, 0.2, 0.3, loss=2.0)])
    for record in (Promotion(0, 2), Promotion(1, 2), observed(0, 2, 0.7, 0.4, loss=1.5, first=3)):
        pool.apply(record)
    pool.apply(observed(1, 2, 0.5, 0.9, loss=2.5, first=3))
    both = [pool.candidates[0], pool.candidates[1]]
    assert values(both, 1, "validation").tolist() == [0.4, 0.3]
    assert values(both, 1, "mean").tolist() == pytest.approx([0.25, 0.25])  # of two epochs: there are no more
    assert values(both, 2, "mean").tolist() == pytest.approx([1.5 / 3, 1.7 / 3])  # epochs 2 to 4, over both levels
    assert values(both, 1, "ema").tolist() == pytest.approx([0.2, 0.2 + 0.1 / 3])
    assert values(both, 2, "train_loss").tolist() == [-1.5, -2.5]
    assert values(both, 2, "combined").tolist() == [1.5, 1.5]  # ranks 1 and 2, 2 and 1


def test_the_mean_is_of_epochs_and_not_of_what_is_known():
    sparse = Observed(0, 1, 0.9, {}, 9, 0.1, curve=(EpochPoint(3, 1.0, 0.3, 0.1), EpochPoint(9, 1.0, 0.9, 0.1)))
    assert values([Pool([proposed(0), sparse]).candidates[0]], 1, "mean").tolist() == [0.9]


def test_equal_values_share_a_rank():
    pool = two_levels([0.5, 0.5, 0.7], [1.0, 2.0, 3.0], [])
    assert values(list(pool.candidates.values()), 1, "combined").tolist() == [2.25, 1.75, 2.0]


def test_a_training_loss_that_predicts_the_next_level_ranks_where_validation_does_not():
    pool = two_levels(DOWN, DOWN, UP)
    found = standing(pool, 1)
    assert found.signal == signal_of(pool, 1, "auto") == "train_loss"
    assert found.compared == 8
    assert found.taus == {"validation": -1, "mean": -1, "ema": -1, "train_loss": 1, "combined": 0}


@pytest.mark.parametrize(
    ("validation", "losses", "above", "why"),
    [
        (UP, UP, UP, "validation is right and the loss is wrong"),
        (UP, DOWN, UP, "both are right"),
        (DOWN[:7], DOWN[:7], UP[:7], "seven candidates are too few"),
        ([0.1, 0.0, *UP[2:]], DOWN, UP, "one pair of 28 is no lead beyond chance"),
        (UP, DOWN, DOWN, "both are wrong"),
    ],
)
def test_otherwise_the_plain_signal_ranks(validation, losses, above, why):
    assert standing(two_levels(validation, losses, above), 1).signal == "validation", why


def test_eight_more_candidates_of_which_both_say_the_same_count_for_the_plain_one():
    """By hand, for three swapped neighbours of four: d is 2/7 for six candidates and 0 for two, so that its mean is 0.214 and
    1.2816 standard errors are 0.120. Eight more candidates with d = 0 halve the mean; the fourth swap takes the error away."""

    def swapped(times):
        values = UP.copy()
        for left in range(0, 2 * times, 2):
            values[left : left + 2] = values[left + 1], values[left]
        return standing(two_levels(values, DOWN, UP), 1)

    assert swapped(3).taus["validation"] == pytest.approx(1 - 2 * 3 / 28)
    assert [swapped(times).signal for times in (1, 2, 3, 4)] == ["validation"] * 3 + ["train_loss"]


def test_without_curves_or_losses_only_what_is_known_is_judged():
    bare = [Observed(i, 1, metric, {}, 1, 0.1) for i, metric in enumerate(DOWN)]
    pool = Pool([*map(proposed, range(8)), *bare])
    assert signal_of(pool, 1, "auto") == signal_of(pool, 1, "mean") == "validation"
    unknown = two_levels(DOWN, [math.nan] * 8, UP)
    assert set(standing(unknown, 1).taus) == {"validation", "mean", "ema"}
    assert [signal_of(unknown, 1, rule) for rule in ("train_loss", "mean")] == ["validation", "mean"]
    assert standing(Pool(), 1).taus == {}


def test_a_signal_orders_those_that_rest_and_equal_values_go_by_the_metric():
    pool = two_levels([0.1, 0.2, 0.3, 0.4], [1.0, 2.0, 2.0, 3.0], [])
    assert [one.id for one in resting(pool, 1, "train_loss")] == [0, 2, 1, 3]
    pool.apply(Promotion(0, 2))
    assert [one.id for one in resting(pool, 1, "train_loss", 2)] == [2, 1]
    assert [one.id for one in resting(pool, 1, "validation", 2)] == [3, 2]


def test_with_objectives_the_signal_takes_the_place_of_the_metric():
    records = [proposed(0, params=1.0), proposed(1, params=2.0), proposed(2, params=3.0)]
    records += [observed(0, 1, 0.9, loss=3.0), observed(1, 1, 0.5, loss=2.0), observed(2, 1, 0.1, loss=2.5)]
    pool = Pool(records, Objectives("accuracy", ["params"]))
    assert [one.id for one in resting(pool, 1, "validation")] == [0, 1, 2]  # one front each: 0 is better and smaller
    assert {one.id for one in resting(pool, 1, "train_loss")[:2]} == {0, 1}
    assert resting(pool, 1, "train_loss")[2].id == 2  # dominated by 1 in loss and size


def reply(job):
    """Level 1 has noise for a metric and a training loss that knows the worth, which the levels above show."""
    if job.candidate_id % 15 == 9 and job.level == 2:
        return JobResult(job, Failed(job.candidate_id, job.level, "diverged", "loss is nan", 1, 0.1))
    worth = float(stream(0, "worth", job.candidate_id).random())
    noise = quality(job.candidate_id, job.level)
    metric = noise if job.level == 1 else worth + 0.01 * noise
    first = job.curve_from + 1
    curve = tuple(EpochPoint(epoch, 2 - worth, metric, 0.1) for epoch in range(first, job.stop_epoch + 1))
    done = Observed(job.candidate_id, job.level, metric, {}, job.epochs, 0.1, curve=curve, replica=job.replica)
    return JobResult(job, done)


SMALL = Pyramid.make((1, 2, 4), 0.5, initial=16, batch=8)


def promoted_by(journal, to_level):
    return [record.signal for record in journal if isinstance(record, Promotion) and record.to_level == to_level]


@pytest.mark.parametrize("schedule", ["reproducible", "eager"])
def test_a_search_turns_to_the_signal_that_predicts_and_finds_more(schedule):
    search, journal = simulate(SMALL, candidates=96, schedule=schedule, reply=reply)
    ranked = promoted_by(journal, 2)
    assert set(ranked[:8]) == {"validation"}
    assert set(ranked[-8:]) <= {"train_loss", "combined"}
    assert set(promoted_by(journal, 3)) == {"validation"}
    plain, bare = simulate(SMALL, candidates=96, schedule=schedule, signal="validation", reply=reply)
    assert set(promoted_by(bare, 2)) == {"validation"}

    def worth(found):
        return np.mean([float(stream(0, "worth", one.id).random()) for one in found.pool.at_level(2)])

    assert worth(search) > worth(plain) + 0.1


@pytest.mark.parametrize("rule", [name for name in SIGNALS if name != "validation"])
def test_a_signal_that_is_asked_for_ranks_from_the_beginning(rule):
    _, journal = simulate(SMALL, candidates=24, signal=rule, reply=reply)
    assert {record.signal for record in journal if isinstance(record, Promotion)} == {rule}


def test_workers_and_cuts_change_no_decision_by_a_signal():
    _, whole = simulate(SMALL, candidates=72, reply=reply)
    assert promoted_by(whole, 2)[-1] != "validation"
    _, other = simulate(SMALL, candidates=72, workers=3, shuffle=1, reply=reply)
    assert decisions(other) == decisions(whole)
    for cut in range(0, len(whole) + 1, 7):
        _, resumed = simulate(SMALL, candidates=72, history=whole[:cut], reply=reply)
        assert resumed == whole, f"cut after {cut} records"
