"""A free worker takes the highest promotion that is due at once, else a new candidate.

Source: asynchronous successive halving (Li et al., MLSys 2020, algorithm 2). Sizes are those of the other schedules; which
candidates are promoted depends on the order in which results arrive, which the journal keeps.
"""

from __future__ import annotations

from typing import ClassVar

from ranknosh.core.records import Record
from ranknosh.core.schedules.base import Schedule


class Eager(Schedule):
    """Promotions one at a time, out of the highest level first, before newcomers."""

    one_by_one: ClassVar[bool] = True

    def decide(self, queued: bool) -> list[Record]:
        promoted = self._promotions()
        if promoted or queued:
            return promoted
        return self._batch() or self._closing() or self._reruns()

    def _promotions(self) -> list[Record]:
        sizes = self.pyramid.sizes(self.pool.count - self.pool.pending_at(1))
        for level in range(self.pyramid.levels - 1, 0, -1):
            owed = sizes[level] - self.pool.entered(level + 1)
            if owed > 0 and (promoted := self._promote(level, 1)):
                return promoted
        return []

    def _batch(self) -> list[Record]:
        first = self.pool.count
        batch = self.pyramid.batch_of(first)
        return self._propose(range(first, self._batch_end(batch)), batch)
