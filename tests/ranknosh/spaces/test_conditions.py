"""Slots that only some architectures reach, against a listing by brute force: ranknosh/spaces/conditions.py"""

import json
import math
from collections import Counter
from itertools import product

import numpy as np
import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.conditions import ConditionalSpace
from ranknosh.spaces.slots import Condition, Slots

YES = frozenset({1})


class Tree(ConditionalSpace):
    """A branch inside a branch, a chain of depth 1 to 3, and a slot of its own, out of order on purpose."""

    name = "tree"
    choices = (
        Choice("branch", ("plain", "rich")),
        Choice("depth", (1, 2, 3), ordered=True),
        Choice("rich.gate", ("off", "on")),
        Choice("layer2.kernel", (3, 5), ordered=True),
        Choice("rich.gate.ratio", (2, 4, 8), ordered=True),
        Choice("free", ("a", "b")),
        Choice("layer3.kernel", (3, 5), ordered=True),
    )
    conditions = (
        None,
        None,
        Condition(0, YES),
        Condition(1, frozenset({1, 2})),
        Condition(2, YES),
        None,
        Condition(1, frozenset({2})),
    )


def reached_by_hand(code):
    """Per slot of Tree."""
    branch, depth, gate = code[0], code[1], code[2]
    return [True, True, branch == 1, depth >= 1, branch == 1 and gate == 1, True, depth == 2]


def settled_by_hand(code):
    return tuple(o if there else 0 for o, there in zip(code, reached_by_hand(code), strict=True))


TREE = Tree()
EVERY_CODE = list(product(*map(range, TREE.counts)))
SETTLED = sorted({settled_by_hand(code) for code in EVERY_CODE})
ALL = [Architecture("tree", code) for code in SETTLED]


class Chain(ConditionalSpace):
    """Depth 1 to ``most`` with one slot of three options a layer."""

    name = "chain"

    def __init__(self, most):
        layers = range(most)
        self.choices = (
            Choice("depth", tuple(range(1, most + 1))),
            *(Choice(f"layer{i}.op", ("a", "b", "c")) for i in layers),
        )
        self.conditions = (None, *(Condition(0, frozenset(range(i, most))) if i else None for i in layers))


def test_size_counts_every_settled_code_once():
    # branch: 1 + (1 + 3) = 5 ways; depth: 1 + 2 + 4 = 7; free: 2.
    assert TREE.size == len(SETTLED) == 5 * 7 * 2 < len(EVERY_CODE)
    assert Chain(5).size == sum(3**depth for depth in range(1, 6))
    assert Chain(60).size == (3**61 - 3) // 2
    assert not Chain(60).enumerable


def test_what_is_reached():
    for code in EVERY_CODE:
        assert TREE.slots.reached(code) == reached_by_hand(code)
        assert TREE.slots.settled(code) == settled_by_hand(code)
    assert TREE.slots.reached_of(np.array(EVERY_CODE)).tolist() == [reached_by_hand(code) for code in EVERY_CODE]


def test_listing_and_numbering_are_in_code_order():
    assert [a.code for a in TREE.enumerate()] == SETTLED
    assert [TREE.slots.at(number) for number in range(TREE.size)] == SETTLED
    assert sorted(TREE.shuffled(np.random.default_rng(3)), key=lambda a: a.code) == ALL
    assert [a.code for a in TREE.shuffled(np.random.default_rng(3))] != SETTLED
    with pytest.raises(SpaceError, match="too many to list"):
        Chain(60).enumerate()


def test_a_space_without_conditions_is_like_any_other():
    class Plain(ConditionalSpace):
        name = "plain"
        choices = TREE.choices[:4]
        conditions = (None,) * 4

    class Same(Space):
        name = "plain"
        choices = TREE.choices[:4]

    assert list(Plain().enumerate()) == list(Same().enumerate())
    one = Plain().of((1, 2, 0, 1))
    assert Plain().neighbours(one) == Same().neighbours(one)
    codes = Same().codes(list(Same().enumerate()))
    assert (Plain().features(codes) == Same().features(codes)).all()


def test_samples_are_uniform_over_architectures():
    rng = np.random.default_rng(0)
    expected = 300
    counts = Counter(TREE.sample(rng) for _ in range(expected * TREE.size))
    assert set(counts) == set(ALL)
    assert max(abs(count - expected) for count in counts.values()) < 5 * math.sqrt(expected)


def test_samples_of_a_space_beyond_64_bits_have_the_depths_of_its_size():
    space = Chain(60)
    rng = np.random.default_rng(0)
    depths = [len(space.decode(space.sample(rng))) - 1 for _ in range(3000)]
    # Two thirds of all have depth 60, two ninths depth 59.
    assert abs(np.mean([depth == 60 for depth in depths]) - 2 / 3) < 0.05
    assert abs(np.mean([depth == 59 for depth in depths]) - 2 / 9) < 0.05


def test_neighbours_differ_in_one_reached_slot_and_begin_newly_reached_ones_at_their_first_option():
    for one in ALL:
        expected = set()
        for slot, there in enumerate(reached_by_hand(one.code)):
            for other in range(TREE.counts[slot]) if there else ():
                edited = list(one.code)
                edited[slot] = other
                expected.add(Architecture("tree", settled_by_hand(edited)))
        found = TREE.neighbours(one)
        assert len(found) == len(set(found))
        assert set(found) == expected - {one}
    rng = np.random.default_rng(0)
    drawn = Counter(TREE.mutate(ALL[-1], rng) for _ in range(200 * len(TREE.neighbours(ALL[-1]))))
    assert set(drawn) == set(TREE.neighbours(ALL[-1]))
    assert max(abs(count - 200) for count in drawn.values()) < 5 * math.sqrt(200)


def test_every_architecture_is_reached_by_mutations():
    seen, open_ = {ALL[0]}, [ALL[0]]
    while open_:
        for other in TREE.neighbours(open_.pop()):
            if other not in seen:
                seen.add(other)
                open_.append(other)
    assert seen == set(ALL)


def test_a_child_takes_what_it_reaches_from_a_parent_that_reaches_it():
    rng = np.random.default_rng(0)
    mixed = 0
    for _ in range(400):
        first, second = TREE.sample(rng), TREE.sample(rng)
        child = TREE.crossover(first, second, rng)
        assert child.code == settled_by_hand(child.code)
        a, b = TREE.decode(first), TREE.decode(second)
        for name, option in TREE.decode(child).items():
            assert option in [parent[name] for parent in (a, b) if name in parent]
        mixed += child not in (first, second)
    assert mixed > 100


def test_a_child_takes_either_parent_with_equal_chance():
    rng = np.random.default_rng(0)
    first, second = TREE.of((1, 2, 1, 0, 0, 0, 0)), TREE.of((1, 2, 1, 1, 2, 1, 1))
    taken = np.array([TREE.crossover(first, second, rng).code for _ in range(1000)])
    assert (abs(taken[:, [3, 5, 6]].mean(axis=0) - 0.5) < 0.08).all()


def test_unreached_slots_change_nothing():
    loose = Architecture("tree", (0, 0, 1, 1, 2, 1, 1))
    tight = TREE.of(loose.code)
    assert tight.code == (0, 0, 0, 0, 0, 1, 0)
    for question in (TREE.canonical, TREE.format, TREE.decode, TREE.chosen, TREE.neighbours, TREE.operation_counts):
        assert question(loose) == question(tight)
    assert TREE.codes([loose]).tolist() == [list(tight.code)]
    assert len({TREE.canonical(Architecture("tree", code)) for code in EVERY_CODE}) == TREE.size


def test_texts_leave_out_what_is_not_reached():
    assert TREE.format(ALL[0]) == '{"branch": "plain", "depth": 1, "free": "a"}'
    assert all(TREE.parse(TREE.format(one)) == one for one in ALL)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"branch": "plain", "depth": 1}, "lacks free of tree"),
        ({"branch": "rich", "depth": 1, "free": "a"}, "lacks rich.gate of tree"),
        (
            {"branch": "plain", "depth": 1, "free": "a", "rich.gate": "on"},
            "has rich.gate, .* only where branch is .rich.; leave it out",
        ),
        (
            {"branch": "plain", "depth": 1, "free": "a", "layer2.kernel": 3},
            "has layer2.kernel, .* only where depth is 2 or 3",
        ),
        ({"branch": "plain", "depth": 1, "free": "a", "frei": 3}, "no choice 'frei'; did you mean free"),
        ({"branch": "plain", "depth": 4, "free": "a"}, "depth is 4; it takes one of 1, 2, 3"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(config, message):
    with pytest.raises(SpaceError, match=message):
        TREE.parse(json.dumps(config))


def test_features_by_hand():
    rows = TREE.features(TREE.codes([TREE.of((0, 2, 0, 1, 0, 1, 0)), TREE.of((1, 0, 1, 0, 1, 0, 0))]))
    assert rows.dtype == np.float32
    assert rows.tolist() == [
        # branch, depth,  gate,  kernel2, ratio,   free,  kernel3 | places of depth, kernel2, ratio, kernel3 | reached
        [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 0, 1, 0, 1],
        [0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0.5, 0, 1, 0, 1, 0],
    ]
    every = TREE.features(TREE.codes(ALL))
    assert len(np.unique(every, axis=0)) == TREE.size


def test_graphs_are_chains_of_what_is_reached():
    some = [TREE.of((0, 0, 0, 0, 0, 0, 0)), TREE.of((1, 2, 1, 1, 2, 1, 0))]
    graphs = TREE.graphs(TREE.codes(some))
    names = [
        [graphs.node_kinds[label] for label in labels[mask]]
        for labels, mask in zip(graphs.labels, graphs.mask, strict=True)
    ]
    assert names[0] == ["branch=plain", "depth=1", "free=a"]
    assert names[1] == ["branch=rich", "depth=3", "gate=on", "kernel=5", "ratio=8", "free=b", "kernel=3"]
    for adjacency, count in zip(graphs.adjacency, (3, 7), strict=True):
        assert list(zip(*np.nonzero(adjacency), strict=True)) == [(i, i + 1) for i in range(count - 1)]
    assert TREE.graphs(TREE.codes([])).adjacency.shape[0] == 0


def test_operations_are_counted_where_they_are_reached():
    rich = TREE.of((1, 0, 1, 0, 0, 0, 0))
    assert TREE.operation_counts(rich) == {"plain": 0, "rich": 1, "off": 0, "on": 1, "a": 1, "b": 0}
    assert TREE.operation_counts(ALL[0]) == {"plain": 1, "rich": 0, "off": 0, "on": 0, "a": 1, "b": 0}


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ((None,), "2 slots need as many conditions"),
        ((Condition(1, YES), None), "slot 0 depends on slot 1: a condition names an earlier slot"),
        ((None, Condition(1, YES)), "slot 1 depends on slot 1"),
        ((None, Condition(-1, YES)), "slot 1 depends on slot -1"),
        ((None, Condition(0, frozenset({2}))), r"options \[2\] of slot 0, which has 2"),
        ((None, Condition(0, frozenset())), r"options \[\] of slot 0"),
    ],
)
def test_conditions_that_make_no_sense_are_refused(conditions, message):
    with pytest.raises(SpaceError, match=message):
        Slots((2, 2), conditions)
