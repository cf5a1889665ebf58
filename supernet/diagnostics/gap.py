"""What a supernet loses of its metric when it is reduced to its derived architecture."""

from __future__ import annotations

from dataclasses import dataclass

from ranknosh.spaces.relaxed import Cells
from supernet.part import Running


@dataclass(frozen=True)
class DiscretisationGap:
    """The metric on the alphas' half with the same weights, in its own direction.

    ``higher``: whether larger values are better.
    """

    supernet: float
    derived: float
    higher: bool = True

    @property
    def gap(self) -> float:
        """What discretisation costs in the metric; negative where it helps."""
        return self.supernet - self.derived if self.higher else self.derived - self.supernet


def discretisation_gap(search: Running, cells: Cells | None = None, *, batches: int | None = None) -> DiscretisationGap:
    """The supernet with its mean weights against the network of one architecture inside it.

    Batch norms use the statistics of each batch in both.

    Args:
        search: The search that is measured.
        cells: The architecture; None for what would be derived now.
        batches: Batches of the alphas' half; None for all.
    """
    chosen = search.derive() if cells is None else cells
    mixed, _ = search.evaluate(search.mix("evaluation", detached=True), batches=batches)
    derived, _ = search.evaluate(search.discrete_mix(chosen), batches=batches)
    return DiscretisationGap(mixed, derived, search.judge.higher)
