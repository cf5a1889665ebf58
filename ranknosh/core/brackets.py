"""Hyperband: brackets of successive halving that differ in how early they begin to choose.

A bracket is a batch whose candidates are all trained to the bracket's first level, from which on the best of the batch go up. The
first bracket begins at level 1 with many candidates, the last one trains a few straight to the top; then the first comes again.

Source: Li et al., Hyperband, JMLR 2018, algorithm 1. The levels are its rungs: where their epochs are R/η^s they give the paper's
numbers of candidates. Deviations: trainings are resumed instead of begun anew at every rung; a candidate passes the levels below
its bracket's first one, at which it is measured too; one that failed leaves its place to the best of the next bracket; what a
budget holds after the last whole bracket goes into part of another, and the answer is the best at the highest level.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

from ranknosh.core.candidates import Candidate
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import Signal
from ranknosh.core.reproducible import Reproducible
from ranknosh.errors import ConfigError


@dataclass(frozen=True)
class Brackets(Pyramid):
    """The pyramid that all brackets together are, the first one first; made by :meth:`of`."""

    @classmethod
    def of(cls, epochs: Sequence[int]) -> Self:
        """Brackets over these levels, each of about the same cost.

        Args:
            epochs: cumulative, of each level.
        """
        shares = tuple(below / above for below, above in itertools.pairwise(epochs))
        first = -(-epochs[-1] // epochs[0])
        return cls(tuple(epochs), shares, first, first)

    @cached_property
    def entrants(self) -> tuple[int, ...]:
        """Candidates of a bracket, by the level (from 0) at which it begins: ceil((s_max + 1) / (s + 1) * η^s)."""
        top, levels = self.epochs[-1], self.levels
        return tuple(-(-levels * top // ((levels - first) * epochs)) for first, epochs in enumerate(self.epochs))

    def bracket(self, first: int, candidates: int) -> tuple[int, ...]:
        """How many of ``candidates`` of one bracket reach each level; it begins at level ``first`` (from 0)."""
        start = self.epochs[first]
        return tuple(candidates if epochs <= start else candidates * start // epochs for epochs in self.epochs)

    def sizes(self, candidates: int) -> tuple[int, ...]:
        """How many of ``candidates`` reach level 1, 2, ..., N."""
        rounds, rest = divmod(candidates, sum(self.entrants))
        reached = [0] * self.levels
        for first, entrants in enumerate(self.entrants):
            begun = min(rest, entrants)
            rest -= begun
            for times, number in ((rounds, entrants), (1, begun)):
                reached = [
                    known + times * size for known, size in zip(reached, self.bracket(first, number), strict=True)
                ]
        return tuple(reached)

    def batch_of(self, candidate_id: int) -> int:
        """The bracket a candidate belongs to, counted from 0."""
        rounds, rest = divmod(candidate_id, sum(self.entrants))
        ends = itertools.accumulate(self.entrants)
        return rounds * self.levels + sum(rest >= end for end in ends)

    def batch_end(self, batch: int) -> int:
        """One past the last candidate of a bracket."""
        rounds, rest = divmod(batch, self.levels)
        return rounds * sum(self.entrants) + sum(self.entrants[: rest + 1])


class Hyperband(Reproducible):
    """Bracket after bracket; those who go up are of the bracket, whoever rests beside them.

    Raises:
        ConfigError: the pyramid is none of brackets.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.pyramid, Brackets):
            raise ConfigError("the schedule hyperband needs brackets; make its pyramid by Brackets.of(epochs)")

    def _resting(
        self, level: int, signal: Signal, most: int | None, reason: Literal["quota", "closing"]
    ) -> Sequence[Candidate]:
        if reason == "closing":
            return super()._resting(level, signal, most, reason)
        bracket = self.pool.candidates[self.pool.count - 1].batch
        return [candidate for candidate in super()._resting(level, signal, None, reason) if candidate.batch == bracket][
            :most
        ]
