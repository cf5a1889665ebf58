"""How well two orders agree."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import atanh, sqrt, tanh
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = Sequence[float] | NDArray[np.floating]
FEWEST = 3
"""Pairs below which no correlation is given."""


@dataclass(frozen=True)
class Agreement:
    """Spearman's rho in [-1, 1] over ``n`` pairs, and its standard error; None where it is not defined.

    The error is ``(1 - rho^2) sqrt(1.06 / (n - 3))``: that of Fisher's z (Fieller, Hartley & Pearson, Biometrika 1957) carried
    back to rho.
    """

    rho: float | None
    error: float | None
    n: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval by Fisher's z; None below 5 pairs."""
        if self.rho is None or self.n < 5:
            return None
        centre, half = atanh(max(min(self.rho, 1 - 1e-9), -1 + 1e-9)), 1.96 * sqrt(1.06 / (self.n - 3))
        return tanh(centre - half), tanh(centre + half)

    def __str__(self) -> str:
        """``0.62 [0.31, 0.81], n = 21``."""
        if self.rho is None:
            return f"n/a (n = {self.n})"
        interval = " [{:.2f}, {:.2f}]".format(*self.interval) if self.interval else ""
        return f"{self.rho:.2f}{interval}, n = {self.n}"


def agreement(first: Values, second: Values) -> Agreement:
    """Of two sequences of equal length; minus infinity is a value below all others."""
    n = len(first)
    rho = spearman(first, second) if n >= FEWEST else None
    return Agreement(rho, None if rho is None or n <= 3 else (1 - rho**2) * sqrt(1.06 / (n - 3)), n)


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
