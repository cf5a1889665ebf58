"""Slots with several conditions, against a listing by brute force: ranknosh/spaces/slots.py"""

from itertools import product

import numpy as np
import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces.slots import Condition, Slots, below

ONE = frozenset({1})
# 3 hangs on 0 or 1; 4 on 3 (either of two options) or on 2; 5 on 4.
CONDITIONS = (
    None,
    None,
    Condition(0, frozenset({0})),
    (Condition(0, ONE), Condition(1, ONE)),
    (Condition(3, frozenset({1, 2})), Condition(2, ONE)),
    Condition(4, frozenset({0})),
)
COUNTS = (2, 2, 2, 3, 2, 3)
EVERY_CODE = list(product(*map(range, COUNTS)))


def reached_by_hand(code):
    third = code[0] == 0
    fourth = code[0] == 1 or code[1] == 1
    fifth = (fourth and code[3] in (1, 2)) or (third and code[2] == 1)
    return [True, True, third, fourth, fifth, fifth and code[4] == 0]


SETTLED = sorted(
    {tuple(o if r else 0 for o, r in zip(code, reached_by_hand(code), strict=True)) for code in EVERY_CODE}
)
SLOTS = Slots(COUNTS, CONDITIONS)


def test_any_of_several_conditions_reaches_a_slot():
    assert [SLOTS.reached(code) for code in EVERY_CODE] == [reached_by_hand(code) for code in EVERY_CODE]
    assert SLOTS.reached_of(np.array(EVERY_CODE)).tolist() == [reached_by_hand(code) for code in EVERY_CODE]


def test_codes_are_counted_and_numbered_in_their_order():
    assert SLOTS.size == len(SETTLED)
    assert [SLOTS.at(number) for number in range(SLOTS.size)] == SETTLED == list(SLOTS.all())


def test_depth_is_the_longest_chain_of_conditions():
    assert SLOTS.depth == 3  # 0, then 3, then 4, until 5 is known to be reached
    assert Slots((2, 2), (None, None)).depth == 0


@pytest.mark.parametrize("layers", [30, 60])
def test_many_shared_slots_are_counted_without_listing(layers):
    """A switch a layer, and at the end a slot that any switch which is on reaches: (2**n - 1) * 3 + 1 codes."""
    conditions = (*[None] * layers, tuple(Condition(i, ONE) for i in range(layers)))
    slots = Slots((*[2] * layers, 3), conditions)
    assert slots.size == (2**layers - 1) * 3 + 1
    assert slots.at(slots.size - 1) == (1,) * layers + (2,)
    assert slots.at(1) == (0,) * (layers - 1) + (1, 0)


def test_conditions_that_cannot_be_counted_are_refused():
    layers = 20  # all switches first, then what hangs on each: 2**20 open questions between them
    conditions = (*[None] * layers, *(Condition(i, ONE) for i in range(layers)))
    with pytest.raises(SpaceError, match="too many to count"):
        _ = Slots([2] * 2 * layers, conditions).size


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ((None, ()), "slot 1 has an empty list of conditions"),
        ((None, (Condition(0, ONE), Condition(1, ONE))), "a condition names an earlier slot"),
        ((None, (Condition(0, ONE), Condition(0, frozenset({5})))), r"the options \[5\] of slot 0, which has 2"),
    ],
)
def test_conditions_that_make_no_sense(conditions, message):
    with pytest.raises(SpaceError, match=message):
        Slots((2, 2), conditions)


def test_numbers_beyond_64_bits_are_drawn_evenly():
    rng = np.random.default_rng(0)
    limit = 3 * 2**70
    drawn = np.array([below(limit, rng) // 2**70 for _ in range(3000)])
    assert np.abs(np.bincount(drawn, minlength=3) / 3000 - 1 / 3).max() < 0.04
