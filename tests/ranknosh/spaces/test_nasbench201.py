"""ranknosh/spaces/nasbench201.py"""

import subprocess
import sys
from itertools import product

import numpy as np
import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.nasbench201 import NasBench201

SPACE = NasBench201()
ALL = tuple(SPACE.enumerate())
BEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"


def architecture(*names):
    return Architecture("nasbench201", tuple(SPACE.operations.index(name) for name in names))


def test_enumeration_is_every_code_once_in_order():
    assert [a.code for a in ALL] == list(product(range(5), repeat=6))
    assert SPACE.size == len(ALL) == 15_625


def test_strings_round_trip_for_every_cell():
    texts = [SPACE.format(a) for a in ALL]
    assert len(set(texts)) == 15_625
    assert [SPACE.parse(text) for text in texts] == list(ALL)


def test_slots_follow_the_order_of_the_string():
    parsed = SPACE.parse(BEST)
    assert parsed.code == (3, 3, 3, 1, 3, 2)
    assert SPACE.format(parsed) == BEST


def test_blanks_and_the_order_of_sources_do_not_matter():
    loose = " |nor_conv_3x3~0| + |nor_conv_3x3~1| nor_conv_3x3~0 |+|nor_conv_1x1 ~ 2|skip_connect~0|nor_conv_3x3~1|\n"
    assert SPACE.parse(loose) == SPACE.parse(BEST)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "1 node"),
        ("|none~0|+|none~0|none~1|", "2 node"),
        (BEST + "+|none~0|", "4 node"),
        (BEST.replace("nor_conv_1x1", "nor_conv_1x2"), "did you mean nor_conv_1x1"),
        (BEST.replace("nor_conv_1x1", "dense"), "unknown operation 'dense'"),
        (BEST.replace("nor_conv_1x1~2", "nor_conv_1x1"), "operation~source"),
        (BEST.replace("nor_conv_1x1~2", "nor_conv_1x1~-2"), "operation~source"),
        (BEST.replace("nor_conv_1x1~2", "nor_conv_1x1~²"), "operation~source"),
        (BEST.replace("nor_conv_1x1~2", "nor_conv_1x1~1"), "source 1 twice"),
        (BEST.replace("nor_conv_1x1~2", "nor_conv_1x1~3"), "node 3 takes one edge"),
        (BEST.replace("|nor_conv_1x1~2", ""), "node 3 takes one edge"),
        ("x" * 10_000, "..."),
    ],
)
def test_unreadable_strings_say_what_is_wrong(text, reason):
    with pytest.raises(SpaceError) as error:
        SPACE.parse(text)
    assert reason in str(error.value)
    assert "an example" in str(error.value)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize(
    "wrong",
    [
        Architecture("darts", (0,) * 6),
        Architecture("nasbench201", (0,) * 5),
        Architecture("nasbench201", (0, 0, 0, 0, 0, 5)),
        Architecture("nasbench201", (0, 0, 0, 0, 0, -1)),
    ],
)
def test_foreign_architectures_are_refused(wrong):
    for question in (SPACE.format, SPACE.canonical, SPACE.is_dead, SPACE.neighbours, SPACE.operation_counts):
        with pytest.raises(SpaceError):
            question(wrong)
    with pytest.raises(SpaceError):
        SPACE.codes([ALL[0], wrong])


def test_canonical_names_the_function_classes():
    ids = [SPACE.canonical(a) for a in ALL]
    assert len(set(ids)) == 4_930
    assert all(name.startswith("nasbench201-") and len(name) == 24 for name in ids)


def test_dead_cells():
    def reaches_output(code):
        """By pushing a mark along the edges, whatever the paths say."""
        marks = [True, False, False, False]
        for op, (source, target) in zip(code, SPACE.topology.edges, strict=True):
            marks[target] |= op != 0 and marks[source]
        return marks[3]

    assert [SPACE.is_dead(a) for a in ALL] == [not reaches_output(a.code) for a in ALL]
    assert sum(SPACE.is_dead(a) for a in ALL) == 341
    assert len({SPACE.canonical(a) for a in ALL if SPACE.is_dead(a)}) == 1


def test_equal_ids_exactly_where_the_functions_are_equal():
    """Every operation stands for one generic function of a vector that keeps zero; cells are then run as numbers."""
    rng = np.random.default_rng(0)
    matrices = rng.normal(size=(5, 4, 4))

    def generic(op, value):
        if op == 0:
            return np.zeros_like(value)
        return value if op == 1 else np.tanh(value @ matrices[op]) + 0.3 * np.sin(2 * value)

    start = rng.normal(size=4)
    outputs = np.empty((15_625, 4))
    for row, a in enumerate(ALL):
        nodes = [start, np.zeros(4), np.zeros(4), np.zeros(4)]
        for op, (source, target) in zip(a.code, SPACE.topology.edges, strict=True):
            nodes[target] = nodes[target] + generic(op, nodes[source])
        outputs[row] = nodes[3]
    values = np.round(outputs, 9) + 0.0
    ids = np.array([SPACE.canonical(a) for a in ALL])
    _, by_value = np.unique(values, axis=0, return_inverse=True)
    _, by_id = np.unique(ids, return_inverse=True)
    pairs = set(zip(by_value.ravel().tolist(), by_id.tolist(), strict=True))
    assert len(pairs) == by_value.max() + 1 == by_id.max() + 1 == 4_930


def test_hand_made_twins():
    direct = architecture("none", "none", "none", "nor_conv_3x3", "none", "none")
    through_skip = architecture("nor_conv_3x3", "none", "none", "none", "skip_connect", "none")
    through_two = architecture("skip_connect", "none", "skip_connect", "none", "none", "nor_conv_3x3")
    dangling = architecture("none", "avg_pool_3x3", "none", "nor_conv_3x3", "nor_conv_1x1", "none")
    assert len({SPACE.canonical(a) for a in (direct, through_skip, through_two, dangling)}) == 1
    other = architecture("none", "none", "none", "nor_conv_1x1", "none", "none")
    assert SPACE.canonical(direct) != SPACE.canonical(other)


def test_neighbours_mutation_and_crossover_stay_in_the_space():
    rng = np.random.default_rng(5)
    for _ in range(50):
        first, second = SPACE.sample(rng), SPACE.sample(rng)
        around = SPACE.neighbours(first)
        assert len(set(around)) == 24
        assert first not in around
        assert SPACE.mutate(first, rng) in around
        child = SPACE.crossover(first, second, rng)
        assert all(c in (a, b) for c, a, b in zip(child.code, first.code, second.code, strict=True))
        SPACE.chosen(child)


def test_operation_counts():
    assert SPACE.operation_counts(SPACE.parse(BEST)) == {
        "none": 0,
        "skip_connect": 1,
        "nor_conv_1x1": 1,
        "nor_conv_3x3": 4,
        "avg_pool_3x3": 0,
    }


FRESH = """
import time
from ranknosh.spaces.catalog import get_space
space = get_space("nasbench201")
everything = list(space.enumerate())
start = time.process_time()
ids = {space.canonical(a) for a in everything}
canonical = time.process_time() - start
codes = space.codes(everything)
space.features(codes)
space.graphs(codes)
print(len(ids), canonical, time.process_time() - start)
import sys
print([name for name in ("torch", "networkx", "scipy", "ray") if name in sys.modules])
"""


def test_the_whole_space_is_quick_and_costs_numpy_only():
    out = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True).stdout.splitlines()
    classes, canonical, everything = out[0].split()
    assert int(classes) == 4_930
    assert float(canonical) < 1.0
    assert float(everything) < 2.0
    assert out[1] == "[]"
