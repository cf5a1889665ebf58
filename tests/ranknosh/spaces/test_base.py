"""Edits of spaces whose slots are independent choices: ranknosh/spaces/base.py"""

from collections import Counter
from itertools import pairwise, product

import numpy as np
import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.signature import Signature


class Toy(Space):
    """A space of codes with nothing but what every space derives from its choices."""

    name = "toy"

    def __init__(self, *counts):
        self.choices = tuple(Choice(f"c{slot}", tuple(range(count))) for slot, count in enumerate(counts))


TOY = Toy(2, 4, 3)
ALL = list(TOY.enumerate())


def test_every_code_is_listed_once_in_order():
    assert [a.code for a in ALL] == list(product(range(2), range(4), range(3)))
    assert TOY.size == 24
    assert TOY.enumerable
    large = Toy(*(10,) * 6)
    with pytest.raises(SpaceError, match="too many to list"):
        large.enumerate()


def test_different_architectures_are_counted_by_their_ids_where_they_can_be_listed():
    class Summed(Toy):
        def canonical(self, architecture):
            return str(sum(architecture.code))

    assert TOY.different() == 24
    assert Summed(2, 4, 3).different() == 7  # sums from 0 to 6
    assert Toy(*(10,) * 6).different() is None


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


class Sized(Toy):
    """No two neighbouring slots are both 1."""

    def __init__(self):
        super().__init__(2, 2, 3)

    def is_valid(self, options):
        return not any(a == b == 1 for a, b in pairwise(options))


def test_only_valid_codes_are_listed_drawn_and_reached():
    space, rng = Sized(), np.random.default_rng(0)
    valid = [code for code in product(range(2), range(2), range(3)) if code[:2] != (1, 1) and code[1:] != (1, 1)]
    assert [a.code for a in space.enumerate()] == valid
    assert sorted(a.code for a in space.shuffled(rng)) == valid
    seen = Counter(space.sample(rng).code for _ in range(9000))
    assert sorted(seen) == valid
    assert all(abs(count - 9000 / len(valid)) < 5 * (9000 / len(valid)) ** 0.5 for count in seen.values())
    for code in valid:
        one = space.of(code)
        apart = [other for other in valid if sum(a != b for a, b in zip(code, other, strict=True)) == 1]
        assert sorted(a.code for a in space.neighbours(one)) == apart
        assert space.mutate(one, rng).code in apart
        assert all(space.is_valid(space.crossover(one, space.of(other), rng).code) for other in valid)
    with pytest.raises(SpaceError, match="no architecture together"):
        space.canonical(Architecture("toy", (1, 1, 0)))


class Named(Space):
    name = "named"
    choices = (
        Choice("width", (8, 16, 32), ordered=True),
        Choice("act", ("relu", "silu")),
        Choice("norm", (True, False)),
    )


def test_a_code_is_read_and_written_by_the_names_of_its_choices():
    space = Named()
    for one in space.enumerate():
        assert space.locate(space.decode(one)) == one
        assert space.parse(space.format(one)) == one
    one = space.of((2, 1, 0))
    assert space.decode(one) == {"width": 32, "act": "silu", "norm": True}
    assert space.format(one) == '{"width": 32, "act": "silu", "norm": true}'
    assert space.canonical(one) == "named:2-1-0"
    assert space.operation_counts(one) == {"relu": 0, "silu": 1}


def test_features_are_indicators_and_the_place_of_ordered_options():
    space = Named()
    rows = space.features(space.codes([space.of((0, 0, 1)), space.of((1, 1, 0)), space.of((2, 1, 0))]))
    assert rows.tolist() == [
        [1, 0, 0, 1, 0, 0, 1, 0],
        [0, 1, 0, 0, 1, 1, 0, 0.5],
        [0, 0, 1, 0, 1, 1, 0, 1],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot read '{' as an architecture of named"),
        ("[1]", "no JSON object"),
        ('{"width": 8, "act": "relu"}', "lacks norm of named"),
        ('{"widht": 8, "act": "relu", "norm": true}', "no choice 'widht'; did you mean width"),
        ('{"width": 9, "act": "relu", "norm": true}', "width is 9; it takes one of 8, 16, 32"),
        ('{"width": 8, "act": "relu", "norm": 1}', "norm is 1; it takes one of true, false"),
    ],
)
def test_a_text_that_is_no_architecture_is_refused(text, message):
    with pytest.raises(SpaceError, match=message):
        Named().parse(text)


def test_a_space_of_configurations_has_no_networks():
    with pytest.raises(SpaceError, match="named is a space of configurations, which says nothing of networks"):
        Named().network(Named().of((0, 0, 0)), Signature((3, 8, 6), (10,)))
