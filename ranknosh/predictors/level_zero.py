"""Level 0 once there is evidence: the scores taken before any training, weighed by what training has shown of them.

What was scored before the search never changes, so everything here is a function of it and of the results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

from ranknosh.core.pairs import Evidence
from ranknosh.core.records import Scored
from ranknosh.core.seeding import Combine, best_first, combined_scores, distinct
from ranknosh.spaces.base import Architecture

Weigh = Callable[[Sequence[Mapping[str, float | None]], Sequence[float], Mapping[str, int]], Mapping[str, float]]
"""From the proxies' values of n architectures, their outcomes (higher is better) and the proxies' directions to the weight of
each proxy, 0 where it does not help. Must be a function of these alone."""
_ROUNDING = 1e-9


@dataclass(eq=False)
class LevelZero:
    """The architectures scored before the search and the order that the results so far give them.

    Args:
        scored: the architectures and the proxies' values.
        directions: see :func:`ranknosh.core.seeding.combined_scores`.
        weigh: see :data:`Weigh`.
        combine: see :func:`ranknosh.core.seeding.combined_scores`.
        seed: orders architectures that are equally good.
    """

    scored: Sequence[Scored]
    directions: Mapping[str, int]
    weigh: Weigh
    _: KW_ONLY
    combine: Combine = "rank_mean"
    seed: int = 0

    def __post_init__(self) -> None:
        self.scored = distinct(self.scored)
        self._values = {item.key: item.values for item in self.scored}

    def weights(self, known: Evidence) -> dict[str, float]:
        """What each proxy counts by the members that were scored, with their place in the order of results as outcome."""
        rows = [row for row, member in enumerate(known.members) if member.key in self._values]
        values = [self._values[known.members[row].key] for row in rows]
        outcomes = [float(known.order[row]) for row in rows]
        return dict(self.weigh(values, outcomes, self.directions))

    def leaders(self, weights: Mapping[str, float]) -> list[tuple[str, Architecture]]:
        """(canonical id, architecture) of those above the average of all scored under ``weights``, best first.

        Empty where no proxy counts: then nothing is known of anybody. Those below the average are left out because a random
        architecture is better on average.
        """
        scores = combined_scores(self.scored, directions=self.directions, combine=self.combine, weights=weights)
        if scores is None:
            return []
        order = [index for index in best_first(scores, self.seed) if scores[index] > _ROUNDING]
        return [(self.scored[index].key, self.scored[index].architecture) for index in order]
