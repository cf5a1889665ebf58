"""Named, sampled and whole populations of a real space, and which of their cells share scores."""

from collections import Counter

import pytest

from ranknosh.config.score import ScoreSettings
from ranknosh.core.seeding import draw
from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.nets.cost import count_params
from ranknosh.spaces.signature import Signature
from ranknosh.workflows.score.population import everything, named, population, representatives, sampled, weight_counter

SPACE = get_space("nasbench201", channels=4, cells=1)
SIGNATURE = Signature((1, 8, 8), (2,))
TEXT = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
# One convolution from the input to the output by way of the first or the second inner node, and directly.
FIRST = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"
SECOND = "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|"
DIRECT = "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"
# The same function, and a convolution that leads nowhere.
IDLE = "|none~0|+|nor_conv_1x1~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"
OTHER = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"


def test_named_ones_are_those_in_that_order_and_often() -> None:
    other = "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
    space, found = named([TEXT, other, TEXT])
    assert space.name == "nasbench201"
    assert [space.format(architecture) for architecture in found] == [TEXT, other, TEXT]


def test_a_string_that_no_space_reads_is_named_with_what_is_wrong() -> None:
    with pytest.raises(SpaceError, match="nor_conv_5x5"):
        named([TEXT, TEXT.replace("nor_conv_3x3", "nor_conv_5x5")])


def test_functions_are_those_a_search_would_draw() -> None:
    found = sampled(SPACE, "functions", 50, 3)
    assert list(found) == draw(SPACE, 50, 3)
    assert len({SPACE.canonical(architecture) for architecture in found}) == 50
    assert not any(SPACE.is_dead(architecture) for architecture in found)


def test_codes_are_uniform_with_dead_and_isomorphic_ones() -> None:
    found = sampled(SPACE, "codes", 15_625, 0)
    assert sorted(found, key=lambda a: a.code) == list(SPACE.enumerate())
    some = sampled(SPACE, "codes", 2_000, 0)
    assert some == found[:2_000]
    assert some != sampled(SPACE, "codes", 2_000, 1)
    dead = sum(SPACE.is_dead(architecture) for architecture in some)
    assert abs(dead - 2_000 * 341 / 15_625) < 4 * 6.2  # hypergeometric, standard deviation 6.2
    assert max(Counter(SPACE.canonical(architecture) for architecture in some).values()) > 1


def test_everything_is_every_function_or_every_code_once() -> None:
    functions = everything(SPACE, "functions")
    assert len(functions) == len({SPACE.canonical(architecture) for architecture in functions}) == 4_930
    assert sum(SPACE.is_dead(architecture) for architecture in functions) == 1
    assert len(set(everything(SPACE, "codes"))) == 15_625


def test_named_ones_come_first_and_drawn_ones_once() -> None:
    drawn = draw(SPACE, 3, 5)
    again = SPACE.format(drawn[1])
    settings = ScoreSettings.from_dict({"architectures": [TEXT, again, TEXT], "count": 3, "seed": 5})
    assert population(settings, SPACE) == (SPACE.parse(TEXT), drawn[1], SPACE.parse(TEXT), drawn[0], drawn[2])
    whole = population(settings.replace(["all=true", "draw=codes"]), SPACE)
    assert len(whole) == 15_625 + 1  # one of the named ones is named twice


def shares(texts: list[str], known: tuple[str, ...] = ()) -> tuple[dict[str, str], list[Architecture]]:
    counted: list[Architecture] = []
    weights = weight_counter(SPACE, SIGNATURE)

    def count(architecture: Architecture) -> int:
        counted.append(architecture)
        return weights(architecture)

    return representatives(SPACE, [SPACE.parse(text) for text in texts], known, count), counted


def test_isomorphic_cells_share_and_the_first_stands_for_them() -> None:
    assert len({SPACE.canonical(SPACE.parse(text)) for text in (FIRST, SECOND, DIRECT, IDLE)}) == 1
    found, _ = shares([SECOND, OTHER, FIRST, DIRECT, SECOND])
    assert found == {SECOND: SECOND, OTHER: OTHER, FIRST: SECOND, DIRECT: SECOND}


def test_one_that_was_scored_before_stands_first() -> None:
    found, _ = shares([FIRST, SECOND, OTHER], known=(DIRECT,))
    assert found == {FIRST: DIRECT, SECOND: DIRECT, OTHER: OTHER}
    found, _ = shares([FIRST, SECOND], known=(DIRECT, SECOND))
    assert found[SECOND] == SECOND


def test_idle_weights_keep_apart_what_computes_the_same() -> None:
    small, large = (count_params(SPACE.network(SPACE.parse(text), SIGNATURE)) for text in (DIRECT, IDLE))
    assert large > small
    found, _ = shares([DIRECT, IDLE, FIRST])
    assert found == {DIRECT: DIRECT, IDLE: IDLE, FIRST: DIRECT}


def test_networks_are_built_only_where_ids_agree() -> None:
    _, counted = shares([DIRECT, OTHER, DIRECT])
    assert counted == []
    _, counted = shares([DIRECT, OTHER, FIRST])
    assert {SPACE.format(architecture) for architecture in counted} == {DIRECT, FIRST}
