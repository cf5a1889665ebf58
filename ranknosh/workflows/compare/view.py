"""What the page of a comparison shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ranknosh.config.compare import CompareSettings
from ranknosh.core.records import Session
from ranknosh.runs.journal import Header
from ranknosh.workflows.compare.rows import Row


@dataclass(frozen=True)
class CompareView:
    """A comparison for its page. ``name``: of its folder; ``rows``: a method each, in the order they are shown."""

    name: str
    header: Header
    settings: CompareSettings
    sessions: Sequence[Session]
    rows: Sequence[Row]
