"""The base of what changes a search between two stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supernet.part import Part

if TYPE_CHECKING:
    from supernet.search import SupernetSearch


class Transform(Part):
    """Changes a search when a stage starts: it may rebuild, prune, widen or restart.

    It must depend on the search's state and seed alone: a search that is resumed inside a later stage calls ``rebuild``
    of the transforms up to there, and loads weights, parameters and states afterwards.
    """

    def apply(self, search: SupernetSearch) -> None:
        """Called when the stage starts."""
        raise NotImplementedError

    def rebuild(self, search: SupernetSearch) -> None:
        """Give the search the shapes that it has in this stage; their contents are loaded afterwards."""
