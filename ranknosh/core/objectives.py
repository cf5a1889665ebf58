"""What a search is for where one number does not say it: the metric that ranks and costs, of which none is worth a fixed
amount of another.

There is one metric, because what is not known before training has to be predicted, and a search learns one ranking.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Objectives:
    """The metric that ranks, by its name, and the names of one or more costs, of which less is better."""

    metric: str
    costs: Sequence[str]

    @property
    def names(self) -> list[str]:
        """Of all, in the order of :meth:`values`."""
        return [self.metric, *self.costs]

    def values(self, metric: float, costs: Mapping[str, float]) -> list[float]:
        """What a candidate is worth, one number an objective, higher being better.

        Args:
            metric: the ranking value, higher is better.
            costs: by name; those that are objectives are among them.
        """
        return [metric, *(-costs[name] for name in self.costs)]
