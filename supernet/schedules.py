"""Schedules: numbers that change over the epochs of a search, such as temperatures and weights of penalties."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

Schedule = Callable[[int, int], float]
"""``schedule(epoch, epochs)``: the value during epoch ``epoch`` (from 0) of ``epochs``."""


@dataclass(frozen=True)
class Constant:
    """The same value in every epoch."""

    value: float

    def __call__(self, epoch: int, epochs: int) -> float:
        return self.value

    def __str__(self) -> str:
        return f"{self.value:g}"


@dataclass(frozen=True)
class Linear:
    """A straight line from ``first`` at epoch 0 to ``last``.

    Args:
        first: Value at epoch 0.
        last: Value one epoch after the end: ``first + (last - first) * epoch / epochs``.
        inclusive: Reach ``last`` in the last epoch itself, ``epoch / (epochs - 1)``.
    """

    first: float
    last: float
    inclusive: bool = False

    def __call__(self, epoch: int, epochs: int) -> float:
        return self.first + (self.last - self.first) * _position(epoch, epochs, self.inclusive)

    def __str__(self) -> str:
        return f"{self.first:g} to {self.last:g}"


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from ``first`` to ``last``, flat at both ends.

    Args:
        first: Value at epoch 0.
        last: Value one epoch after the end.
        inclusive: Reach ``last`` in the last epoch itself.
    """

    first: float
    last: float
    inclusive: bool = False

    def __call__(self, epoch: int, epochs: int) -> float:
        share = 0.5 * (1 + math.cos(math.pi * _position(epoch, epochs, self.inclusive)))
        return self.last + (self.first - self.last) * share

    def __str__(self) -> str:
        return f"cosine {self.first:g} to {self.last:g}"


@dataclass(frozen=True)
class Exponential:
    """A constant ratio from epoch to epoch.

    Args:
        first: Value at epoch 0, above 0.
        last: Value one epoch after the end, above 0.
        inclusive: Reach ``last`` in the last epoch itself.
    """

    first: float
    last: float
    inclusive: bool = False

    def __call__(self, epoch: int, epochs: int) -> float:
        return float(self.first * (self.last / self.first) ** _position(epoch, epochs, self.inclusive))

    def __str__(self) -> str:
        return f"exponential {self.first:g} to {self.last:g}"


def _position(epoch: int, epochs: int, inclusive: bool) -> float:
    return epoch / max(epochs - 1, 1) if inclusive else epoch / epochs
