"""Level 0: the architectures a search starts from, the best of some that were drawn by train-free proxies, and random ones."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from itertools import islice
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ranknosh.core.pairs import Evidence
from ranknosh.core.records import Origin, Scored
from ranknosh.errors import ConfigError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.streams import stream
from zerocost.aggregate import combine as combined
from zerocost.aggregate import oriented_column

# A space that cannot be listed counts as used up after so many draws in a row that gave nothing new.
_PATIENCE = 1_000
_DIGITS = 9
_ROUNDING = 1e-9

Combine = Literal["rank_mean", "log_rank_product", "vote"]
"""How the ranks of several proxies are put together, see :mod:`zerocost.aggregate`."""
COMBINATIONS: tuple[Combine, ...] = get_args(Combine)


def draw(space: Space, count: int, seed: int) -> list[Architecture]:
    """Live architectures with distinct canonical ids, the first ones of :func:`drawn`.

    Args:
        space: to draw from.
        count: how many; fewer come where the space has no more.
        seed: of the draw.

    Raises:
        ConfigError: for a negative count.
    """
    if count < 0:
        raise ConfigError(f"{count} architectures were asked for; the number to draw must be 0 or more")
    return list(islice(drawn(space, seed), count))


def drawn(space: Space, seed: int) -> Iterator[Architecture]:
    """All live architectures of a space with distinct canonical ids, in the order of a seed.

    Codes are drawn uniformly without replacement, so that a function with many codes comes early more often.
    """
    return distinct(space, space.shuffled(stream(seed, "draw")))


def distinct(space: Space, architectures: Iterable[Architecture]) -> Iterator[Architecture]:
    """Those that are alive, the first of each canonical id."""
    seen: set[str] = set()
    fruitless = 0
    for architecture in architectures:
        key = space.canonical(architecture)
        if key not in seen and not space.is_dead(architecture):
            seen.add(key)
            yield architecture
            fruitless = 0
        elif fruitless == _PATIENCE and not space.enumerable:
            return
        else:
            fruitless += 1


Weigh = Callable[[Sequence[Mapping[str, float | None]], Sequence[float], Mapping[str, int]], Mapping[str, float]]
"""From the proxies' values of n architectures, their outcomes (higher is better) and the proxies' directions to the weight of
each proxy, 0 where it does not help. Must be a function of these alone."""


@dataclass(eq=False)
class LevelZero:
    """The architectures scored before a search, and the order that their proxies give them, weighed by results or not.

    What was scored never changes, so everything here is a function of it and of the results.

    Args:
        scored: the architectures, one value or None a proxy, in any order; of several with one key the first by text counts.
        directions: -1 for proxies whose smaller values are better, +1 for those not named.
        weigh: see :data:`Weigh`; None where no results are to weigh them.
        combine: how the ranks of several proxies are put together.
        seed: of what is drawn, and of the order of those that are equally good.
    """

    scored: Sequence[Scored]
    directions: Mapping[str, int] = field(default_factory=dict)
    weigh: Weigh | None = None
    _: KW_ONLY
    combine: Combine = "rank_mean"
    seed: int = 0

    def __post_init__(self) -> None:
        by_key = {item.key: item for item in sorted(self.scored, key=lambda item: item.text, reverse=True)}
        self.scored = [by_key[key] for key in sorted(by_key)]

    def choose(self, keep: int, random_share: float) -> tuple[tuple[Architecture, Origin, float | None], ...]:
        """The first ``keep`` candidates of a search: the best, then random ones.

        ``round(keep * random_share)`` (halves up) are drawn uniformly from all that are not among the best; all are where no
        proxy has any value. Gives (architecture, origin, score): "seed" with its :meth:`scores`, or "random" with None. Raises
        ConfigError for a negative ``keep`` or a share outside of [0, 1], and as :meth:`scores` does.
        """
        if keep < 0 or not 0.0 <= random_share <= 1.0:
            raise ConfigError(
                f"keep={keep}, random_share={random_share}: keep must be 0 or more, the share between 0 and 1"
            )
        keep = min(keep, len(self.scored))
        scores = self.scores()
        by_chance = keep if scores is None else math.floor(keep * random_share + 0.5)
        best = [] if scores is None else self._best_first(scores)[: keep - by_chance]
        left = np.setdiff1d(np.arange(len(self.scored)), best)
        others = stream(self.seed, "seed random").permutation(left)[:by_chance]
        picks: list[tuple[Architecture, Origin, float | None]] = [
            (self.scored[index].architecture, "seed", float(scores[index])) for index in best if scores is not None
        ]
        return (*picks, *((self.scored[index].architecture, "random", None) for index in others.tolist()))

    def columns(self) -> dict[str, NDArray[np.float64]]:
        """(n,) the values of each proxy in the order of ``scored``, higher is better; minus infinity where there is none."""
        rows = [item.values for item in self.scored]
        names = sorted({name for row in rows for name in row})
        return {name: np.array(oriented_column(rows, name, self.directions.get(name, 1))) for name in names}

    def weights(self, known: Evidence) -> dict[str, float]:
        """What each proxy counts by the members that were scored, with their place in the order of results as outcome."""
        assert self.weigh is not None
        values_of = {item.key: item.values for item in self.scored}
        rows = [row for row, member in enumerate(known.members) if member.key in values_of]
        values = [values_of[known.members[row].key] for row in rows]
        return dict(self.weigh(values, [float(known.order[row]) for row in rows], dict(self.directions)))

    def leaders(self, weights: Mapping[str, float]) -> list[tuple[str, Architecture]]:
        """(canonical id, architecture) of those above the average of all scored under ``weights``, best first.

        Empty where no proxy counts: then nothing is known of any. Those below the average are left out because a random
        architecture is better on average.
        """
        scores = self.scores(weights)
        if scores is None:
            return []
        leading = (self.scored[index] for index in self._best_first(scores) if scores[index] > _ROUNDING)
        return [(item.key, item.architecture) for item in leading]

    def scores(self, weights: Mapping[str, float] | None = None) -> NDArray[np.float64] | None:
        """(n,) how good each is by all proxies together, in standard deviations above their average.

        Ranks are those among ``scored``; a missing value is the worst. ``weights``: what each proxy counts, 0 or more, nothing
        where it is not named; None counts all alike. None where no proxy of any weight has any value; all zeros where all are
        equally good. Raises ConfigError where a weight is negative or not finite, or ``combine`` is another word.
        """
        wrong = {name: weight for name, weight in (weights or {}).items() if not 0 <= weight < math.inf}
        if wrong or self.combine not in COMBINATIONS:
            raise ConfigError(
                f"combine={self.combine!r}, weights={dict(weights or {})}: combine must be one of {', '.join(COMBINATIONS)}, "
                "every weight 0 or more"
            )
        rows = [item.values for item in self.scored]
        names = sorted({name for row in rows for name in row if weights is None or weights.get(name, 0.0) > 0})
        values = [row.get(name) for row in rows for name in names]
        if not any(value is not None and math.isfinite(value) for value in values):
            return None
        toward = {name: self.directions.get(name, 1) for name in names}
        counts = None if weights is None else {name: weights[name] for name in names}
        joint = np.array(combined(rows, toward, self.combine, counts))
        spread = joint.std()
        return (joint - joint.mean()) / spread if spread > _ROUNDING else np.zeros(len(rows))

    def _best_first(self, scores: NDArray[np.float64]) -> list[int]:
        """Indexes by falling value; equal ones (to nine digits) in a random order."""
        lots = stream(self.seed, "seed ties").permutation(len(scores))
        return [int(index) for index in lots[np.argsort(-np.round(scores[lots], _DIGITS), kind="stable")]]
