"""What a comparison asks of a search method, and what it gets back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from ranknosh.runs.events import Events
from ranknosh.runs.stop import StopRequest
from ranknosh.spaces.base import Architecture

if TYPE_CHECKING:
    from ranknosh.workflows.compare.problem import Problem

TOLERANCE = 0.1
"""Share of the budget by which a method may end above or below it and still count as having used it."""
EpochsOf = Literal["candidates", "supernet"]
"""Epochs of trainings of single networks, or of a supernet: different goods, which nobody adds up."""


@dataclass(frozen=True)
class Cost:
    """Device seconds of a search by what they went into; ``total`` is what the budget is compared with.

    ``training``: of candidates, ``failed``: trainings that came to nothing, ``supernet``: its weights and architecture
    parameters, selection included. ``other``: the rest of the time that the search held the device (decisions, saving).
    """

    proxies: float = 0.0
    predictor: float = 0.0
    training: float = 0.0
    supernet: float = 0.0
    failed: float = 0.0
    other: float = 0.0

    @property
    def total(self) -> float:
        return float(sum(asdict(self).values()))

    def within(self, held: float) -> Cost:
        """The same with ``other`` filled up to ``held``, the seconds the device was held, where that is more than the parts."""
        parts = {**asdict(self), "other": 0.0}
        return Cost(**{**parts, "other": max(held - sum(parts.values()), 0.0)})


COST_PARTS = tuple(part.name for part in fields(Cost))


@dataclass(frozen=True)
class SearchOutcome:
    """How one search of one seed ended.

    ``architecture``: what it found, None where it found nothing, and ``ended`` says why it ended. ``wall_seconds``: of all
    sessions. ``epochs`` are epochs of what ``epochs_of`` names; ``evaluations``: candidates that were judged by a training of
    their own, 0 for a supernet. ``folder``: where the search kept its files.
    """

    architecture: Architecture | None
    cost: Cost
    wall_seconds: float
    epochs: int
    epochs_of: EpochsOf
    evaluations: int
    ended: str
    folder: Path


class SearchMethod(Protocol):
    """A search that ends when its budget of device seconds is used, within :data:`TOLERANCE` wherever it can."""

    @property
    def name(self) -> str: ...

    def search(
        self, problem: Problem, budget_seconds: float, seed: int, folder: Path, events: Events, stop: StopRequest
    ) -> SearchOutcome:
        """Search in ``folder``, resuming what an interrupted call left there, and say what was found at what cost.

        Everything that only this search needs is charged: scores, predictor, failures, time lost to them. The same problem
        and seed lead to the same decisions, but for those that depend on how much of the budget is left.

        Args:
            problem: without test images and table.
            budget_seconds: device seconds.
            seed: of the search.
            folder: for its files, a run folder.
            events: takes what the search reports.
            stop: asked wherever the search can be resumed.

        Raises:
            KeyboardInterrupt: when stopped from outside, with everything saved.
            RankNoshError: where it cannot be continued.
        """
        ...
