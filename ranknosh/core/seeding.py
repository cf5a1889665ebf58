"""Which architectures a search starts from: some drawn, the best of them by train-free scores, and random ones beside."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ranknosh.core.metrics import ranks
from ranknosh.core.records import Origin, Scored
from ranknosh.errors import ConfigError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.streams import stream

# A space that cannot be listed counts as used up after so many draws in a row that gave nothing new.
_PATIENCE = 1_000
_DIGITS = 9


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
    combine: Combine = "rank_mean",
    weights: Mapping[str, float] | None = None,
) -> tuple[tuple[Architecture, Origin, float | None], ...]:
    """``keep`` of ``scored`` as (architecture, origin, score): the best first, then random ones.

    ``round(keep * random_share)`` (halves up) are drawn uniformly from all that are left once the best are taken; their
    origin is "random" and their score None. The best go by :func:`standing`, which is their score (ties are broken by lot);
    their origin is "seed". Where no proxy has any value all are random. Of several with one key the first by text is taken.
    The order of ``scored`` does not matter.

    Raises ConfigError for a negative ``keep`` or a share outside of [0, 1], and as :func:`standing` does.
    """
    if keep < 0 or not 0.0 <= random_share <= 1.0:
        raise ConfigError(
            f"keep={keep}, random_share={random_share}: keep must be 0 or more, the share between 0 and 1"
        )
    pool = distinct(scored)
    keep = min(keep, len(pool))
    stands = standing(pool, directions=directions, combine=combine, weights=weights)
    by_chance = keep if stands is None else math.floor(keep * random_share + 0.5)
    best = [] if stands is None else best_first(stands, seed)[: keep - by_chance]
    left = np.setdiff1d(np.arange(len(pool)), best)
    others = stream(seed, "seed random").permutation(left)[:by_chance]
    chosen: list[tuple[Architecture, Origin, float | None]] = []
    if stands is not None:
        chosen.extend((pool[index].architecture, "seed", float(stands[index])) for index in best)
    chosen.extend((pool[int(index)].architecture, "random", None) for index in others)
    return tuple(chosen)


def distinct(scored: Sequence[Scored]) -> list[Scored]:
    """One of every key, by key; of several with one key the first by text."""
    by_key = {item.key: item for item in sorted(scored, key=lambda item: item.text, reverse=True)}
    return [by_key[key] for key in sorted(by_key)]


def best_first(stands: NDArray[np.float64], seed: int) -> list[int]:
    """Indexes by falling value; equal ones (to nine digits) by lot."""
    lots = stream(seed, "seed ties").permutation(len(stands))
    return [int(index) for index in lots[np.argsort(-np.round(stands[lots], _DIGITS), kind="stable")]]


def standing(
    scored: Sequence[Scored],
    *,
    directions: Mapping[str, int] | None = None,
    combine: Combine = "rank_mean",
    weights: Mapping[str, float] | None = None,
) -> NDArray[np.float64] | None:
    """(n,) how good each of ``scored`` is by all proxies together, in standard deviations above their average.

    Ranks are those among ``scored``; a missing value is the worst. directions: -1 for proxies whose smaller values are
    better, +1 for those not named. weights: what each proxy counts, 0 or more, nothing where it is not named; None counts all
    alike. combine: ``rank_mean`` is the weighted mean of the ranks; ``log_rank_product`` the weighted sum of log(rank / n),
    ranks from 1, which punishes a single low rank (the non-linear rank aggregation of AZ-NAS, Lee & Ham, CVPR 2024);
    ``vote`` the share of the others that an architecture beats by a weighted majority of the proxies, a draw counting half
    (the vote of Abdelfattah et al., ICLR 2021, made into an order by Copeland counts).

    None where no proxy of any weight has any value; all zeros where the proxies tell nobody apart. Raises ConfigError for a
    weight that is negative or not finite, and for another ``combine``.
    """
    wrong = {name: weight for name, weight in (weights or {}).items() if not 0 <= weight < math.inf}
    if wrong or combine not in COMBINATIONS:
        raise ConfigError(
            f"combine={combine!r}, weights={dict(weights or {})}: combine must be one of {', '.join(COMBINATIONS)}, "
            "every weight 0 or more"
        )
    toward = directions or {}
    names = sorted({name for item in scored for name in item.values if weights is None or weights.get(name, 0.0) > 0})
    columns = np.array([[_oriented(item.values.get(name), toward.get(name, 1)) for item in scored] for name in names])
    if not np.isfinite(columns).any():
        return None
    counts = np.array([1.0 if weights is None else weights[name] for name in names])
    counts /= counts.max()  # equal weights are exactly 1 and make the same ties as none
    joint = COMBINATIONS[combine](np.array([ranks(column) for column in columns]), counts) / counts.sum()
    spread = joint.std()
    return (joint - joint.mean()) / spread if spread > 1e-9 else np.zeros(len(scored))


def _rank_mean(places: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return counts @ places


def _log_rank_product(places: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return counts @ np.log((places + 1.0) / places.shape[1])


def _vote(places: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    draw = 1e-12 * counts.sum()
    balances = (counts @ np.sign(mine[:, None] - places) for mine in places.T)
    return np.array([np.sign(balance)[np.abs(balance) > draw].sum() for balance in balances])


Combine = Literal["rank_mean", "log_rank_product", "vote"]
COMBINATIONS: dict[str, Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]] = {
    "rank_mean": _rank_mean,
    "log_rank_product": _log_rank_product,
    "vote": _vote,
}


def _oriented(value: float | None, direction: int) -> float:
    return -math.inf if value is None or not math.isfinite(value) else value * direction
