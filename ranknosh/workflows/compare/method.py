"""What a comparison asks of a search method, and what it gets back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from ranknosh.errors import StoreError
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

    def to_json(self) -> dict[str, Any]:
        """Plain data for a journal line; :meth:`from_json` gives back an equal outcome."""
        found = self.architecture
        return {
            **asdict(self),
            "architecture": None if found is None else {"space": found.space, "code": list(found.code)},
            "folder": str(self.folder),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> SearchOutcome:
        """Raises StoreError where a field is missing or malformed."""
        try:
            values = {part.name: row[part.name] for part in fields(cls)}
            found = values["architecture"]
            values["architecture"] = None if found is None else Architecture(found["space"], tuple(found["code"]))
            values["cost"] = Cost(**values["cost"])
            values["folder"] = Path(values["folder"])
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise StoreError(f"a search outcome in the journal does not have the fields of one: {error}") from error


class SearchListener(Protocol):
    """Who watches one search. Nothing it does changes a decision."""

    def on_spent(self, seconds: float, text: str) -> None:
        """``seconds`` of the budget are used; ``text`` says in a few words what the search is doing."""
        ...

    def on_message(self, text: str) -> None: ...


class SearchMethod(Protocol):
    """A search that ends when its budget of device seconds is used, within :data:`TOLERANCE` wherever it can."""

    @property
    def name(self) -> str: ...

    def search(
        self, problem: Problem, budget_seconds: float, seed: int, folder: Path, listener: SearchListener
    ) -> SearchOutcome:
        """Search in ``folder``, going on with what an interrupted call left there, and say what was found at what cost.

        Everything that only this search needs is charged: scores, predictor, failures, time lost to them. The same problem
        and seed lead to the same decisions, but for those that depend on how much of the budget is left. Raises
        KeyboardInterrupt when stopped from outside, with everything saved, and RankNoshError where it cannot go on.
        """
        ...
