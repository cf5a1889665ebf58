"""ranknosh/spaces/mutation.py"""

from collections import Counter
from itertools import product

import numpy as np

from ranknosh.spaces import mutation

CHOICES = (2, 4, 3)
CODES = list(product(*(range(options) for options in CHOICES)))


def test_neighbours_are_all_codes_that_differ_in_one_slot():
    for code in CODES:
        expected = {other for other in CODES if sum(a != b for a, b in zip(code, other, strict=True)) == 1}
        found = mutation.neighbours(code, CHOICES)
        assert len(found) == len(set(found))
        assert set(found) == expected


def test_mutation_is_uniform_over_the_neighbours():
    rng = np.random.default_rng(0)
    code, draws = (1, 2, 0), 12_000
    seen = Counter(mutation.mutate(code, CHOICES, rng) for _ in range(draws))
    neighbours = mutation.neighbours(code, CHOICES)
    assert set(seen) == set(neighbours)
    expected = draws / len(neighbours)
    assert all(abs(count - expected) < 5 * expected**0.5 for count in seen.values())


def test_a_space_of_one_code_mutates_to_itself():
    assert mutation.mutate((0, 0), (1, 1), np.random.default_rng(0)) == (0, 0)


def test_sampling_is_uniform_over_codes():
    rng = np.random.default_rng(1)
    draws = 24_000
    seen = Counter(mutation.sample(CHOICES, rng) for _ in range(draws))
    assert set(seen) == set(CODES)
    assert all(abs(count - draws / 24) < 5 * (draws / 24) ** 0.5 for count in seen.values())


def test_crossover_takes_every_slot_from_a_parent():
    rng = np.random.default_rng(2)
    children = {mutation.crossover((0, 0, 0), (1, 3, 2), rng) for _ in range(200)}
    assert children == set(product((0, 1), (0, 3), (0, 2)))


def test_same_stream_same_edits():
    def draw(seed):
        rng = np.random.default_rng(seed)
        return [mutation.mutate((0, 0, 0), CHOICES, rng) for _ in range(20)]

    assert draw(3) == draw(3)
    assert draw(3) != draw(4)
