"""What a user decides of a search besides its pyramid and its limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ranknosh.errors import ConfigError

ScheduleName = Literal["reproducible", "eager"]
Promotions = Literal["observed", "predicted"]


@dataclass(frozen=True)
class Rules:
    """How far a search goes, and how it decides.

    Args:
        schedule: the order of decisions, see :mod:`ranknosh.core.schedules`.
        overlap: batches in flight at once in the reproducible schedule.
        candidates: how many to propose in all; None for as many as the budget holds.
        promote: ``observed`` promotes the best by the metric measured at the level; ``predicted`` asks the proposer, whose
            model evens out what one training owes to luck.
        closing: share of an epoch budget that is kept from newcomers, for promoting the best paused candidates at the end.
        finalists: how many of the top level are trained again from scratch with another seed before one is chosen.
        retries: how often a job whose worker died or hung is tried again.

    Raises:
        ConfigError: a value is out of range, or two of them exclude each other.
    """

    schedule: ScheduleName = "reproducible"
    overlap: int = 1
    candidates: int | None = None
    promote: Promotions = "observed"
    closing: float = 0.0
    finalists: int = 0
    retries: int = 3

    def __post_init__(self) -> None:
        if self.overlap < 1 or (self.overlap > 1 and self.schedule == "eager"):
            raise ConfigError(
                f"pyramid.overlap is {self.overlap} and pyramid.schedule is {self.schedule}; overlap counts the batches in "
                "flight of the reproducible schedule (1 or more); eager has no batches to wait for, so leave it at 1 there"
            )
        if not 0 <= self.closing < 1:
            raise ConfigError(f"pyramid.closing is {self.closing}; it is a share of budget.epochs, from 0 to below 1")
