"""DrNAS: weights drawn from learnt Dirichlet distributions."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from ranknosh.errors import ConfigError
from supernet.alpha_optimisers import Adam
from supernet.method import Method, Stage
from supernet.penalties import DirichletDivergence
from supernet.relaxations import Dirichlet


def drnas(epochs: int = 100, distance: Literal["l2", "kl"] = "l2") -> Method:
    """DrNAS without progressive growth (Chen et al., ICLR 2021).

    ``distance`` pulls the distributions to the uniform Dirichlet: ``l2`` is Adam's decay of the alphas, ``kl`` the
    divergence with weight 1e-3 and no decay. Defaults: the released NAS-Bench-201 search, 100 epochs, SGD 0.025 to
    0.001 with weight decay 3e-4, batch 64, Adam 3e-4 with decay 1e-3, which is the l2 distance to concentration 1.
    Deviation: cells are derived from the mean weights; their largest is the largest alpha, as in the released code.

    Raises:
        ConfigError: ``distance`` is neither ``l2`` nor ``kl``.
    """
    if distance not in ("l2", "kl"):
        raise ConfigError(f"DrNAS knows the distances l2 and kl, not {distance!r}")
    method = Method("DrNAS", "Chen et al., ICLR 2021", (Stage(epochs),), relaxation=Dirichlet())
    if distance == "l2":
        return method
    return replace(method, alpha_optimiser=Adam(weight_decay=0.0), penalties=(DirichletDivergence(),))
