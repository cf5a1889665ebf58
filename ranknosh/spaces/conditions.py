"""Slots that only some architectures reach: the layers a shallower network does not have, the settings of a branch not taken.

A slot is *reached* where it has no condition, or where the slot of one of its conditions is reached and takes one of that
condition's options. What an unreached slot says changes nothing, so its first option stands there: that is the *settled* form
of a code. A :class:`ConditionalSpace` gives out settled codes only, and counts, draws and lists each of them once::

    class Chain(ConditionalSpace):
        name = "chain"
        choices = (Choice("depth", (1, 2), ordered=True), Choice("first", ("a", "b")), Choice("second", ("a", "b", "c")))
        conditions = (None, None, Condition(0, frozenset({1})))     # there is a second one at depth 2 only

    Chain().size                                                    # 2 of depth 1, and 2 * 3 of depth 2

So a space says ``choices`` and ``conditions``, one entry a slot, and a condition names a slot before its own. A slot that
several places share has several conditions, any of which reaches it.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.encodings import Codes, Graphs, Rows, chain_graphs, onehot
from ranknosh.spaces.slots import Conditions, Slots, below


class ConditionalSpace(Space):
    """A space with slots that only some of its architectures reach; see the head of this file.

    Codes with anything in unreached slots are understood, and mean the same as the settled one. Texts leave unreached slots
    out. An edit changes one reached slot; slots that it newly reaches begin at their first option.
    """

    conditions: tuple[Conditions, ...]

    @cached_property
    def slots(self) -> Slots:
        """The slots and what reaches them. Raises SpaceError for conditions that make no sense."""
        return Slots(self.counts, self.conditions)

    @property
    def size(self) -> int:
        """Number of architectures, unreached slots not counted."""
        return self.slots.size

    @property
    def enumerable(self) -> bool:
        """True where scoring every architecture at each refit is affordable."""
        return self.size <= self.most_enumerable

    def reached(self, options: Sequence[int]) -> tuple[bool, ...]:
        return tuple(self.slots.reached(options))

    def chosen(self, architecture: Architecture) -> tuple[int, ...]:
        """The option taken at every choice, the first one where it is not reached."""
        return self.slots.settled(super().chosen(architecture))

    def codes(self, architectures: Sequence[Architecture]) -> Codes:
        """(n, slots): the settled codes of these architectures."""
        codes = super().codes(architectures)
        return np.where(self.slots.reached_of(codes), codes, 0)

    def of(self, options: Iterable[int]) -> Architecture:
        """The settled architecture of these options, which must be in range."""
        return Architecture(self.name, self.slots.settled(tuple(options)))

    def sample(self, rng: np.random.Generator) -> Architecture:
        """An architecture drawn uniformly among the settled ones."""
        return self.of(self.slots.at(below(self.size, rng)))

    def enumerate(self) -> Iterator[Architecture]:
        """Every settled architecture in code order. Raises SpaceError where the space is not enumerable."""
        if not self.enumerable:
            return super().enumerate()
        return (Architecture(self.name, code) for code in self.slots.all())

    def shuffled(self, rng: np.random.Generator) -> Iterator[Architecture]:
        """Architectures drawn uniformly: every one once where the space is enumerable, else without end and perhaps again."""
        if self.enumerable:
            for number in rng.permutation(self.size):
                yield Architecture(self.name, self.slots.at(int(number)))
        while not self.enumerable:
            yield self.sample(rng)

    def _edited(self, options: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """The codes one edit of a reached slot away; :meth:`of` settles them."""
        reached = self.slots.reached(options)
        for slot, option in enumerate(options):
            for other in self.moves(slot, option) if reached[slot] else ():
                yield (*options[:slot], other, *options[slot + 1 :])

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """A child that takes every choice from either parent with equal chance, or from the one that reaches it.

        Args:
            first: a parent.
            second: the other.
            rng: of the choices.
        """
        parents = [(code, self.slots.reached(code)) for code in (self.chosen(first), self.chosen(second))]
        (code_a, reached_a), (code_b, reached_b) = parents
        take_a = (rng.random(len(self.counts)) < 0.5) & reached_a | ~np.array(reached_b, dtype=np.bool_)
        return self.of(a if take else b for a, b, take in zip(code_a, code_b, take_a.tolist(), strict=True))

    def decode(self, architecture: Architecture) -> dict[str, Any]:
        """The option taken at every reached choice, by the choice's name."""
        code = self.chosen(architecture)
        taken = zip(self.choices, code, self.slots.reached(code), strict=True)
        return {choice.name: choice.options[place] for choice, place, reached in taken if reached}

    def locate(self, config: Mapping[str, Any]) -> Architecture:
        """The architecture of one option for every choice that it reaches, by name; ``locate(decode(a)) == a``.

        Raises SpaceError for a name or an option that the space does not have, for a choice that is reached and left out, and
        for one that is given and not reached.
        """
        full = {choice.name: config.get(choice.name, choice.options[0]) for choice in self.choices}
        architecture = super().locate({**config, **full})
        for slot, reached in enumerate(self.slots.reached(architecture.code)):
            choice = self.choices[slot]
            if reached and choice.name not in config:
                raise SpaceError(
                    f"the configuration lacks {choice.name} of {self.title}, which is one of {list(choice.options)}"
                )
            if not reached and choice.name in config:
                raise SpaceError(
                    f"the configuration has {choice.name}, which {self.title} has only where {self.when(slot)}; leave it out"
                )
        return architecture

    def when(self, slot: int) -> str:
        """What reaches a slot, in words, such as ``depth is 2 or 3``; ``always`` where nothing has to."""
        ways = []
        for condition in self.slots.conditions[slot] or ():
            choice = self.choices[condition.slot]
            taken = [json.dumps(choice.options[option], ensure_ascii=False) for option in sorted(condition.options)]
            ways.append(f"{choice.name} is {' or '.join(taken)}")
        return " or ".join(ways) or "always"

    @cached_property
    def _groups(self) -> list[int]:
        """One slot of each condition: slots of one condition are reached together."""
        known = {condition: slot for slot, condition in reversed(list(enumerate(self.conditions))) if condition}
        return sorted(known.values())

    def features(self, codes: Codes) -> Rows:
        """(n, d) feature rows of codes (n, slots).

        An indicator per option; for each ordered choice of several options its place from 0 (lowest) to 1 (highest); and for
        each condition whether its slots are reached. The first two are 0 throughout at slots that are not reached.
        """
        reached = self.slots.reached_of(codes)
        ordered = [slot for slot, choice in enumerate(self.choices) if choice.ordered and len(choice.options) > 1]
        places = codes[:, ordered] / np.maximum(np.array(self.counts)[ordered] - 1, 1)
        parts = [
            onehot(codes, self.counts) * np.repeat(reached, self.counts, axis=1),
            places * reached[:, ordered],
            reached[:, self._groups],
        ]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def graphs(self, codes: Codes) -> Graphs:
        """A chain of the reached slots in their order, each labelled with the last part of its name and its option.

        So ``stage1.layer2.kernel`` and ``stage3.layer1.kernel`` share their labels, ``kernel=3``, ``kernel=5``.
        """
        labels = [[f"{choice.name.rpartition('.')[2]}={o}" for o in choice.options] for choice in self.choices]
        return chain_graphs([np.array(each) for each in labels], codes, self.slots.reached_of(codes))

    def operation_counts(self, architecture: Architecture) -> dict[str, int]:
        """How often each operation occurs at a reached slot; keys are ``operations``, all present."""
        counted = Counter(option for option in self.decode(architecture).values() if isinstance(option, str))
        return {operation: counted[operation] for operation in self.operations}
