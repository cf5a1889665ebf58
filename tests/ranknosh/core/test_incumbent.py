import numpy as np
import pytest

from ranknosh.core.incumbent import NOISE, SLOPE, WEIGHT, Expectations, expected

NAN = np.nan


def test_who_reached_a_level_first_is_not_better_than_who_was_ahead_below_it():
    # One candidate at level 2: the line goes through it with the slope there is before any evidence.
    value = expected(np.array([[0.5, NAN], [0.6, 0.7], [0.8, NAN]]))
    np.testing.assert_allclose(value, [0.7 + SLOPE * (0.5 - 0.6), 0.7, 0.7 + SLOPE * (0.8 - 0.6)])


def test_the_line_and_the_share_of_luck_by_hand():
    # The variance of all at level 1 is 1.25. At level 2 are 1 and 3: squares sum to 2, products with 1.0 and 2.0 to 1.
    slope = (1 + WEIGHT * 1.25 * SLOPE) / (2 + WEIGHT * 1.25)
    line = 1.5 + slope * (np.arange(4.0) - 2)
    value = expected(np.array([[0.0, NAN], [1.0, 1.0], [2.0, NAN], [3.0, 2.0]]))
    np.testing.assert_allclose(value[[0, 2]], line[[0, 2]])
    np.testing.assert_allclose(value[[1, 3]], line[[1, 3]] + (np.array([1.0, 2.0]) - line[[1, 3]]) / (1 + NOISE))


def test_levels_that_contradict_each_other_are_no_reason_to_prefer_the_worse():
    metrics = np.array([[0.0, 9.0], [1.0, 5.0], [2.0, 1.0], [0.5, NAN]])
    value = expected(metrics)
    assert value[3] == pytest.approx(5.0)  # the line is level: everybody else is as good as those at the top on average
    assert value.argmax() == 0


def test_every_level_stands_on_the_one_below():
    rng = np.random.default_rng(0)
    metrics = rng.normal(size=(9, 3))
    metrics[4:, 1] = NAN
    metrics[2:, 2] = NAN
    value = list(metrics[:, 0])
    for level, there in ((1, range(4)), (2, range(2))):
        found = [metrics[i, level] for i in there]
        middle, mean = sum(value[i] for i in there) / len(there), sum(found) / len(there)
        spread = WEIGHT * sum((v - sum(value) / 9) ** 2 for v in value) / 9
        both = sum((value[i] - middle) * (metrics[i, level] - mean) for i in there)
        slope = max(both + spread * SLOPE, 0) / (sum((value[i] - middle) ** 2 for i in there) + spread)
        value = [mean + slope * (v - middle) for v in value]
        for i in there:
            value[i] += (metrics[i, level] - value[i]) / (1 + NOISE)
    np.testing.assert_allclose(expected(metrics), value)
    # A level nobody reached says nothing.
    np.testing.assert_array_equal(expected(np.column_stack([metrics, np.full(9, NAN)])), expected(metrics))


def test_equal_metrics_below_are_equal_above():
    np.testing.assert_allclose(expected(np.array([[1.0, NAN], [1.0, 3.0], [1.0, NAN]])), [3.0, 3.0, 3.0])


def test_results_one_by_one_give_what_all_at_once_do():
    rng = np.random.default_rng(1)
    metrics = rng.normal(size=(200, 3))
    metrics[rng.random(200) < 0.7, 1:] = NAN
    metrics[rng.random(200) < 0.5, 2] = NAN
    measured = Expectations()
    for level in range(3):
        for row in rng.permutation(200):
            if not np.isnan(metrics[row, level]):
                measured.put(1000 - int(row), level + 1, metrics[row, level])
    assert measured.best() == [1000 - int(expected(metrics).argmax())]


def test_equal_ones_are_named_together_and_a_failed_one_is_not_expected_to_rise():
    measured = Expectations()
    assert measured.best() == []
    for number in (5, 7, 9):
        measured.put(number, 1, 0.5)
    assert measured.best() == [5, 7, 9]
    measured.put(3, 1, 0.9)
    measured.put(5, 2, 0.6)
    assert measured.best() == [3]
    measured.close(3)
    measured.close(8)  # has no result
    assert measured.best() == [5, 7, 9]
    measured.close(5)  # it failed above level 2, which it completed
    assert measured.best() == [5, 7, 9]
    measured.put(9, 2, 0.7)
    measured.close(7)
    assert measured.best() == [9]


def test_where_all_have_failed_the_best_of_them_is_left():
    measured = Expectations()
    measured.put(0, 1, 0.5)
    measured.put(1, 1, 0.6)
    for number in (0, 1):
        measured.close(number)
    assert measured.best() == [1]
