"""Which slots of a code count, and how many codes there are, where some slots exist only under options of earlier ones."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from ranknosh.errors import SpaceError
from ranknosh.spaces.encodings import Codes


@dataclass(frozen=True, slots=True)
class Condition:
    """What reaches a slot: the earlier slot number ``slot`` is reached and takes one of ``options`` (places, from 0)."""

    slot: int
    options: frozenset[int]


def deeper(slot: int, depths: Sequence[int], place: int) -> Condition | None:
    """What reaches the slots of part number ``place`` (from 0) of a chain; None where every depth has such a part.

    Args:
        slot: where the depth is chosen.
        depths: how many parts each of its options gives, rising.
        place: of the part.
    """
    deep = frozenset(option for option, depth in enumerate(depths) if depth > place)
    return Condition(slot, deep) if len(deep) < len(depths) else None


Conditions = Condition | tuple[Condition, ...] | None
"""When a slot is reached: always (None), or where one or any of several conditions holds."""
_MOST_NODES = 100_000
"""Of the diagram at one slot."""


@dataclass(frozen=True, slots=True)
class _Node:
    """What is open at a slot: ``following[option]`` is a node of the next slot, ``before[option]`` the number of settled codes
    with smaller options, its last entry of all. A slot that is not reached has its first option alone."""

    following: tuple[int, ...]
    before: tuple[int, ...]


class Slots:
    """Slots with conditions: which ones a code reaches, and how many settled codes there are.

    Codes are the paths of a decision diagram. A node of it stands for all beginnings of codes that have reached the same later
    slots, so counting and numbering codes cost the nodes, not the codes; without shared slots they are few.

    Args:
        counts: options of every slot.
        conditions: of every slot; None where it is always reached, several where any of them reaches it.

    Raises:
        SpaceError: for a condition on a later slot, on no slot at all, or on options that cannot be taken; and where conditions
            are tied to each other in too many ways to count.
    """

    def __init__(self, counts: Sequence[int], conditions: Sequence[Conditions]) -> None:
        self.counts = tuple(counts)
        if len(conditions) != len(self.counts):
            raise SpaceError(f"{len(self.counts)} slots need as many conditions (or None), not {len(conditions)}")
        self.conditions = tuple((each,) if isinstance(each, Condition) else each for each in conditions)
        for slot, each in enumerate(self.conditions):
            self._check(slot, each)
        # Per slot and option the slots it reaches.
        self._reaches: list[list[set[int]]] = [[set() for _ in range(count)] for count in self.counts]
        for slot, each in enumerate(self.conditions):
            for condition in each or ():
                for option in condition.options:
                    self._reaches[condition.slot][option].add(slot)

    def _check(self, slot: int, conditions: tuple[Condition, ...] | None) -> None:
        if conditions == ():
            raise SpaceError(f"slot {slot} has an empty list of conditions, so nothing reaches it; give one, or None")
        for condition in conditions or ():
            if not 0 <= condition.slot < slot:
                raise SpaceError(
                    f"slot {slot} depends on slot {condition.slot}: a condition names an earlier slot, so put that one first"
                )
            if not condition.options or not condition.options <= set(range(self.counts[condition.slot])):
                raise SpaceError(
                    f"slot {slot} depends on the options {sorted(condition.options)} of slot {condition.slot}, which has "
                    f"{self.counts[condition.slot]} counted from 0: name one or more of these"
                )

    @cached_property
    def _diagram(self) -> list[list[_Node]]:
        """Nodes by slot, and one behind the last slot; node 0 of slot 0 is the start."""
        always = frozenset(slot for slot, conditions in enumerate(self.conditions) if conditions is None)
        states: list[frozenset[int]] = [
            frozenset()
        ]  # the later slots that are reached so far, those without condition left out
        steps: list[list[list[int]]] = []
        for slot, reaches in enumerate(self._reaches):
            known: dict[frozenset[int], int] = {}
            rows = []
            for state in states:
                here = slot in always or slot in state
                after = [(state | later) - always - {slot} for later in (reaches if here else [set()])]
                rows.append([known.setdefault(each, len(known)) for each in after])
            if len(known) > _MOST_NODES:
                raise SpaceError(
                    f"the conditions of these {len(self.counts)} choices are tied to each other in more than {_MOST_NODES} ways, "
                    "too many to count; let fewer choices lie between a choice and those that depend on it"
                )
            steps.append(rows)
            states = list(known)
        levels = [[_Node((), (0, 1))]]
        for rows in reversed(steps):
            sizes = [node.before[-1] for node in levels[-1]]
            levels.append([_Node(tuple(to), tuple(accumulate((sizes[n] for n in to), initial=0))) for to in rows])
        return levels[::-1]

    @property
    def size(self) -> int:
        """Number of settled codes."""
        return self._diagram[0][0].before[-1]

    @cached_property
    def depth(self) -> int:
        """The most slots that have to be decided one after another until it is known whether some slot is reached."""
        depths: list[int] = []
        for conditions in self.conditions:
            depths.append(max((depths[condition.slot] + 1 for condition in conditions or ()), default=0))
        return max(depths, default=0)

    def reached(self, code: Sequence[int]) -> list[bool]:
        """Per slot: does the code reach it?"""
        found: list[bool] = []
        for each in self.conditions:
            found.append(each is None or any(found[c.slot] and code[c.slot] in c.options for c in each))
        return found

    def reached_of(self, codes: Codes) -> NDArray[np.bool_]:
        """(n, slots): :meth:`reached` of codes (n, slots)."""
        found = np.ones(codes.shape, dtype=np.bool_)
        for slot, conditions in enumerate(self.conditions):
            if conditions is not None:
                ways = [found[:, c.slot] & np.isin(codes[:, c.slot], list(c.options)) for c in conditions]
                found[:, slot] = np.any(ways, axis=0)
        return found

    def settled(self, code: Sequence[int]) -> tuple[int, ...]:
        """The code with the first option at every slot it does not reach."""
        return tuple(option if reached else 0 for option, reached in zip(code, self.reached(code), strict=True))

    def at(self, number: int) -> tuple[int, ...]:
        """The settled code number ``number`` (from 0) in the order of codes."""
        code: list[int] = []
        node = self._diagram[0][0]
        for level in self._diagram[1:]:
            option = bisect_right(node.before, number) - 1
            number -= node.before[option]
            code.append(option)
            node = level[node.following[option]]
        return tuple(code)

    def all(self) -> Iterator[tuple[int, ...]]:
        """Every settled code once, in the order of codes."""
        code = [0] * len(self.counts)
        while True:
            yield tuple(code)
            reached = self.reached(code)
            for slot in reversed(range(len(code))):
                if reached[slot] and code[slot] + 1 < self.counts[slot]:
                    code[slot:] = [code[slot] + 1] + [0] * (len(code) - slot - 1)
                    break
            else:
                return


def below(limit: int, rng: np.random.Generator) -> int:
    """A whole number from 0 to ``limit - 1``, each as likely as the others, also beyond what 64 bits hold."""
    bits = limit.bit_length()
    while True:
        number = int.from_bytes(rng.bytes(-(-bits // 8)), "little") >> -bits % 8
        if number < limit:
            return number
