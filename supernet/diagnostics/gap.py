"""The accuracy that a supernet loses when it is reduced to its derived architecture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from supernet.space import Cells

if TYPE_CHECKING:
    from supernet.search import SupernetSearch


@dataclass(frozen=True)
class DiscretisationGap:
    """Accuracies on the alphas' half with the same weights (higher is better)."""

    supernet: float
    derived: float

    @property
    def gap(self) -> float:
        """What discretisation costs, as a difference of accuracies; negative where it helps."""
        return self.supernet - self.derived


def discretisation_gap(
    search: SupernetSearch, cells: Cells | None = None, *, batches: int | None = None
) -> DiscretisationGap:
    """The supernet with its mean weights against the network of one architecture inside it.

    Batch norms use the statistics of each batch in both.

    Args:
        search: The search that is measured.
        cells: The architecture; None for what would be derived now.
        batches: Batches of the alphas' half; None for all.
    """
    chosen = search.method.selection.derive(search) if cells is None else cells
    mixed, _ = search.evaluate(search.mix("evaluation", detached=True), batches=batches)
    derived, _ = search.evaluate(search.discrete_mix(chosen), batches=batches)
    return DiscretisationGap(mixed, derived)
