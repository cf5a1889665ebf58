"""ranknosh/spaces/nasbench101.py"""

import json

import numpy as np
import pytest
import torch

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.nasbench101 import NasBench101
from ranknosh.spaces.signature import Signature

SPACE = NasBench101()
TINY = NasBench101(channels=5, cells=1)
CONV3, CONV1, POOL = SPACE.operations
INCEPTION = {
    "matrix": [
        [0, 1, 1, 1, 0, 1, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 0],
    ],
    "ops": ["input", CONV1, CONV3, CONV3, CONV3, POOL, "output"],
}
SMALL = {"matrix": [[0, 1, 1], [0, 0, 1], [0, 0, 0]], "ops": ["input", POOL, "output"]}


def sample(count, seed=0):
    rng = np.random.default_rng(seed)
    return [SPACE.sample(rng) for _ in range(count)]


def test_texts_round_trip():
    architectures = sample(300)
    texts = [SPACE.format(a) for a in architectures]
    assert [SPACE.parse(text) for text in texts] == architectures
    assert json.loads(SPACE.format(SPACE.parse(json.dumps(INCEPTION)))) == INCEPTION


def test_a_cell_of_few_vertices_is_read_and_described_as_it_was_written():
    architecture = SPACE.parse(json.dumps(SMALL))
    assert json.loads(SPACE.describe(architecture)) == SMALL
    assert SPACE.parse(SPACE.format(architecture)) == architecture
    assert SPACE.operation_counts(architecture) == {CONV3: 0, CONV1: 0, POOL: 1}


def test_what_the_cut_takes_away_changes_no_id_and_counts_as_no_operation():
    dangling = json.loads(json.dumps(SMALL))
    dangling["matrix"] = [[0, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]]  # vertex 2 leads nowhere
    dangling["ops"] = ["input", POOL, CONV3, "output"]
    cut, plain = SPACE.parse(json.dumps(dangling)), SPACE.parse(json.dumps(SMALL))
    assert cut != plain
    assert SPACE.canonical(cut) == SPACE.canonical(plain)
    assert SPACE.operation_counts(cut) == SPACE.operation_counts(plain)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no JSON"),
        ("[1]", "object of matrix and ops"),
        (json.dumps({**SMALL, "hash": "x"}), "object of matrix and ops"),
        (json.dumps({**SMALL, "ops": ["input", POOL, "out"]}), "ops lists 2 to 7"),
        (json.dumps({**SMALL, "ops": ["output"]}), "ops lists 2 to 7"),
        (json.dumps({"matrix": [[0] * 8] * 8, "ops": ["input", *[POOL] * 6, "output"]}), "ops lists 2 to 7"),
        (json.dumps({**SMALL, "matrix": [[0, 1], [0, 0]]}), "3 rows of 3"),
        (json.dumps({**SMALL, "matrix": [[0, 1, 1], [0, 0, 1], 5]}), "3 rows of 3"),
        (json.dumps({**SMALL, "matrix": [[0, 2, 1], [0, 0, 1], [0, 0, 0]]}), "matrix[0][1] is 2"),
        (json.dumps({**SMALL, "matrix": [[0, True, 1], [0, 0, 1], [0, 0, 0]]}), "matrix[0][1] is True"),
        (json.dumps({**SMALL, "matrix": [[0, 1, 1], [0, 0, 1], [0, 1, 0]]}), "matrix[2][1] is 1"),
        (json.dumps({**SMALL, "matrix": [[1, 1, 1], [0, 0, 1], [0, 0, 0]]}), "matrix[0][0] is 1"),
        (json.dumps({**SMALL, "ops": ["input", "maxpool3x4", "output"]}), "did you mean maxpool3x3"),
        (json.dumps({**SMALL, "ops": ["input", [1], "output"]}), "unknown operation"),
        (json.dumps({**SMALL, "matrix": [[0, 1, 0], [0, 0, 0], [0, 0, 0]]}), "no path"),
        (json.dumps({**INCEPTION, "matrix": np.triu(np.ones((7, 7), int), 1).tolist()}), "21 edges"),
        ("x" * 10_000, "..."),
    ],
)
def test_unreadable_texts_say_what_is_wrong(text, reason):
    with pytest.raises(SpaceError) as error:
        SPACE.parse(text)
    assert reason in str(error.value)
    assert "an example" in str(error.value)
    assert len(str(error.value)) < 700


def test_nine_edges_are_counted_after_the_cut():
    matrix = np.array(INCEPTION["matrix"])
    matrix[1, 2:6] = 1  # 13 edges on paths
    with pytest.raises(SpaceError, match="13 edges"):
        SPACE.parse(json.dumps({**INCEPTION, "matrix": matrix.tolist()}))
    matrix[0] = matrix[:, 6] = 0
    matrix[0, 6] = 1  # the same inner edges, and a path past them
    assert json.loads(SPACE.describe(SPACE.parse(json.dumps({**INCEPTION, "matrix": matrix.tolist()})))) == {
        "matrix": [[0, 1], [0, 0]],
        "ops": ["input", "output"],
    }


def test_foreign_and_impossible_architectures_are_refused():
    good = SPACE.parse(json.dumps(SMALL)).code
    no_path = (0,) * 26
    for wrong in (Architecture("nasbench201", good), Architecture("nasbench101", good[1:]), SPACE.of(no_path)):
        for question in (SPACE.format, SPACE.canonical, SPACE.neighbours, SPACE.operation_counts, SPACE.cell):
            with pytest.raises(SpaceError):
                question(wrong)


def test_drawing_is_uniform_over_codes_that_are_cells():
    """Rejection from uniform codes: each is kept or not by itself, and 73.3 % are."""
    rng = np.random.default_rng(1)
    codes = [tuple(map(int, (*rng.integers(0, 2, 21), *rng.integers(0, 3, 5)))) for _ in range(3000)]
    share = np.mean([SPACE.is_valid(code) for code in codes])
    assert share == pytest.approx(1_538_083 / 2**21, abs=0.025)
    assert SPACE.size == 1_538_083 * 243
    kept = [code for code in codes if SPACE.is_valid(code)]
    found = [a.code for a in sample(3000, seed=2)]
    assert np.mean(found, axis=0) == pytest.approx(np.mean(kept, axis=0), abs=0.07)
    assert not SPACE.enumerable


def test_edits_are_one_edge_or_one_operation_and_stay_in_the_space():
    rng = np.random.default_rng(3)
    for architecture in sample(40, seed=4):
        around = SPACE.neighbours(architecture)
        assert len(set(around)) == len(around) <= 31
        assert architecture not in around
        for other in around:
            assert sum(a != b for a, b in zip(architecture.code, other.code, strict=True)) == 1
            assert SPACE.parse(SPACE.format(other)) == other
        assert SPACE.mutate(architecture, rng) in around
        child = SPACE.crossover(architecture, around[0], rng)
        assert SPACE.parse(SPACE.format(child)) == child


def test_the_space_counts_the_cells_of_the_paper():
    assert SPACE.different() == 423_624


def test_every_slot_changes_some_cell():
    changed = set()
    for architecture in sample(100, seed=5):
        for other in SPACE.neighbours(architecture):
            if SPACE.canonical(other) != SPACE.canonical(architecture):
                changed |= {slot for slot in range(26) if other.code[slot] != architecture.code[slot]}
    assert changed == set(range(26))


def test_views_for_predictors_are_those_of_the_cells():
    codes = SPACE.codes(sample(20, seed=6))
    assert SPACE.features(codes).shape == (20, 87)
    found = SPACE.graphs(codes)
    assert found.adjacency.shape == (20, 7, 7)
    assert [found.mask[row].sum() for row in range(20)] == [len(SPACE.cell(a).names) for a in sample(20, seed=6)]


def test_settings():
    space = get_space("nasbench101", channels=8)
    assert dict(space.settings) == {"channels": 8, "cells": 3}
    assert dict(space.scaled(cells=1).settings) == {"channels": 8, "cells": 1}
    for wrong, reason in (({"channels": 4}, "up to 5 vertices share"), ({"cells": 0}, "cells is 0")):
        with pytest.raises(SpaceError, match=reason):
            get_space("nasbench101", **wrong)


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (Signature((3, 3, 8), (2,)), "at least 4x4"),
        (Signature((12,), (2,)), r"inputs \(C, H, W\)"),
        (Signature((3, 8, 8), (2, 8, 8)), "one row of outputs"),
    ],
)
def test_other_signatures_are_refused(signature, reason):
    with pytest.raises(SpaceError, match=reason):
        TINY.network(TINY.parse(json.dumps(SMALL)), signature)


def outputs(architecture):
    torch.manual_seed(0)
    net = TINY.network(architecture, Signature((3, 4, 4), (2,)))
    return net(torch.randn(4, 3, 4, 4, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("slot", range(26))
def test_an_edit_changes_the_network_exactly_where_it_changes_the_id(slot):
    """But for isomorphic cells, whose weights are drawn in another order: edits of one slot are none of those."""
    seen = {True: 0, False: 0}
    for architecture in sample(60, seed=7):
        for other in TINY.neighbours(architecture):
            differs = TINY.canonical(other) != TINY.canonical(architecture)
            if (
                other.code[slot] != architecture.code[slot]
                and seen[differs] < 2
                and (differs or same_cell(architecture, other))
            ):
                assert torch.equal(outputs(architecture), outputs(other)) != differs
                seen[differs] += 1
    assert seen[True] == 2


def same_cell(first, second):
    return TINY.cell(first) == TINY.cell(second)
