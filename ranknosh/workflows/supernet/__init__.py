"""Searches over a supernet as runs: resumed exactly, within a budget, reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ranknosh.workflows.supernet.api import search_supernet
    from ranknosh.workflows.supernet.run import SupernetRun

__all__ = ["SupernetRun", "search_supernet"]


def __getattr__(name: str) -> Any:
    if name == "search_supernet":
        from ranknosh.workflows.supernet.api import search_supernet

        return search_supernet
    if name == "SupernetRun":
        from ranknosh.workflows.supernet.run import SupernetRun

        return SupernetRun
    raise AttributeError(name)
