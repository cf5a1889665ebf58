"""Which architectures are scored (those named, and a sample of the space or all of it), and which of them share a network.

Two share their scores where they compute the same function (``Space.canonical``) by networks of as many weights. The second
half matters because operations that nothing leads to or from are still built: the published number of weights of a cell counts
them, and so do the proxies of size. Of the 15,625 cells of NAS-Bench-201 that leaves 5,580.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import islice
from typing import Literal

from ranknosh.config.score import ScoreSettings
from ranknosh.core.seeding import draw
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.catalog import space_reading
from ranknosh.spaces.signature import Signature
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


def named(texts: Sequence[str]) -> tuple[Space, tuple[Architecture, ...]]:
    """The space that reads every exchange string of ``texts``, and the architectures in that order, repeated ones kept.

    Raises:
        SpaceError: naming the string and what is wrong with it in the space that the first one is of.
    """
    space = space_reading(texts[0])
    return space, tuple(space.parse(text) for text in texts)


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
    return tuple(islice(space.shuffled(stream(seed, "draw codes")), count))


def everything(space: Space, how: Draw) -> tuple[Architecture, ...]:
    """Every function once, by its first code, or every code. Raises SpaceError where the space cannot be listed."""
    if how == "codes":
        return tuple(space.enumerate())
    first: dict[str, Architecture] = {}
    for architecture in space.enumerate():
        first.setdefault(space.canonical(architecture), architecture)
    return tuple(first.values())


def representatives(
    space: Space,
    architectures: Sequence[Architecture],
    known: Iterable[str],
    weights: Callable[[Architecture], int],
) -> dict[str, str]:
    """Which network is scored for each architecture.

    Args:
        space: of the architectures.
        architectures: in the order asked for; the first of several that share a network is scored for all.
        known: exchange strings of those scored before, which are taken first.
        weights: the number of weights of a network, asked for only among those of one canonical id.

    Returns:
        The exchange string of every architecture, to that of the one whose network is scored for it.
    """
    alike_by_id: dict[str, list[Architecture]] = {}
    for text in known:
        architecture = space.parse(text)
        alike_by_id.setdefault(space.canonical(architecture), []).append(architecture)
    found: dict[Architecture, Architecture] = {}
    for architecture in architectures:
        alike = alike_by_id.setdefault(space.canonical(architecture), [])
        if architecture not in found and architecture not in alike:
            same = (other for other in alike if weights(other) == weights(architecture))
            found[architecture] = next(same, architecture)
            if found[architecture] is architecture:
                alike.append(architecture)
    return {space.format(one): space.format(found.get(one, one)) for one in architectures}


def weight_counter(space: Space, signature: Signature) -> Callable[[Architecture], int]:
    """Counts the weights of a network.

    Args:
        space: of the architectures.
        signature: of their networks.
    """
    import torch

    from ranknosh.spaces.nets.cost import count_params

    @cache
    def count(architecture: Architecture) -> int:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            return count_params(space.network(architecture, signature))

    return count
