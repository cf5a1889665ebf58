"""In which order a search decides; each schedule is one class, and all follow the same size rule.

``reproducible``: batch by batch and level by level, bottom up. ``overlapping``: the same with several batches in flight.
``eager``: whatever is due when a worker is free.
"""

from ranknosh.core.schedules.base import Proposal, Proposer, Schedule
from ranknosh.core.schedules.eager import Eager
from ranknosh.core.schedules.overlapping import Overlapping
from ranknosh.core.schedules.reproducible import Reproducible

__all__ = ["Eager", "Overlapping", "Proposal", "Proposer", "Reproducible", "Schedule"]
