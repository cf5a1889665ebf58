"""Batch by batch and level by level, so that decisions depend neither on how many workers there are nor on who is fast."""

from __future__ import annotations

from ranknosh.core.records import Record
from ranknosh.core.schedules.base import Schedule


class Reproducible(Schedule):
    """A level's promotions are decided when all trainings up to that level have ended, a new batch when all have."""

    def decide(self, queued: bool) -> list[Record]:
        return self._promotions() or self._batch() or self._closing() or self._reruns()

    def _promotions(self) -> list[Record]:
        """Promotions the size rule is owed, out of the lowest level first."""
        sizes = self.pyramid.sizes(self.pool.count)
        for level in range(1, self.pyramid.levels):
            if self.pool.pending_below(level):
                return []
            if promoted := self._promote(level, sizes[level] - self.pool.entered(level + 1)):
                return promoted
        return []

    def _batch(self) -> list[Record]:
        """The next batch, or the rest of one whose records were cut off before any of it had a result."""
        pool, first = self.pool, self.pool.count
        batch = self.pyramid.batch_of(first)
        begun = first > 0 and self.pyramid.batch_of(first - 1) == batch and not pool.results_in_batch.get(batch)
        if pool.pending and not begun:
            return []
        return self._propose(range(first, self._batch_end(batch)), batch)
