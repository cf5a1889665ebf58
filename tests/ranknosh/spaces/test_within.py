"""A space of listed architectures: what there is, what edits lead to, and what it keeps of the space it is a part of."""

import pickle
from collections import Counter

import numpy as np
import pytest

from ranknosh.core.seeding import draw
from ranknosh.predictors.candidates import whole
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.within import within

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
