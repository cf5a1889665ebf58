"""RF-DARTS and RF-PCDARTS: search on random features."""

from __future__ import annotations

from dataclasses import replace

from supernet.method import Method
from supernet.methods.darts import darts
from supernet.methods.pc_darts import pc_darts

SOURCE = "Zhang et al., CVPR 2023"


def rf_darts(epochs: int = 50) -> Method:
    """RF-DARTS (Zhang et al., CVPR 2023): convolutions keep their random initial weights; batch norms, which get scale
    and shift, and the classifier are trained.

    The recipe is that of DARTS.
    """
    return with_random_features(darts(epochs), "RF-DARTS")


def rf_pc_darts(epochs: int = 50) -> Method:
    """RF-PCDARTS of the same paper: PC-DARTS on random features, with the recipe of PC-DARTS."""
    return with_random_features(pc_darts(epochs), "RF-PCDARTS")


def with_random_features(method: Method, name: str) -> Method:
    """The method on a supernet of random features."""
    return replace(method, name=name, source=SOURCE, affine=True, trained="norms")
