"""Edits of integer codes, for any space whose slots are independent choices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Code = tuple[int, ...]


def sample(choices: Sequence[int], rng: np.random.Generator) -> Code:
    """A code drawn uniformly; ``choices[i]`` is the number of options of slot ``i``."""
    return tuple(int(value) for value in rng.integers(0, np.asarray(choices)))


def neighbours(code: Code, choices: Sequence[int]) -> tuple[Code, ...]:
    """Every code that differs in exactly one slot, by slot and then by option."""
    return tuple(
        (*code[:slot], option, *code[slot + 1 :])
        for slot, options in enumerate(choices)
        for option in range(options)
        if option != code[slot]
    )


def mutate(code: Code, choices: Sequence[int], rng: np.random.Generator) -> Code:
    """A neighbour, each with the same probability; a space of one single code gives that code back.

    Args:
        code: one option a slot.
        choices: options of each slot.
        rng: of the choice.
    """
    edits = [options - 1 for options in choices]
    total = sum(edits)
    if total == 0:
        return code
    pick = int(rng.integers(total))
    slot = 0
    while pick >= edits[slot]:
        pick -= edits[slot]
        slot += 1
    option = pick if pick < code[slot] else pick + 1
    return (*code[:slot], option, *code[slot + 1 :])


def crossover(first: Code, second: Code, rng: np.random.Generator) -> Code:
    """A child that takes every slot from either parent with equal chance.

    Args:
        first: a parent's code.
        second: the other's.
        rng: of the choices.
    """
    from_first = rng.random(len(first)) < 0.5
    return tuple(a if take else b for a, b, take in zip(first, second, from_first, strict=True))
