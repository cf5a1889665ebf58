"""Who shares scores with whom, on real cells and their real networks."""

from ranknosh.spaces.base import Architecture, NetworkSize
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.nets import build_candidate, count_params
from ranknosh.workflows.score.sharing import representatives, weight_counter

SPACE = get_space("nasbench201")
# One convolution from the input to the output by way of the first or the second inner node, and directly.
FIRST = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"
SECOND = "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|"
DIRECT = "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"
# The same function, and a convolution that leads nowhere.
IDLE = "|none~0|+|nor_conv_1x1~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"
OTHER = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"


def shares(texts: list[str], known: tuple[str, ...] = ()) -> tuple[dict[str, str], list[Architecture]]:
    counted: list[Architecture] = []
    weights = weight_counter(4)

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
    size = NetworkSize(4, 1, 2, 1)
    small, large = (count_params(build_candidate(SPACE.parse(text), size)) for text in (DIRECT, IDLE))
    assert large > small
    found, _ = shares([DIRECT, IDLE, FIRST])
    assert found == {DIRECT: DIRECT, IDLE: IDLE, FIRST: DIRECT}


def test_networks_are_built_only_where_ids_agree() -> None:
    _, counted = shares([DIRECT, OTHER, DIRECT])
    assert counted == []
    _, counted = shares([DIRECT, OTHER, FIRST])
    assert {SPACE.format(architecture) for architecture in counted} == {DIRECT, FIRST}
