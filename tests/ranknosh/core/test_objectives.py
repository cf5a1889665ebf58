"""Levels that keep fronts, on candidates whose numbers are written by hand."""

from ranknosh.core.objectives import Objectives
from ranknosh.core.pairs import front
from ranknosh.core.pool import Pool
from ranknosh.core.records import Failed, Observed, Promotion, Proposed
from ranknosh.spaces.base import Architecture

BOTH = Objectives("accuracy", ["latency"])
# (accuracy, latency): 0 and 2 are the ends of the front, 1 and 3 between them, 4 is dominated by 1, 5 by all.
POINTS = [(0.9, 9.0), (0.7, 4.0), (0.2, 1.0), (0.3, 2.0), (0.6, 5.0), (0.1, 9.5)]


def proposed(number, latency):
    return Proposed(
        number, Architecture("s", (number,)), f"k{number}", f"t{number}", 0, "random", costs={"latency": latency}
    )


def observed(number, level, accuracy):
    return Observed(number, level, accuracy, {"accuracy": accuracy}, 1, 1.0)


def filled(objectives=BOTH):
    records = [proposed(number, latency) for number, (_, latency) in enumerate(POINTS)]
    records += [observed(number, 1, accuracy) for number, (accuracy, _) in enumerate(POINTS)]
    return Pool(records, objectives)


def ids(candidates):
    return [candidate.id for candidate in candidates]


def test_values_are_higher_for_the_better_in_every_objective():
    objectives = Objectives("accuracy", ["params", "latency"])
    assert objectives.values(0.9, {"latency": 3.0, "params": 7.0, "macs": 1.0}) == [0.9, -7.0, -3.0]
    assert objectives.names == ["accuracy", "params", "latency"]


def test_a_level_is_ordered_by_fronts_and_the_lonelier_first():
    pool = filled()
    # Crowding of 1: (0.9 - 0.3) / 0.7 + (9 - 2) / 8; of 3: (0.7 - 0.2) / 0.7 + (4 - 1) / 8.
    assert ids(pool.at_level(1)) == [0, 2, 1, 3, 4, 5]
    assert ids(filled(None).at_level(1)) == [0, 1, 4, 3, 2, 5]


def test_who_was_promoted_rests_there_no_more_and_still_dominates():
    pool = filled()
    assert ids(pool.residents(1, 2)) == [0, 2]
    for number in (0, 1):
        pool.apply(Promotion(number, 2))
    assert ids(pool.residents(1)) == [2, 3, 4, 5]
    pool.apply(observed(0, 2, 0.95))
    assert ids(pool.at_level(2)) == [0]
    pool.apply(observed(1, 2, 0.99))
    assert ids(pool.at_level(2)) == [1, 0]


def test_the_order_at_a_level_is_by_results_of_that_level():
    pool = filled()
    pool.apply(Promotion(1, 2))
    pool.apply(observed(1, 2, 0.01))
    pool.apply(proposed(6, 9.9))
    pool.apply(observed(6, 1, 0.05))
    assert ids(pool.at_level(1)) == [0, 2, 1, 3, 4, 5, 6]


def test_the_front_of_a_search_counts_the_higher_level_where_both_were():
    pool = filled()
    assert ids(front(pool, 2)) == [0, 1, 3, 2]
    for number in (0, 1):
        pool.apply(Promotion(number, 2))
    pool.apply(observed(0, 2, 0.5))
    assert ids(front(pool, 2)) == [0, 1, 3, 2]  # 0.5 after level 2 is no worse than 0.7 after level 1
    pool.apply(observed(1, 2, 0.8))  # better than 0 where both were trained further, and faster
    assert ids(front(pool, 2)) == [1, 3, 2]
    pool.apply(Promotion(2, 2))
    pool.apply(Failed(2, 2, "diverged", "", 1, 0.1))
    assert ids(front(pool, 2)) == [1, 3]
    assert front(filled(None), 2) == []


def test_the_best_of_equally_good_ones_is_that_of_the_front():
    records = [proposed(0, 5.0), proposed(1, 3.0), proposed(2, 1.0)]
    records += [observed(0, 1, 0.9), observed(1, 1, 0.9), observed(2, 1, 0.2)]
    assert Pool(records).best().id == 0  # of equal metrics the older one
    pool = Pool(records, BOTH)
    assert pool.best().id == 1
    assert ids(front(pool, 1)) == [1, 2]
