import numpy as np
import pytest

from ranknosh.predictors.base import Encodings
from ranknosh.predictors.candidates import Candidates, grown, tiers, whole
from ranknosh.spaces.base import Space
from ranknosh.streams import stream


def test_open_are_those_alive_whose_twins_are_not_taken(space: Space) -> None:
    everyone = whole(space)
    assert len(everyone) == 15_625
    assert everyone.open([]).sum() == 15_625 - 341
    taken = space.parse("|skip_connect~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|skip_connect~2|")
    twin = space.parse("|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|")
    other = space.parse("|none~0|+|nor_conv_1x1~0|none~1|+|none~0|none~1|skip_connect~2|")
    free = everyone.open([space.canonical(taken), "an id of nobody"])
    assert space.canonical(taken) == space.canonical(twin)
    assert not free[everyone.place[taken]]
    assert not free[everyone.place[twin]]
    assert free[everyone.place[other]]


def test_closing_every_class_leaves_nobody(space: Space) -> None:
    few = Candidates(space, list(space.enumerate())[:40])
    assert not few.open(few.encodings.keys).any()


@pytest.mark.parametrize("parents", [0, 1, 12])
def test_a_grown_population_holds_each_class_once_and_climbs(space: Space, parents: int) -> None:
    def convolutions(encodings: Encodings) -> np.ndarray:
        return (encodings.codes == 3).sum(axis=1).astype(float)

    rng = stream(0, "test")
    start = []
    while len(start) < parents:
        architecture = space.sample(rng)
        if not space.is_dead(architecture) and 3 not in architecture.code:
            start.append(architecture)
    population = grown(space, start, convolutions, stream(1, "test"))
    again = grown(space, start, convolutions, stream(1, "test"))
    assert population.encodings.architectures == again.encodings.architectures
    assert len(set(population.encodings.keys)) == len(population) > 400
    assert not any(space.is_dead(architecture) for architecture in population.encodings.architectures)
    assert convolutions(population.encodings).max() == 6, "three generations reach what 500 random ones seldom hold"


def test_tiers_are_the_slots_to_the_nearest_choice_up_to_three() -> None:
    codes = np.zeros((5, 18), dtype=np.int64)
    for row in range(5):
        codes[row, :row] = 1  # row ones at its beginning
    assert tiers(codes, codes[:0]).tolist() == [3, 3, 3, 3, 3]
    assert tiers(codes, codes[:1]).tolist() == [0, 1, 2, 3, 3]
    assert tiers(codes, codes[[0, 4]]).tolist() == [0, 1, 2, 1, 0]


def test_few_slots_ask_for_less_distance() -> None:
    codes = np.eye(13, 12, dtype=np.int64)  # any two of the first twelve differ in two slots
    assert tiers(codes, codes[:1]).tolist() == [0] + 11 * [2] + [1]
    assert tiers(codes[:, :5], codes[:1, :5]).tolist() == [0] * 13
