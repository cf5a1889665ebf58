"""The records of a comparison: what every search cost and found, what its final training gave, and what they add up to."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ranknosh.core.records import Folded, Session
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.stock import home_of

TOLERANCE = 0.05
"""Share of the budget by which a method may end above or below it and still count as having used it."""
EpochsOf = Literal["candidates", "supernet", "nothing"]
"""Epochs of trainings of single networks, or of a supernet: different goods, which are never added up. Nothing: a stock network,
which needs no search."""


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
        return replace(self, other=max(held - self.total, 0.0))


@dataclass(frozen=True)
class Searched:
    """How the search of one method under one seed ended.

    ``architecture``: what it found, None where it found nothing, and ``ended`` says why it ended. ``wall_seconds``: of all
    sessions. ``epochs`` are epochs of what ``epochs_of`` names; ``evaluations``: candidates that were judged by a training of
    their own, 0 for a supernet.
    """

    method: str
    seed: int
    architecture: Architecture | None
    cost: Cost
    wall_seconds: float
    epochs: int
    epochs_of: EpochsOf
    evaluations: int
    ended: str

    @property
    def folder(self) -> Path:
        """Where the search kept its files, below the comparison's folder."""
        return folder_of(self.method, self.seed)

    @property
    def is_stock(self) -> bool:
        """Whether it is a stock network, for which nothing was searched."""
        return self.epochs_of == "nothing"


def folder_of(method: str, seed: int) -> Path:
    """Where a search keeps its files below the comparison's folder; a method of the user's own has MODULE.NAME there."""
    return Path(re.sub(r"[^A-Za-z0-9_-]+", ".", method).strip(".")) / f"seed-{seed}"


def final_folder(folder: Path, seed: int, text: str) -> Path:
    """Where the final training of an architecture under a seed keeps its files.

    Args:
        folder: of the comparison.
        seed: of the search.
        text: the architecture.
    """
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:12]
    return folder / "final" / f"seed-{seed}-{digest}"


@dataclass(frozen=True)
class Trained:
    """A final training under one seed of the architecture with the canonical id ``key``, whichever methods found it.

    ``validation`` and ``test`` are of the metric that the task ranks by, in its own direction, shares as fractions, None where
    unknown; ``seconds`` those of training and both readings. ``params`` and ``macs`` are
    the network's. ``failed``: why there is no result, None where there is one.
    """

    key: str
    seed: int
    epochs: int
    validation: float | None = None
    test: float | None = None
    seconds: float = 0.0
    params: float | None = None
    macs: float | None = None
    failed: str | None = None


RECORDS = (Session, Searched, Trained)


@dataclass
class CompareState(Folded):
    """The fold of the records. ``searched``: by (method, seed); ``trained``: by (canonical id, seed)."""

    searched: dict[tuple[str, int], Searched] = field(default_factory=dict)
    trained: dict[tuple[str, int], Trained] = field(default_factory=dict)

    def apply(self, record: Session | Searched | Trained) -> None:
        """Take in a record. Raises ValueError where it was done before."""
        if isinstance(record, Searched):
            _put(self.searched, (record.method, record.seed), record)
        elif isinstance(record, Trained):
            _put(self.trained, (record.key, record.seed), record)

    def final(self, searched: Searched, space: Space) -> Trained | None:
        """The final training of what a search found; None where it found nothing, or it was not trained yet.

        Args:
            searched: the search.
            space: that it searched.
        """
        found = searched.architecture
        return self.trained.get((home_of(found, space).canonical(found), searched.seed)) if found else None


def _put(known: dict[tuple[str, int], Any], key: tuple[str, int], value: Any) -> None:
    if key in known:
        raise ValueError(f"{key[0]} under seed {key[1]} was done twice")
    known[key] = value
