"""Which architectures share their scores, so that each network is scored once.

Two do where they compute the same function (``Space.canonical``) by networks of as many weights. The second half matters
because operations that nothing leads to or from are still built: the published number of weights of a cell counts them, and
so do the proxies of size. Of the 15,625 cells of NAS-Bench-201 that leaves 5,580.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

from ranknosh.spaces.base import Architecture, NetworkSize, Space


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
    found: dict[str, str] = {}
    for architecture in architectures:
        text = space.format(architecture)
        if text in found:
            continue
        alike = alike_by_id.setdefault(space.canonical(architecture), [])
        chosen = next((other for other in alike if other == architecture), None)
        if chosen is None and alike:
            mine = weights(architecture)
            chosen = next((other for other in alike if weights(other) == mine), None)
        if chosen is None:
            alike.append(architecture)
            chosen = architecture
        found[text] = space.format(chosen)
    return found


def weight_counter(channels: int) -> Callable[[Architecture], int]:
    """Counts the weights of a network with one cell a stage.

    Cells of a stage are alike, so two architectures that differ in it differ in every network of these channels, and only then.
    """
    from ranknosh.spaces.nets import build_candidate, count_params

    size = NetworkSize(channels, cells=1, classes=2, in_channels=1)

    @cache
    def count(architecture: Architecture) -> int:
        import torch

        with torch.random.fork_rng(devices=[]):
            return count_params(build_candidate(architecture, size))

    return count
