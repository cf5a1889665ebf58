"""The NOSH pyramid as a size rule: with ``n`` candidates proposed, how many have been asked to reach each level.

Level i trains *up to* ``epochs[i-1]`` epochs (cumulative). With shares r_1 .. r_{N-1}, floor(n * r_1 * ... * r_{i-1}) of n
candidates reach level i, so that filling, later rounds and stopping are one rule and the price is a closed form,
cost(n) = sum_i (e(i) - e(i-1)) * size_i(n).

Source: RANK-NOSH (Wang et al., ICCV 2021), section 3. Deviation: the paper moves the top r*K of every round; stated as
sizes, rounding cannot drift and the pyramid does not depend on how the candidates were cut into rounds.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Literal, Self

import numpy as np

from ranknosh.errors import ConfigError

AUTO_SHARE_LIMIT = 0.5
LEAST_SHARE = 0.1
"""Of the promotions of a search that keeps nothing for its end, so many are made before the end, at least."""
LEAST_TOP_SHARE = 1e-30
"""Share of all candidates that reaches the top level, at least: a smaller one cannot be distinguished from 0."""
_TOLERANCE = 1e-9
ScheduleName = Literal["reproducible", "eager", "hyperband"]
Promotions = Literal["observed", "predicted"]
SignalRule = Literal["auto", "validation", "mean", "ema", "train_loss", "combined"]


def auto_shares(epochs: Sequence[int], closing: float = 0.0) -> tuple[float, ...]:
    """Shares that spend about the same at every level: (e(i) - e(i-1)) / (e(i+1) - e(i)), but never more than 1/2.

    The limit matters where a level adds no more epochs than the one before it cost (1, 2, ...): without it everybody would
    be promoted and the lower level would decide nothing. What is kept for closing promotions is spent above level 1, too. Of
    N levels those above the first have (N - 1) / N of the epochs, so that shares are smaller by 1 - closing * N / (N - 1); no
    smaller than by :data:`LEAST_SHARE`.

    Args:
        epochs: cumulative, of each level.
        closing: share of the budget that is kept for closing promotions.
    """
    steps, levels = np.diff([0, *epochs]), len(epochs)
    now = max(1.0 - closing * levels / max(levels - 1, 1), LEAST_SHARE)
    return tuple(
        now * min(AUTO_SHARE_LIMIT, float(below / above) if above > 0 else 0.0)
        for below, above in itertools.pairwise(steps)
    )


@dataclass(frozen=True)
class Pyramid:
    """``epochs``: cumulative training epochs of levels 1..N. ``shares``: share of level i's arrivals promoted, N-1 values.

    ``initial`` candidates make batch 0, every later batch has ``batch`` candidates.
    """

    epochs: tuple[int, ...]
    shares: tuple[float, ...]
    initial: int
    batch: int

    def __post_init__(self) -> None:
        if not self.epochs or any(b <= a for a, b in zip((0, *self.epochs), self.epochs, strict=False)):
            raise ConfigError(
                f"pyramid.epochs are {list(self.epochs)}; they must be positive and increase strictly, such as [1, 2, 4, 8]"
            )
        if len(self.shares) != len(self.epochs) - 1:
            raise ConfigError(
                f"pyramid.ratio has {len(self.shares)} values for {len(self.epochs)} levels; give one for each of the "
                f"{len(self.epochs) - 1} steps between levels, a single number, or auto"
            )
        if any(not 0 < share < 1 for share in self.shares):
            raise ConfigError(f"pyramid.ratio is {list(self.shares)}; every ratio must lie strictly between 0 and 1")
        if prod(self.shares) < LEAST_TOP_SHARE:
            raise ConfigError(
                f"pyramid.ratio is {list(self.shares)}, so that one of {1 / LEAST_TOP_SHARE:.0e} candidates or fewer would reach "
                "the top level; give larger ratios or fewer levels"
            )
        if self.initial < 1 or self.batch < 1:
            raise ConfigError(
                f"pyramid.initial is {self.initial} and pyramid.batch is {self.batch}; both must be 1 or more"
            )

    @classmethod
    def make(
        cls,
        epochs: Sequence[int],
        ratio: str | float | Sequence[float] = "auto",
        initial: int = 12,
        batch: int = 6,
        closing: float = 0.0,
    ) -> Self:
        """A pyramid whose shares are given in short.

        Args:
            epochs: cumulative, of each level.
            ratio: "auto" (:func:`auto_shares`), one share for every step, or one a step.
            initial: candidates of batch 0.
            batch: candidates of each later one.
            closing: share of the budget that is kept for closing promotions, which counts where ``ratio`` is auto.
        """
        if isinstance(ratio, str):
            if ratio != "auto":
                raise ConfigError(f"pyramid.ratio is {ratio!r}; it must be auto, a number in (0, 1) or a list of them")
            shares = auto_shares(epochs, closing)
        elif isinstance(ratio, (int, float)):
            shares = (float(ratio),) * (len(epochs) - 1)
        else:
            shares = tuple(float(value) for value in ratio)
        return cls(tuple(int(epoch) for epoch in epochs), shares, initial, batch)

    @property
    def levels(self) -> int:
        return len(self.epochs)

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """Epochs that each level adds to the one below it."""
        return tuple(b - a for a, b in itertools.pairwise((0, *self.epochs)))

    @cached_property
    def fractions(self) -> tuple[float, ...]:
        """Share of all candidates that reach each level."""
        return tuple(prod(self.shares[:i]) for i in range(self.levels))

    def sizes(self, candidates: int) -> tuple[int, ...]:
        """How many of ``candidates`` reach level 1, 2, ..., N."""
        return tuple(int(candidates * fraction + _TOLERANCE) for fraction in self.fractions)

    def first_to_reach(self, level: int) -> int:
        """The smallest number of candidates of which one reaches ``level``."""
        number = max(int(1 / self.fractions[level - 1]) - 1, 1)
        while self.sizes(number)[level - 1] < 1:
            number += 1
        return number

    def cost(self, candidates: int) -> int:
        """Training epochs of the whole pyramid over ``candidates``, each resumed at its last epoch."""
        return sum(step * size for step, size in zip(self.steps, self.sizes(candidates), strict=True))

    def batch_of(self, candidate_id: int) -> int:
        """The batch a candidate belongs to, from its number alone."""
        return 0 if candidate_id < self.initial else 1 + (candidate_id - self.initial) // self.batch

    def batch_end(self, batch: int) -> int:
        """One past the last candidate of ``batch``."""
        return self.initial + batch * self.batch


@dataclass(frozen=True)
class Rules:
    """How far a search goes, and how it decides: what a user says of it besides its levels and its limits.

    Args:
        schedule: the order of decisions, see :mod:`ranknosh.core.schedules`.
        overlap: batches in flight at once in the reproducible schedule.
        candidates: how many to propose in all; None for as many as the budget holds.
        promote: ``observed`` promotes the best by the signal of the level; ``predicted`` asks the proposer, whose model evens out
            what one training owes to luck.
        signal: what the candidates of a level are ranked by, see :mod:`ranknosh.core.signals`.
        closing: share of an epoch budget that is kept from newcomers, for promoting the best paused candidates at the end.
        finalists: how many of the top level are trained again from scratch with another seed before one is chosen.
        retries: how often a job whose worker died or hung is tried again.

    Raises:
        ConfigError: a value is out of range, or two of them exclude each other.
    """

    schedule: ScheduleName = "reproducible"
    overlap: int = 1
    candidates: int | None = None
    promote: Promotions = "observed"
    signal: SignalRule = "auto"
    closing: float = 0.0
    finalists: int = 0
    retries: int = 3

    def __post_init__(self) -> None:
        if self.overlap < 1 or (self.overlap > 1 and self.schedule != "reproducible"):
            raise ConfigError(
                f"pyramid.overlap is {self.overlap} and pyramid.schedule is {self.schedule}; overlap counts the batches in "
                "flight of the reproducible schedule (1 or more); leave it at 1 under any other"
            )
        if not 0 <= self.closing < 1:
            raise ConfigError(f"pyramid.closing is {self.closing}; it is a share of budget.epochs, from 0 to below 1")
