"""Which architectures are scored: those named, and a sample of the space or all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ranknosh.config.score import ScoreSettings
from ranknosh.core.seeding import draw
from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.catalog import SPACES, get_space
from ranknosh.streams import stream

Draw = Literal["functions", "codes"]


def population(settings: ScoreSettings, space: Space) -> tuple[Architecture, ...]:
    """The architectures named, in their order and repeated ones kept, then those drawn that are not among them.

    Raises:
        SpaceError: for a string that the space does not read, and for all of a space that cannot be listed.
    """
    listed = tuple(space.parse(text) for text in settings.architectures)
    if settings.all:
        drawn = everything(space, settings.draw)
    else:
        drawn = sampled(space, settings.draw, settings.count, settings.seed)
    known = set(listed)
    return (*listed, *(architecture for architecture in drawn if architecture not in known))


def named(texts: Sequence[str], first: str | None = None) -> tuple[Space, tuple[Architecture, ...]]:
    """The space that reads every exchange string of ``texts``, and the architectures in that order, repeated ones kept.

    Args:
        texts: exchange strings.
        first: the space whose message is shown where none reads them.

    Raises:
        SpaceError: naming the string and what is wrong with it.
    """
    names = list(dict.fromkeys([*([first] if first else []), *SPACES]))
    problems = []
    for name in names:
        space = get_space(name)
        try:
            return space, tuple(space.parse(text) for text in texts)
        except SpaceError as error:
            problems.append(str(error))
    raise SpaceError(problems[0])


def sampled(space: Space, how: Draw, count: int, seed: int) -> tuple[Architecture, ...]:
    """Up to ``count`` architectures; equal seeds give equal ones, and a shorter sample is the beginning of a longer one.

    Args:
        space: to draw from.
        how: ``functions`` can learn and have distinct canonical ids, as a search draws them for proxy scoring; ``codes`` are
            uniform over the codes, without replacement where the space can be listed, cells that cannot learn and isomorphic
            ones included, as tables and published correlations are.
        count: how many.
        seed: of the draw.
    """
    if how == "functions":
        return tuple(draw(space, count, seed))
    rng = stream(seed, "draw codes")
    if not space.enumerable:
        return tuple(space.sample(rng) for _ in range(count))
    every = list(space.enumerate())
    return tuple(every[index] for index in rng.permutation(len(every))[:count])


def everything(space: Space, how: Draw) -> tuple[Architecture, ...]:
    """Every function once, by its first code, or every code. Raises SpaceError where the space cannot be listed."""
    if how == "codes":
        return tuple(space.enumerate())
    first: dict[str, Architecture] = {}
    for architecture in space.enumerate():
        first.setdefault(space.canonical(architecture), architecture)
    return tuple(first.values())
