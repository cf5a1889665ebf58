"""Searches over a supernet, in run folders: begun, gone on with exactly, within a budget, reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ranknosh.workflows.supernet.api import resume_supernet, search_supernet
    from ranknosh.workflows.supernet.outcome import SupernetOutcome

__all__ = ["SupernetOutcome", "resume_supernet", "search_supernet"]


def __getattr__(name: str) -> Any:
    if name in ("search_supernet", "resume_supernet"):
        from ranknosh.workflows.supernet import api

        return getattr(api, name)
    if name == "SupernetOutcome":
        from ranknosh.workflows.supernet.outcome import SupernetOutcome

        return SupernetOutcome
    raise AttributeError(name)
