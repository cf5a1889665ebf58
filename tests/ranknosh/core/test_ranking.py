"""Fronts, crowding and hypervolumes against definitions and brute force."""

import numpy as np
import pytest

from ranknosh.core.ranking import (
    best_first,
    crowding,
    fronts,
    hypervolume,
    improvements,
    non_dominated,
    reference_of,
)
from tests.peaks import peak_bytes


def beats(one, other):
    return all(a >= b for a, b in zip(one, other, strict=True)) and any(a > b for a, b in zip(one, other, strict=True))


def layers(points):
    """Fronts by their definition: again and again what nothing left beats."""
    left, ranks, front = set(range(len(points))), [0] * len(points), 0
    while left:
        now = {i for i in left if not any(beats(points[j], points[i]) for j in left)}
        for i in now:
            ranks[i] = front
        left, front = left - now, front + 1
    return ranks


@pytest.mark.parametrize("m", [1, 2, 3])
@pytest.mark.parametrize("seed", range(6))
def test_fronts_are_those_of_the_definition(m, seed):
    points = np.random.default_rng(seed).integers(0, 6, size=(40, m)).astype(float)  # with many ties
    expected = layers(points.tolist())
    assert fronts(points).tolist() == expected
    assert non_dominated(points).tolist() == [rank == 0 for rank in expected]


def test_fronts_of_many_points_take_little_memory():
    points = np.random.default_rng(0).random((2000, 2))
    assert peak_bytes(lambda: fronts(points)) < 1e6  # a table of all pairs takes 4 MB


def test_a_small_difference_beside_a_large_number_counts():
    points = np.array([[0.5, -1e17], [0.6, -1e17]])  # their sums are equal
    assert non_dominated(points).tolist() == [False, True]
    assert fronts(points).tolist() == [1, 0]


def test_nothing_is_dominated_where_there_is_nothing():
    assert best_first(np.empty((0, 2))) == []
    assert non_dominated(np.empty((0, 2))).tolist() == []


def test_crowding_by_hand():
    points = np.array([[0.0, 10.0], [1.0, 6.0], [4.0, 5.0], [10.0, 0.0], [0.0, 0.0]])
    ranks = fronts(points)
    assert ranks.tolist() == [0, 0, 0, 0, 1]
    lonely = crowding(points, ranks)
    assert lonely[[0, 3, 4]].tolist() == [np.inf] * 3
    assert lonely[1] == pytest.approx(4 / 10 + 5 / 10)
    assert lonely[2] == pytest.approx(9 / 10 + 6 / 10)
    assert best_first(points) == [0, 3, 2, 1, 4]


def test_equal_points_are_as_lonely_as_each_other():
    points = np.array([[0.0, 2.0], [1.0, 1.0], [1.0, 1.0], [2.0, 0.0]])
    assert crowding(points, fronts(points)).tolist() == [np.inf, 2.0, 2.0, np.inf]


@pytest.mark.parametrize("seed", range(4))
def test_hypervolume_is_the_share_of_a_fine_grid(seed):
    rng = np.random.default_rng(seed)
    points, reference = rng.random((8, 2)), np.array([0.1, 0.2])
    grid = (np.arange(400) + 0.5) / 400
    x, y = np.meshgrid(grid, grid)
    covered = np.zeros_like(x, dtype=bool)
    for a, b in points:
        covered |= (x <= a) & (y <= b) & (x >= reference[0]) & (y >= reference[1])
    assert hypervolume(points, reference) == pytest.approx(covered.mean(), abs=0.01)


def test_what_is_not_better_than_the_reference_counts_nothing():
    assert hypervolume(np.array([[1.0, 3.0], [2.0, 1.0]]), np.array([1.0, 0.0])) == pytest.approx(1.0)
    assert hypervolume(np.array([[0.0, 0.0]]), np.array([1.0, 1.0])) == 0.0
    assert hypervolume(np.empty((0, 2)), np.array([0.0, 0.0])) == 0.0


def test_a_reference_point_is_a_twentieth_of_the_range_beyond_the_worst():
    points = np.array([[0.2, -300.0, 7.0], [0.6, -100.0, 7.0], [0.4, -200.0, 7.0]])
    assert reference_of(points) == pytest.approx([0.2 - 0.02, -300.0 - 10.0, 7.0 - 0.05])
    assert (
        hypervolume(points, reference_of(points)) > 0
    )  # the ends count, and what is the same for all takes nothing away


def test_an_improvement_is_what_a_point_adds():
    front, reference = np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros(2)
    found = improvements(np.array([[2.0, 2.0], [1.0, 1.0], [3.0, 0.5]]), front, reference)
    assert found == pytest.approx([1.0, 0.0, 0.5])
