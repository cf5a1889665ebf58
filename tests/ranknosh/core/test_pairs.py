"""Pairs of a small pool against lists written by hand."""

import numpy as np
import pytest

from ranknosh.core import pairs
from ranknosh.core.pairs import MAX_PAIRS, Evidence, evidence, places
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import Failed, Observed, Promotion, Proposed
from ranknosh.spaces.base import Architecture
from tests.peaks import peak_bytes

PYRAMID = Pyramid.make((1, 2, 4), 0.5)


def pool_of(histories, failures=()):
    """``histories[i]``: metrics of candidate i at levels 1, 2, ...; ``failures``: (candidate, level, kind)."""
    records = [Proposed(i, Architecture("toy", (i,)), f"k{i}", "t", 0, "random") for i in range(len(histories))]
    for i, metrics in enumerate(histories):
        for level, metric in enumerate(metrics, start=1):
            if level > 1:
                records.append(Promotion(i, level))
            records.append(Observed(i, level, metric, {"accuracy": metric, "loss": 1.0}, 1, 0.1))
    for i, level, kind in failures:
        if level > 1:
            records.append(Promotion(i, level))
        records.append(Failed(i, level, kind, "went wrong", 1, 0.1))
    return Pool(records)


SIX = [(0.9, 0.8, 0.7), (0.8, 0.9), (0.7, 0.6), (0.5,), (0.95,), (0.4,)]  # levels 3, 2, 2, 1, 1, 1


def pairs_of(result):
    return {(result.members[w].id, result.members[loser].id) for w, loser in result.pairs}


def test_the_papers_rule_on_six_candidates_by_hand():
    expected = {(0, j) for j in range(1, 6)}  # level 3 beats everybody
    expected |= {(i, j) for i in (1, 2) for j in (3, 4, 5)} | {(1, 2)}  # level 2, then by the metric at level 2
    expected |= {(4, 3), (4, 5), (3, 5)}  # level 1 by its metric
    result = evidence(pool_of(SIX), PYRAMID, "level")
    assert pairs_of(result) == expected
    assert len(result.pairs) == 15


def test_the_common_rule_compares_where_both_have_been():
    pairs = pairs_of(evidence(pool_of(SIX), PYRAMID, "common"))
    assert (1, 0) in pairs  # at level 2: 0.9 against 0.8
    assert (4, 0) in pairs  # at level 1: 0.95 against 0.9
    assert (0, 1) not in pairs
    assert len(pairs) == 15


def test_agree_keeps_what_both_rules_say():
    level, common, agree = (pairs_of(evidence(pool_of(SIX), PYRAMID, rule)) for rule in ("level", "common", "agree"))
    assert agree == level & common
    assert agree != level


def test_near_ties_of_one_level_are_dropped():
    pool = pool_of([(0.50,), (0.52,), (0.60,)])
    assert pairs_of(evidence(pool, PYRAMID, near_tie=0.05)) == {(2, 0), (2, 1)}
    assert pairs_of(evidence(pool_of([(0.5,), (0.5,)]), PYRAMID)) == set()


def test_failed_ones_lose_against_survivors_of_their_level_only():
    pool = pool_of([(0.9, 0.8), (0.5,), (0.7,), (0.6,)], [(2, 2, "diverged"), (3, 2, "crashed")])
    result = evidence(pool, PYRAMID)
    assert {c.id for c in result.members} == {0, 1, 2}  # a crash says nothing of the architecture
    assert pairs_of(result) == {(0, 1), (0, 2)}
    assert result.order[[c.id for c in result.members].index(2)] == 0.0
    at_first = pool_of([(0.9,), ()], [(1, 1, "diverged")])
    assert pairs_of(evidence(at_first, PYRAMID)) == {(0, 1)}


def test_the_order_is_reordered_by_higher_levels_within_the_places_held():
    result = evidence(pool_of([(0.9, 0.3), (0.8, 0.4), (0.7,), (0.6, 0.5)]), PYRAMID)
    # level 1 places 4,3,2,1; those with level 2 hold 4,3,1 and share them by level 2: candidate 3, then 1, then 0
    assert list(result.order) == [1 / 4, 3 / 4, 2 / 4, 4 / 4]


def test_equal_metrics_share_their_place():
    assert list(evidence(pool_of([(0.5,), (0.5,), (0.9,)]), PYRAMID).order) == pytest.approx([0.5, 0.5, 1.0])


def test_weights_follow_the_level_that_decided():
    result = evidence(pool_of([(0.9, 0.8), (0.8, 0.9), (0.1,)]), PYRAMID, level_weight=1.0)
    weight = {(w, loser): weight for (w, loser), weight in zip(map(tuple, result.pairs), result.weights, strict=True)}
    assert weight[1, 0] == pytest.approx(2 / 4)  # both at level 2, trained 2 of 4 epochs
    assert evidence(pool_of(SIX), PYRAMID).weights.tolist() == [1.0] * 15


def test_insertion_order_does_not_matter():
    histories = [(0.9,), (0.8,), (0.7,), (0.8,)]
    pool = pool_of(histories)
    shuffled = Pool(
        [Proposed(i, Architecture("toy", (i,)), f"k{i}", "t", 0, "random") for i in range(4)]
        + [Observed(i, 1, histories[i][0], {"accuracy": 0.5, "loss": 1.0}, 1, 0.1) for i in (3, 1, 0, 2)]
    )
    assert np.array_equal(evidence(pool, PYRAMID).pairs, evidence(shuffled, PYRAMID).pairs)


def test_large_pools_are_thinned_the_same_way_each_time():
    pool = pool_of([(i / 400,) for i in range(400)])
    first, again, other = (evidence(pool, PYRAMID, seed=seed).pairs for seed in (0, 0, 1))
    assert len(first) == MAX_PAIRS < 400 * 399 // 2
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (first[:, 0] > first[:, 1]).all()  # a higher number is the better one here


@pytest.mark.parametrize("rule", ["level", "common", "agree"])
def test_pairs_do_not_depend_on_how_many_are_compared_at_once(monkeypatch, rule):
    histories = [(i * 37 % 101 / 100, i * 53 % 97 / 100)[: 1 + i % 2] for i in range(500)]
    pool = pool_of(histories, [(number, 2, "diverged") for number in range(0, 500, 50)])
    known = []
    for cells in (1, 3000, 10**9):  # a row, six rows, everything
        monkeypatch.setattr(pairs, "_CELLS", cells)
        known.append(evidence(pool, PYRAMID, rule, near_tie=0.02, level_weight=0.5, seed=3))
    assert len(known[0].pairs) == MAX_PAIRS
    for other in known[1:]:
        assert np.array_equal(other.pairs, known[0].pairs)
        assert np.array_equal(other.weights, known[0].weights)


def test_the_evidence_of_many_takes_little_memory():
    pool = pool_of([(i * 37 % 2003 / 2003,) for i in range(2000)])
    assert peak_bytes(lambda: evidence(pool, PYRAMID)) < 32e6  # one number a pair of candidates takes as much


def test_an_empty_pool_has_no_evidence():
    result = evidence(Pool(), PYRAMID)
    assert result.pairs.shape == (0, 2)
    assert len(result.members) == 0


def test_places_are_kept_for_every_level():
    known = evidence(pool_of([(0.9, 0.3), (0.8, 0.4), (0.7,), (0.6, 0.5)], [(2, 2, "diverged")]), PYRAMID).members
    table = places(known, 3)
    # three are alive: level 1 says 0, 1, 3; level 2 hands the same three places to 3, 1, 0; the failed one has place 0
    assert table[:, 0].tolist() == pytest.approx([3 / 3, 2 / 3, 0.0, 1 / 3])
    assert table[[0, 1, 3], 1].tolist() == pytest.approx([1 / 3, 2 / 3, 3 / 3])
    assert np.isnan(table[2, 1])
    assert np.isnan(table[:, 2]).all()


PAIRS = np.array([[0, 1], [0, 2], [1, 2], [3, 0]], dtype=np.int64)
ORDER = np.array([0.6, 0.4, 0.2, 1.0])
KNOWN = Evidence((), PAIRS, np.array([1, 2, 3, 4], np.float32), ORDER, np.array([1, 1, 1, 2]), ORDER[:, None])


def test_a_subset_keeps_the_pairs_of_its_members_renumbered() -> None:
    part = KNOWN.subset(np.array([0, 2, 3]))
    assert part.pairs.tolist() == [[0, 1], [2, 0]]
    assert part.weights.tolist() == [2, 4]
    assert part.order.tolist() == [0.6, 0.2, 1.0]
    assert part.levels.tolist() == [1, 1, 2]


def test_counts_multiply_the_weights_of_both_members() -> None:
    part = KNOWN.subset(np.array([0, 2, 3]), np.array([2, 3, 1]))
    assert part.weights.tolist() == [2 * 2 * 3, 4 * 1 * 2]
