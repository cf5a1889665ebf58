"""BOHB's proposals, against densities that are computed point by point."""

import math

import numpy as np
import pytest

from ranknosh.predictors import bohb as module
from ranknosh.predictors.bohb import Density, bohb, kernel, places, split
from ranknosh.predictors.own_proposer import Result
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.conditions import ConditionalSpace
from ranknosh.spaces.darts import Darts
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.mlp import MlpSpace
from ranknosh.spaces.nasbench101 import NasBench101
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.parameters import choice, uniform
from ranknosh.spaces.slots import Condition
from ranknosh.streams import stream

SPACE = FlatSpace({"a": choice(["x", "y", "z"]), "b": choice(["x", "y", "z"])})
SEEN = (((0, 0), 0.9), ((1, 1), 0.8), ((0, 2), 0.7), ((2, 0), 0.2), ((2, 2), 0.1))
"""As many as two choices ask for: three good ones, three bad ones, with (0, 2) both."""


class Chain(ConditionalSpace):
    name = "chain of a test of densities"
    choices = (Choice("depth", (1, 2), ordered=True), Choice("first", ("a", "b")), Choice("second", ("a", "b", "c")))
    conditions = (None, None, Condition(0, frozenset({1})))


def seen(*steps, space=SPACE):
    return [Result(space.of(place), metric, 1) for place, metric in steps]


def by_hand(points, at):
    """A density over two choices of three options: product kernels of Aitchison and Aitken, in plain Python."""
    bandwidths = []
    for column in zip(*points, strict=True):
        apart = [float(one != other) for one in column for other in column]
        deviation = math.sqrt(sum(apart) / len(apart) / 2)
        bandwidths.append(min(max(1.06 * deviation * len(points) ** (-1 / 6), 0.001), 2 / 3))
    total = 0.0
    for point in points:
        factors = [
            1 - width if mine == other else width / 2 for mine, other, width in zip(point, at, bandwidths, strict=True)
        ]
        total += math.prod(factors)
    return total / len(points)


def test_the_good_and_the_bad_are_those_of_the_highest_level_with_enough_results():
    """Six at level 1 and four at level 2: with three of either kind, five are needed."""
    metrics = {0: (0.6, 0.1), 1: (0.5, 0.2), 2: (0.4, 0.3), 3: (0.3, 0.4), 4: (0.2,), 5: (0.1,)}
    drawn = [SPACE.of(divmod(number, 3)) for number in metrics]
    results = [
        Result(one, values[-1], len(values), values[:-1]) for one, values in zip(drawn, metrics.values(), strict=True)
    ]
    assert split(results, 3) == (drawn[:3], drawn[3:])
    assert split(results, 2) == ([drawn[3], drawn[2]], [drawn[1], drawn[0]])
    assert split(results, 4) == (drawn[:4], drawn[2:])  # the middle ones are both
    assert split(results, 5) is None
    assert split([], 1) is None


def test_of_many_results_the_best_15_percent_are_good():
    results = [Result(SPACE.of((0, 0)), float(number), 1) for number in range(40)]
    assert [len(part) for part in split(results, 3)] == [6, 34]
    assert [len(part) for part in split(results, 7)] == [7, 33]


def test_a_kernel_gives_every_option_its_chance():
    apart = kernel(3, ordered=False, bandwidth=0.3)
    assert apart[:3, :3] == pytest.approx(np.array([[0.7, 0.15, 0.15], [0.15, 0.7, 0.15], [0.15, 0.15, 0.7]]))
    assert kernel(3, ordered=False, bandwidth=0.9)[:3, :3] == pytest.approx(np.full((3, 3), 1 / 3))
    assert apart[3, :3] == pytest.approx(np.full(3, 1 / 3))
    assert (apart[:, 3] == 1).all()
    near = kernel(5, ordered=True, bandwidth=0.25)[:5, :5]  # as wide as the way from one option to the next
    assert near.sum(axis=1) == pytest.approx(np.ones(5))
    assert near[1, 2] / near[1, 1] == pytest.approx(math.exp(-0.5))
    assert near[1, 3] / near[1, 1] == pytest.approx(math.exp(-2.0))
    assert kernel(1, ordered=False, bandwidth=0.5)[0, 0] == kernel(1, ordered=True, bandwidth=0.5)[0, 0] == 1


def test_a_density_is_the_mean_of_products_of_kernels():
    points = [place for place, _ in SEEN[:3]]
    everyone = list(SPACE.enumerate())
    found = np.exp(Density.of(SPACE, [SPACE.of(point) for point in points]).logs(places(SPACE, everyone)))
    assert found == pytest.approx(np.array([by_hand(points, SPACE.chosen(one)) for one in everyone]))
    assert found.sum() == pytest.approx(1.0)


def test_a_choice_that_is_not_reached_counts_for_nothing():
    """The chances of all architectures, each once, are one together."""
    space = Chain()
    drawn = [space.of(options) for options in ((0, 1, 0), (1, 0, 2), (1, 1, 2), (0, 0, 0))]
    assert places(space, drawn).tolist() == [[0, 1, 3], [1, 0, 2], [1, 1, 2], [0, 0, 3]]
    everyone = {space.canonical(one): one for one in space.enumerate()}
    assert len(everyone) == 2 + 6
    density = Density.of(space, drawn)
    assert np.exp(density.logs(places(space, list(everyone.values())))).sum() == pytest.approx(1.0)
    lower, upper = (np.exp(density.logs(places(space, [space.of((1, 0, last))])))[0] for last in (0, 2))
    assert upper > lower


def test_the_untried_one_with_the_highest_ratio_is_proposed(monkeypatch):
    """With so many draws that every one is among them."""
    monkeypatch.setattr(module, "RANDOM", 0.0)
    monkeypatch.setattr(module, "DRAWS", 300)
    good, bad = ([place for place, _ in part] for part in (SEEN[:3], SEEN[2:]))
    left = {(a, b) for a in range(3) for b in range(3)} - {place for place, _ in SEEN}
    best = max(sorted(left), key=lambda place: by_hand(good, place) / by_hand(bad, place))
    assert {SPACE.chosen(bohb(SPACE, seen(*SEEN), stream(0, "test", number))) for number in range(20)} == {best}
    assert len({bohb(SPACE, seen(*SEEN[:4]), stream(0, "test", number)) for number in range(40)}) == 9


def test_a_third_is_drawn_at_random():
    results = seen(*SEEN)
    chance = [stream(0, "test", number) for number in range(300)]
    drawn = [SPACE.sample(rng) if rng.random() < 1 / 3 else None for rng in chance]
    asked = [bohb(SPACE, results, stream(0, "test", number)) for number in range(300)]
    assert all(one in (None, other) for one, other in zip(drawn, asked, strict=True))
    others = [other for one, other in zip(drawn, asked, strict=True) if one is None]
    assert not {SPACE.chosen(one) for one in others} & {place for place, _ in SEEN}
    assert 170 < len(others) < 230


def test_where_everything_is_tried_it_is_drawn_at_random():
    results = [Result(one, 0.1 * number, 1) for number, one in enumerate(SPACE.enumerate())]
    assert {bohb(SPACE, results, stream(0, "test", number)) for number in range(60)} == set(SPACE.enumerate())


def test_numbers_are_drawn_near_the_good_ones():
    space = FlatSpace({"kind": choice(["a", "b", "c"]), "rate": uniform(0.0, 1.0)})
    results = []
    for number in range(60):
        one = space.sample(stream(0, "seen", number))
        kind, rate = space.chosen(one)
        results.append(Result(one, rate + 100.0 * (kind == 2), 1))
    asked = [space.chosen(bohb(space, results, stream(0, "test", number))) for number in range(60)]
    kinds, rates = (np.array(column) for column in zip(*asked, strict=True))
    assert np.mean(kinds == 2) > 0.6
    assert np.mean(rates) > 0.6 * space.edits[1]


@pytest.mark.parametrize(
    "space", [NasBench201(), NasBench101(), Darts(), MlpSpace(), Chain()], ids=lambda space: space.title
)
def test_it_gives_architectures_of_every_space_again_and_again(space):
    drawn = [space.sample(stream(0, "seen", number)) for number in range(40)]
    results = [Result(one, float(sum(space.chosen(one))), 1) for one in drawn]
    one, two = ([bohb(space, results, stream(1, "test", number)) for number in range(6)] for _ in range(2))
    assert one == two
    assert all(space.chosen(each) is not None for each in one)
    assert len(set(one)) > 1
