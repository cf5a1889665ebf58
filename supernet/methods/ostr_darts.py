"""Selection by operation strength on the supernets of DARTS and PC-DARTS."""

from __future__ import annotations

from dataclasses import replace

from supernet.method import Method
from supernet.methods.darts import darts
from supernet.methods.pc_darts import pc_darts
from supernet.monitors import ArchitectureStable
from supernet.selections import Strength

SOURCE = "OStr-DARTS, arXiv 2409.14433"


def ostr_darts(epochs: int = 50, patience: int = 10) -> Method:
    """OStr-DARTS (arXiv 2409.14433): the supernet of DARTS, cells by operation strength, stopped when they no longer
    change.

    ``patience``: see :class:`supernet.monitors.ArchitectureStable`; 0 searches all epochs.
    """
    monitors = (ArchitectureStable(patience),) if patience else ()
    return replace(darts(epochs), name="OStr-DARTS", source=SOURCE, selection=Strength("ostr"), monitors=monitors)


def ostr_pc_darts(epochs: int = 50, share: int = 4, patience: int = 10, *, warm_up: int | None = None) -> Method:
    """OStr-PC-DARTS of the same paper: operation strength on the supernet of PC-DARTS.

    Strengths are gradients of the logits, so the factor of an edge is inside them; edges are ranked by the strength of
    their best operation (the paper does not say how the edge weights are used there).

    Args:
        epochs: Most epochs of the search.
        share: Parts that the channels are cut into.
        patience: Epochs without change that end the search; 0 searches all epochs.
        warm_up: First epochs that train weights only; None for that of PC-DARTS.
    """
    monitors = (ArchitectureStable(patience),) if patience else ()
    base = pc_darts(epochs, share, warm_up=warm_up)
    return replace(base, name="OStr-PC-DARTS", source=SOURCE, selection=Strength("ostr"), monitors=monitors)


def ostr_star_darts(epochs: int = 50, patience: int = 10) -> Method:
    """OStr-DARTS* of the same paper: the loss is expanded about the mixture, so that theta cancels."""
    return replace(ostr_darts(epochs, patience), name="OStr-DARTS*", selection=Strength("ostr_star"))


def naive_strength(epochs: int = 50, patience: int = 10) -> Method:
    """The "Naive" baseline of the same paper: the first-order change of the loss if an operation were deleted."""
    return replace(ostr_darts(epochs, patience), name="Naive", selection=Strength("naive"))
