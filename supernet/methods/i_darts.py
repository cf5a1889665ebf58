"""iDARTS: implicit gradients."""

from __future__ import annotations

from dataclasses import replace

from supernet.method import Method
from supernet.methods.darts import darts
from supernet.updates import Neumann


def i_darts(epochs: int = 50, terms: int = 2, inner_steps: int = 4) -> Method:
    """iDARTS (Zhang et al., ICML 2021): the implicit hypergradient by a truncated Neumann series.

    The step length gamma of the series is the learning rate of the weights. Deviations: exact Hessian-vector products
    where the released code has a diagonal in place of the Hessian; Adam where its NAS-Bench-1Shot1 version has Vadam;
    recipe of DARTS.

    Args:
        epochs: Epochs of the search.
        terms: The paper's K, terms of the series beyond the first.
        inner_steps: The paper's T, steps of the weights for each step of the alphas.
    """
    return replace(darts(epochs), name="iDARTS", source="Zhang et al., ICML 2021", update=Neumann(terms, inner_steps))
