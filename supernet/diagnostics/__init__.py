"""Measurements of a supernet during and after a search; none of them changes it."""

from supernet.diagnostics.collapse import collapse_warning
from supernet.diagnostics.gap import DiscretisationGap, discretisation_gap
from supernet.diagnostics.hessian import alpha_hessian, hessian_eigenvalue
from supernet.diagnostics.landscape import Landscape, landscape
from supernet.diagnostics.trajectories import entropies

__all__ = [
    "DiscretisationGap",
    "Landscape",
    "alpha_hessian",
    "collapse_warning",
    "discretisation_gap",
    "entropies",
    "hessian_eigenvalue",
    "landscape",
]
