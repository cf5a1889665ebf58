"""How well two orders agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = Sequence[float] | NDArray[np.floating]


def kendall_tau(first: Values, second: Values) -> float | None:
    """Kendall's tau-b in [-1, 1]; None where an order is constant or shorter than two (it has no correlation)."""
    from scipy.stats import kendalltau

    return _agreement(kendalltau, first, second)


def spearman(first: Values, second: Values) -> float | None:
    """Spearman's rho in [-1, 1]; None where an order is constant or shorter than two."""
    from scipy.stats import spearmanr

    return _agreement(spearmanr, first, second)


# scipy.stats takes half a second to import, so it is imported where it is used: starting a run needs none of it.
def _agreement(measure: Callable[..., Any], first: Values, second: Values) -> float | None:
    if len(first) != len(second):
        raise ValueError(f"two orders of equal length are compared, got {len(first)} and {len(second)} values")
    if len(np.unique(first)) < 2 or len(np.unique(second)) < 2:
        return None
    return float(measure(first, second).statistic)
