"""Checkpoints of a search that no longer serve."""

from __future__ import annotations

from functools import partial

from ranknosh.config.units import plural
from ranknosh.core.pool import Pool
from ranknosh.runs.run import Waste
from ranknosh.training.publications import Holding, Publications


def find_waste(kept: Publications, pool: Pool, everything: bool) -> list[Waste]:
    """Checkpoints of a search that may be removed, in order of candidates.

    Args:
        kept: the checkpoints.
        pool: what is known of the candidates.
        everything: those that a resume would need too, all but the best candidate's.
    """

    def whole(holding: Holding, reason: str) -> Waste:
        return Waste(str(holding.where), holding.size, reason, partial(kept.delete, [holding.name]))

    best = pool.best()
    found = []
    for holding in kept.holdings():
        candidate = None if holding.candidate_id is None else pool.candidates.get(holding.candidate_id)
        if candidate is None:
            found.append(whole(holding, "belongs to no candidate"))
        elif candidate.failed is not None:
            found.append(whole(holding, f"candidate {candidate.id} failed"))
        elif everything and (best is None or candidate.id != best.id):
            found.append(whole(holding, f"candidate {candidate.id} is not the best"))
        elif holding.leftovers:
            files = plural(len(holding.leftovers), "file")
            why = f"{files} that candidate {candidate.id}'s checkpoint does not need"
            found.append(Waste(str(holding.where), holding.leftover_size, why, partial(kept.delete, holding.leftovers)))
    return found
