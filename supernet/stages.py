"""What changes a search between two stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supernet.part import Part

if TYPE_CHECKING:
    from supernet.search import SupernetSearch


class Transform(Part):
    """``apply`` is called when its stage begins: it may rebuild, prune, widen or start again.

    It has to be a function of the search's state and seed alone: a resumed search that begins inside a later stage applies the
    transforms up to there again with ``rebuild``, and loads weights, parameters and states afterwards.
    """

    def apply(self, search: SupernetSearch) -> None:
        raise NotImplementedError

    def rebuild(self, search: SupernetSearch) -> None:
        """Give the search the shapes it has in this stage; what they hold is loaded afterwards."""
