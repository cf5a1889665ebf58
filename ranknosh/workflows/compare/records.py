"""The records of a comparison, and what they say together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ranknosh.core.records import Folded, Session
from ranknosh.workflows.compare.final import Final
from ranknosh.workflows.compare.method import SearchOutcome


@dataclass(frozen=True)
class Searched:
    """How the search of one method and seed ended."""

    method: str
    seed: int
    outcome: SearchOutcome


@dataclass(frozen=True)
class Trained:
    """A final training under one seed of the architecture with the canonical id ``key``, whichever methods found it."""

    key: str
    seed: int
    final: Final


RECORDS = (Session, Searched, Trained)


@dataclass
class CompareState(Folded):
    """The fold of the records. ``searched``: by (method, seed); ``trained``: by (canonical id, seed)."""

    searched: dict[tuple[str, int], SearchOutcome] = field(default_factory=dict)
    trained: dict[tuple[str, int], Final] = field(default_factory=dict)

    def apply(self, record: Any) -> None:
        """Take in a record. Raises ValueError where it was done before."""
        if isinstance(record, Searched):
            _put(self.searched, (record.method, record.seed), record.outcome)
        elif isinstance(record, Trained):
            _put(self.trained, (record.key, record.seed), record.final)


def _put(known: dict[tuple[str, int], Any], key: tuple[str, int], value: Any) -> None:
    if key in known:
        raise ValueError(f"{key[0]} under seed {key[1]} was done twice")
    known[key] = value
