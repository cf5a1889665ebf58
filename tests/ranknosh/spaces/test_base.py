"""Edits of spaces whose slots are independent choices: ranknosh/spaces/base.py"""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, Space


class Toy(Space):
    """A space of codes with nothing but what every space derives from its choices."""

    name = "toy"
    canonical = is_dead = parse = format = features = graphs = operation_counts = None

    def __init__(self, *choices):
        self.choices = self.options = choices


TOY = Toy(2, 4, 3)
ALL = list(TOY.enumerate())


def test_every_code_is_listed_once_in_order():
    assert [a.code for a in ALL] == list(product(range(2), range(4), range(3)))
    assert TOY.size == 24
    assert TOY.enumerable
    large = Toy(*(10,) * 6)
    with pytest.raises(SpaceError, match="too many to list"):
        large.enumerate()


def test_neighbours_are_all_codes_that_differ_in_one_slot():
    for one in ALL:
        expected = {other for other in ALL if sum(a != b for a, b in zip(one.code, other.code, strict=True)) == 1}
        found = TOY.neighbours(one)
        assert len(found) == len(set(found))
        assert set(found) == expected


def test_mutation_is_uniform_over_the_neighbours():
    rng = np.random.default_rng(0)
    one, draws = TOY.of((1, 2, 0)), 12_000
    seen = Counter(TOY.mutate(one, rng) for _ in range(draws))
    neighbours = TOY.neighbours(one)
    assert set(seen) == set(neighbours)
    expected = draws / len(neighbours)
    assert all(abs(count - expected) < 5 * expected**0.5 for count in seen.values())


def test_a_space_of_one_code_mutates_to_itself():
    single = Toy(1, 1)
    assert single.mutate(single.of((0, 0)), np.random.default_rng(0)).code == (0, 0)


def test_sampling_is_uniform_over_codes():
    rng = np.random.default_rng(1)
    draws = 24_000
    seen = Counter(TOY.sample(rng) for _ in range(draws))
    assert set(seen) == set(ALL)
    assert all(abs(count - draws / 24) < 5 * (draws / 24) ** 0.5 for count in seen.values())


def test_crossover_takes_every_slot_from_a_parent():
    rng = np.random.default_rng(2)
    children = {TOY.crossover(TOY.of((0, 0, 0)), TOY.of((1, 3, 2)), rng).code for _ in range(200)}
    assert children == set(product((0, 1), (0, 3), (0, 2)))


def test_same_stream_same_edits():
    def draw(seed):
        rng = np.random.default_rng(seed)
        return [TOY.mutate(TOY.of((0, 0, 0)), rng) for _ in range(20)]

    assert draw(3) == draw(3)
    assert draw(3) != draw(4)


@pytest.mark.parametrize(
    "wrong", [Architecture("other", (0, 0, 0)), Architecture("toy", (0, 4, 0)), Architecture("toy", (0,))]
)
def test_what_is_not_of_the_space_is_refused(wrong):
    for question in (TOY.neighbours, lambda a: TOY.mutate(a, None), lambda a: TOY.crossover(a, a, None)):
        with pytest.raises(SpaceError, match="toy"):
            question(wrong)
