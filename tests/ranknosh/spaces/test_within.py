"""A space of listed architectures: what there is, what edits lead to, and what it keeps of the space it is a part of."""

import pickle
from collections import Counter

import numpy as np
import pytest

from ranknosh.core.seeding import draw
from ranknosh.predictors.candidates import whole
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.within import Nearest, within

CELLS = get_space("nasbench201")
CODES = [(0, 0, 0, 1, 0, 0), (0, 0, 0, 2, 0, 0), (0, 0, 0, 3, 0, 0), (3, 3, 3, 3, 3, 3), (2, 0, 0, 2, 0, 0)]
LISTED = tuple(Architecture("nasbench201", code) for code in CODES)


@pytest.fixture
def some():
    return within(CELLS, LISTED)


def test_there_are_the_listed_ones_alone(some):
    assert some.size == 5
    assert some.enumerable
    assert tuple(some.enumerate()) == LISTED
    assert set(some.shuffled(np.random.default_rng(0))) == set(LISTED)
    rng = np.random.default_rng(1)
    drawn = Counter(some.sample(rng) for _ in range(2_000))
    assert set(drawn) == set(LISTED)
    assert all(abs(count - 400) < 100 for count in drawn.values())


def test_edits_lead_to_listed_neighbours(some):
    first, second, third, alone, other = LISTED
    assert set(some.neighbours(first)) == {second, third}
    assert set(some.neighbours(second)) == {first, third, other}
    assert some.neighbours(alone) == ()
    rng = np.random.default_rng(0)
    assert {some.mutate(second, rng) for _ in range(60)} == {first, third, other}
    assert some.mutate(alone, rng) == alone
    children = {some.crossover(second, alone, rng) for _ in range(200)}
    assert children == {second, third, alone}
    assert {some.crossover(third, other, rng) for _ in range(200)} == {second, third, other}


def test_all_else_is_as_in_the_space(some):
    assert some.name == CELLS.name
    assert some.title == CELLS.title
    assert some.spec == CELLS.spec
    for one in LISTED:
        assert some.parse(CELLS.format(one)) == one
        assert some.canonical(one) == CELLS.canonical(one)
    np.testing.assert_array_equal(some.features(some.codes(LISTED)), CELLS.features(CELLS.codes(LISTED)))
    assert CELLS.size == 15_625
    assert some != CELLS


def test_those_that_draw_and_rank_see_the_listed_ones(some):
    alive = [one for one in LISTED if not CELLS.is_dead(one)]
    assert {CELLS.canonical(one) for one in draw(some, 100, 0)} == {CELLS.canonical(one) for one in alive}
    assert len(whole(some)) == 5
    assert len(whole(CELLS)) == 15_625


def test_it_is_sent_to_another_process_and_scaled_as_a_part(some):
    again = pickle.loads(pickle.dumps(some))
    assert tuple(again.enumerate()) == LISTED
    larger = some.scaled(channels=16)
    assert larger.settings["channels"] == 16
    assert tuple(larger.enumerate()) == LISTED


def test_nearest_are_those_with_the_fewest_other_operations():
    near = Nearest(CELLS, LISTED)
    assert near.to((0, 0, 0, 4, 0, 0)).tolist() == [0, 1, 2]  # one operation is another, twice of the last
    assert near.to((2, 0, 0, 4, 0, 0)).tolist() == [4]
    assert near.to((3, 3, 0, 3, 0, 0)).tolist() == [2]  # 2 of 6, 3 of the fourth
    assert near.to((0, 0, 0, 2, 0, 0)).tolist() == [1]


def test_options_in_order_are_apart_by_their_part_of_the_range():
    """Of 5 rates a step is 1/4, another kind is 1."""
    space = FlatSpace({"rate": {"ordered": [1, 2, 3, 4, 5]}, "kind": ["a", "b"]})
    assert space.ordered == (True, False)
    near = Nearest(space, [space.of(options) for options in ((0, 0), (4, 0), (2, 1))])
    assert near.to((1, 0)).tolist() == [0]
    assert near.to((2, 0)).tolist() == [0, 1]  # 2/4 and 2/4, the last one 1
    assert near.to((4, 1)).tolist() == [2]  # 1 for the second, 2/4 for the last
