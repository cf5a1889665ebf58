"""Searches over a supernet, in run folders: begun, gone on with exactly, within a budget, reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ranknosh.oneshot.api import resume_supernet, search_supernet
    from ranknosh.oneshot.outcome import SupernetOutcome

__all__ = ["SupernetOutcome", "resume_supernet", "search_supernet"]


def __getattr__(name: str) -> Any:
    if name in ("search_supernet", "resume_supernet"):
        from ranknosh.oneshot import api

        return getattr(api, name)
    if name == "SupernetOutcome":
        from ranknosh.oneshot.outcome import SupernetOutcome

        return SupernetOutcome
    raise AttributeError(name)
