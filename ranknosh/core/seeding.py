"""Which architectures a search starts from: of some that are drawn the best by train-free proxies, and random ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ranknosh.core.records import Origin, Scored
from ranknosh.errors import ConfigError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.streams import stream
from zerocost.aggregate import combine as combined

# A space that cannot be listed counts as used up after so many draws in a row that gave nothing new.
_PATIENCE = 1_000
_DIGITS = 9

Combine = Literal["rank_mean", "log_rank_product", "vote"]
"""How the ranks of several proxies are put together, see :mod:`zerocost.aggregate`."""
COMBINATIONS: tuple[Combine, ...] = get_args(Combine)


def draw(space: Space, count: int, seed: int) -> list[Architecture]:
    """Live architectures with distinct canonical ids.

    Codes are drawn uniformly without replacement, so that a function with many codes comes early more often. A shorter
    draw is the beginning of a longer one with the same seed.

    Args:
        space: to draw from.
        count: how many; fewer come where the space has no more.
        seed: of the draw.

    Raises:
        ConfigError: for a negative count.
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
    combine: Combine = "rank_mean",
    weights: Mapping[str, float] | None = None,
) -> tuple[tuple[Architecture, Origin, float | None], ...]:
    """The first candidates of a search: the best by their proxies, then random ones.

    Args:
        scored: the architectures drawn, in any order; of several with one key the first by text counts.
        keep: how many to choose.
        random_share: ``round(keep * random_share)`` of them (halves up) are drawn uniformly from all that are not among the
            best; all are where no proxy has any value.
        seed: of that draw, and of the order of those that are equally good.
        directions: see :func:`combined_scores`.
        combine: see :func:`combined_scores`.
        weights: see :func:`combined_scores`.

    Returns:
        (architecture, origin, score): origin "seed" with its :func:`combined_scores`, or "random" with None.

    Raises:
        ConfigError: for a negative ``keep`` or a share outside of [0, 1], and as :func:`combined_scores` does.
    """
    if keep < 0 or not 0.0 <= random_share <= 1.0:
        raise ConfigError(
            f"keep={keep}, random_share={random_share}: keep must be 0 or more, the share between 0 and 1"
        )
    pool = distinct(scored)
    keep = min(keep, len(pool))
    scores = combined_scores(pool, directions=directions, combine=combine, weights=weights)
    by_chance = keep if scores is None else math.floor(keep * random_share + 0.5)
    best = [] if scores is None else best_first(scores, seed)[: keep - by_chance]
    left = np.setdiff1d(np.arange(len(pool)), best)
    others = stream(seed, "seed random").permutation(left)[:by_chance]
    picks: list[tuple[Architecture, Origin, float | None]] = [
        (pool[index].architecture, "seed", float(scores[index])) for index in best if scores is not None
    ]
    return (*picks, *((pool[index].architecture, "random", None) for index in others.tolist()))


def distinct(scored: Sequence[Scored]) -> list[Scored]:
    """One of every key, by key; of several with one key the first by text."""
    by_key = {item.key: item for item in sorted(scored, key=lambda item: item.text, reverse=True)}
    return [by_key[key] for key in sorted(by_key)]


def best_first(scores: NDArray[np.float64], seed: int) -> list[int]:
    """Indexes by falling value; equal ones (to nine digits) in a random order."""
    lots = stream(seed, "seed ties").permutation(len(scores))
    return [int(index) for index in lots[np.argsort(-np.round(scores[lots], _DIGITS), kind="stable")]]


def combined_scores(
    scored: Sequence[Scored],
    *,
    directions: Mapping[str, int] | None = None,
    combine: Combine = "rank_mean",
    weights: Mapping[str, float] | None = None,
) -> NDArray[np.float64] | None:
    """(n,) how good each of ``scored`` is by all proxies together, in standard deviations above their average.

    Ranks are those among ``scored``; a missing value is the worst.

    Args:
        scored: the architectures to compare, each with one value or None a proxy.
        directions: -1 for proxies whose smaller values are better, +1 for those not named.
        combine: a combination of :mod:`zerocost.aggregate`: ``rank_mean``, ``log_rank_product`` or ``vote``.
        weights: what each proxy counts, 0 or more, nothing where it is not named; None counts all alike.

    Returns:
        None where no proxy of any weight has any value; all zeros where all architectures are equally good.

    Raises:
        ConfigError: a weight is negative or not finite, or ``combine`` is another word.
    """
    wrong = {name: weight for name, weight in (weights or {}).items() if not 0 <= weight < math.inf}
    if wrong or combine not in COMBINATIONS:
        raise ConfigError(
            f"combine={combine!r}, weights={dict(weights or {})}: combine must be one of {', '.join(COMBINATIONS)}, "
            "every weight 0 or more"
        )
    names = sorted({name for item in scored for name in item.values if weights is None or weights.get(name, 0.0) > 0})
    rows = [item.values for item in scored]
    values = [row.get(name) for row in rows for name in names]
    if not any(value is not None and math.isfinite(value) for value in values):
        return None
    toward = {name: (directions or {}).get(name, 1) for name in names}
    counts = None if weights is None else {name: weights[name] for name in names}
    joint = np.array(combined(rows, toward, combine, counts))
    spread = joint.std()
    return (joint - joint.mean()) / spread if spread > 1e-9 else np.zeros(len(scored))
