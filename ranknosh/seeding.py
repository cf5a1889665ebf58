"""Which architectures a search starts from: some drawn, the best of them by train-free scores, and random ones beside."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ranknosh.errors import ConfigError
from ranknosh.metrics import ranks
from ranknosh.records import Origin, Scored
from ranknosh.spaces.base import Architecture, Space
from ranknosh.streams import stream

# A space that cannot be listed counts as used up after so many draws in a row that gave nothing new.
_PATIENCE = 1_000


def draw(space: Space, count: int, seed: int) -> list[Architecture]:
    """Up to ``count`` live architectures with distinct canonical ids; fewer where the space has no more.

    Codes are drawn uniformly without replacement, so that a function with many codes comes early more often. A shorter
    draw is the beginning of a longer one with the same seed. Raises ConfigError for a negative count.
    """
    if count < 0:
        raise ConfigError(f"{count} architectures were asked for; the number to draw must be 0 or more")
    found: dict[str, Architecture] = {}
    fruitless = 0
    for architecture in _codes(space, stream(seed, "draw")):
        if len(found) == count or (fruitless == _PATIENCE and not space.enumerable):
            break
        key = space.canonical(architecture)
        fresh = key not in found and not space.is_dead(architecture)
        fruitless = 0 if fresh else fruitless + 1
        if fresh:
            found[key] = architecture
    return list(found.values())


def _codes(space: Space, rng: np.random.Generator) -> Iterator[Architecture]:
    if space.enumerable:
        every = list(space.enumerate())
        yield from (every[index] for index in rng.permutation(len(every)))
    while not space.enumerable:
        yield space.sample(rng)


def choose(
    scored: Sequence[Scored],
    *,
    keep: int,
    random_share: float,
    seed: int,
    directions: Mapping[str, int] | None = None,
) -> tuple[tuple[Architecture, Origin, float | None], ...]:
    """``keep`` of ``scored`` as (architecture, origin, score): the best first, then random ones.

    ``round(keep * random_share)`` (halves up) are drawn uniformly from all that are left once the best are taken; their
    origin is "random" and their score None. The best go by the mean of their ranks over the proxies (a missing value is the
    worst, ties are broken by lot); origin "seed", and the score is that mean in standard deviations above the average of
    all scored. ``directions``: -1 for proxies whose smaller values are better, +1 for those not named. Where no proxy has any
    value all are random. Of several with one key the first by text is taken. The order of ``scored`` does not matter.

    Raises ConfigError for a negative ``keep`` or a share outside of [0, 1].
    """
    if keep < 0 or not 0.0 <= random_share <= 1.0:
        raise ConfigError(
            f"keep={keep}, random_share={random_share}: keep must be 0 or more, the share between 0 and 1"
        )
    by_key = {item.key: item for item in sorted(scored, key=lambda item: item.text, reverse=True)}
    pool = [by_key[key] for key in sorted(by_key)]
    keep = min(keep, len(pool))
    standing = _standing(pool, directions or {})
    by_chance = keep if standing is None else math.floor(keep * random_share + 0.5)
    best: list[int] = []
    if standing is not None:
        lots = stream(seed, "seed ties").permutation(len(pool))
        best = [int(index) for index in lots[np.argsort(-standing[lots], kind="stable")]][: keep - by_chance]
    left = np.setdiff1d(np.arange(len(pool)), best)
    others = stream(seed, "seed random").permutation(left)[:by_chance]
    chosen: list[tuple[Architecture, Origin, float | None]] = []
    if standing is not None:
        chosen.extend((pool[index].architecture, "seed", float(standing[index])) for index in best)
    chosen.extend((pool[int(index)].architecture, "random", None) for index in others)
    return tuple(chosen)


def _standing(pool: Sequence[Scored], directions: Mapping[str, int]) -> NDArray[np.float64] | None:
    """(n,) mean rank over the proxies in standard deviations above the average; None where no proxy has any value."""
    names = sorted({name for item in pool for name in item.values})
    columns = np.array([[_oriented(item.values.get(name), directions.get(name, 1)) for item in pool] for name in names])
    if not np.isfinite(columns).any():
        return None
    mean = np.mean([ranks(column) for column in columns], axis=0)
    spread = mean.std()
    return (mean - mean.mean()) / spread if spread > 1e-9 else np.zeros(len(pool))


def _oriented(value: float | None, direction: int) -> float:
    return -math.inf if value is None or not math.isfinite(value) else value * direction
