"""What published methods propose, against steps worked out by hand."""

import pytest

from ranknosh.predictors import rivals
from ranknosh.predictors.bohb import bohb
from ranknosh.predictors.own_proposer import Result
from ranknosh.predictors.rivals import POPULATION, local_search, mutants, regularized_evolution
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.parameters import choice
from ranknosh.streams import stream
from tests.ranknosh.predictors import landscapes

SPACE = FlatSpace({"a": choice([0, 1, 2]), "b": choice([0, 1, 2])})


def at(a, b):
    return SPACE.of((a, b))


def seen(*steps):
    return [Result(at(*place), metric, 1) for place, metric in steps]


def asked(function, results, times=60, space=SPACE):
    return {function(space, results, stream(0, "test", number)) for number in range(times)}


def test_local_search_tries_the_neighbours_of_where_it_stands():
    """From (0, 0) the neighbours are (1, 0), (2, 0), (0, 1), (0, 2)."""
    near = {at(1, 0), at(2, 0), at(0, 1), at(0, 2)}
    assert asked(local_search, seen(((0, 0), 0.5))) == near
    worse = seen(((0, 0), 0.5), ((1, 0), 0.4))
    assert asked(local_search, worse) == near - {at(1, 0)}
    better = seen(((0, 0), 0.5), ((1, 0), 0.6))
    assert asked(local_search, better) == {at(2, 0), at(1, 1), at(1, 2)}


def test_local_search_begins_anew_where_no_neighbour_is_better():
    """After the four worse neighbours of (0, 0) anything may come, and the climb goes on from there though it is lower."""
    stuck = seen(((0, 0), 0.9), ((1, 0), 0.1), ((2, 0), 0.2), ((0, 1), 0.3), ((0, 2), 0.4))
    assert len(asked(local_search, stuck)) > 4
    again = [*stuck, *seen(((1, 1), 0.2))]
    assert asked(local_search, again) == {at(2, 1), at(1, 2)}  # (0, 1) and (1, 0) are tried
    assert len(asked(local_search, [])) > 4


def test_evolution_mutates_the_best_of_those_that_are_alive(monkeypatch):
    """With all of a population drawn, the parent is its best; the oldest, which is better, is dead."""
    monkeypatch.setattr(rivals, "POPULATION", 3)
    monkeypatch.setattr(rivals, "SAMPLE", 3)
    results = seen(((2, 2), 0.9), ((0, 0), 0.2), ((1, 1), 0.5), ((0, 1), 0.3))
    assert asked(regularized_evolution, results) == set(SPACE.neighbours(at(1, 1)))
    assert asked(regularized_evolution, results[:2]) - set(SPACE.neighbours(at(1, 1)))


def test_mutants_are_new_neighbours_of_the_parents_each_once(monkeypatch):
    results = seen(((0, 0), 0.5), ((0, 1), 0.4))
    near = {at(1, 0), at(2, 0), at(0, 2)}
    monkeypatch.setattr(rivals, "MUTANTS", 50)
    found = mutants(SPACE, [at(0, 0)], results, stream(0, "test"))
    assert set(found) == near
    assert len(found) == 3
    both = mutants(SPACE, [at(0, 0), at(2, 2)], results, stream(0, "test"))
    assert (both[:3], set(both[3:])) == (found, {at(1, 2), at(2, 1)})  # (0, 2) and (2, 0) are there already
    monkeypatch.setattr(rivals, "MUTANTS", 2)
    assert len(mutants(SPACE, [at(0, 0)], [], stream(0, "test"))) <= 2
    alone = landscapes.SPACE.parse("|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|")
    monkeypatch.setattr(rivals, "MUTANTS", 50)
    found = mutants(landscapes.SPACE, [alone], [], stream(0, "test"))
    assert found
    assert not any(map(landscapes.SPACE.is_dead, found))


@pytest.mark.parametrize("function", [regularized_evolution, local_search, bohb])
def test_on_a_smooth_landscape_it_finds_more_than_chance(function):
    """Value: how many edges are 3x3 convolutions. Sixty steps each, over five seeds."""
    space = landscapes.SPACE

    def best(propose, seed):
        results = []
        for number in range(60):
            one = propose(space, results, stream(seed, "landscape", number))
            results.append(Result(one, landscapes.convolutions(one), 1))
        return max(result.metric for result in results)

    def at_random(space, results, rng):
        return space.sample(rng)

    found, chance = ([best(each, seed) for seed in range(5)] for each in (function, at_random))
    assert sum(found) > sum(chance) + 0.5
    assert POPULATION < 60
