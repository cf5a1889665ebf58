"""The choice of what enlarges a front, by hand."""

import numpy as np
import pytest

from ranknosh.predictors.fronts import in_units, most_enlarging


def test_scores_become_results_by_their_order_and_go_on_beyond():
    known, observed = np.array([3.0, 1.0, 2.0, 4.0]), np.array([0.5, 0.9, 0.6, 0.8])
    found = in_units(np.array([1.0, 2.5, 4.0, 5.0, 0.0]), known, observed)
    # Sorted: 1 -> 0.5, 2 -> 0.6, 3 -> 0.8, 4 -> 0.9; beyond 4 with slope 0.1, below 1 with slope 0.1.
    assert found == pytest.approx([0.5, 0.7, 0.9, 1.0, 0.4])


def test_the_largest_gap_is_filled_first():
    # Known: (accuracy 0.2, cost 0), (0.4, 1) and (1.0, 10). Free: rows 3 to 7.
    metric = np.array([0.2, 0.4, 1.0, 0.9, 0.41, 0.3, 0.95, 0.89])
    costs = np.array([[0.0], [1.0], [10.0], [2.0], [0.9], [2.0], [9.0], [2.1]])
    free = np.arange(8) >= 3
    known, none = np.array([0, 1, 2]), np.array([], dtype=np.int64)
    # Areas: (0.9, 2) opens 0.5 * 0.8, (0.95, 9) 0.55 * 0.1, (0.41, 0.9) 0.21 * 0.01 + 0.01 * 0.9. The first dominates (0.89, 2.1)
    # and (0.3, 2), of which only the one would enlarge the front of the known ones.
    assert list(most_enlarging(metric, costs, free, known, metric[known], none)) == [3, 6, 4, 7, 5]
    # Where (0.9, 2) waits for its result already, (0.89, 2.1) has nothing to add, and (0.95, 9) has 0.05 * 0.1 against 0.0031.
    free[3] = False
    assert list(most_enlarging(metric, costs, free, known, metric[known], np.array([3]))) == [6, 4, 7, 5]


def test_gaps_are_as_wide_as_results_not_as_scores():
    # Results 0.2, 0.8 and 0.9 at costs 0, 5 and 10, which the predictor scores 0, 1 and 100.
    scores, costs = np.array([0.0, 1.0, 100.0, 90.0, 0.9]), np.array([[0.0], [5.0], [10.0], [6.0], [1.0]])
    known, none = np.array([0, 1, 2]), np.array([], dtype=np.int64)
    # 90 is 0.89 and opens 0.09 * 0.4; 0.9 is 0.74 and opens 0.54 * 0.4.
    order = most_enlarging(scores, costs, np.arange(5) >= 3, known, np.array([0.2, 0.8, 0.9]), none)
    assert list(order) == [4, 3]


def test_of_equal_gains_the_better_metric_comes_first():
    # Neither of the two beats the other, and a known one dominates both: they add nothing.
    metric, costs = np.array([0.2, 1.0, 0.5, 0.6]), np.array([[0.1], [0.0], [0.2], [0.3]])
    known, none = np.array([0, 1]), np.array([], dtype=np.int64)
    assert list(most_enlarging(metric, costs, np.arange(4) >= 2, known, metric[known], none)) == [3, 2]
