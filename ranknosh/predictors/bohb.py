"""BOHB's proposals: what the density of good architectures favours over that of bad ones, as a function of what is known.

Source: Falkner et al., BOHB, ICML 2018, algorithm 2 and section 4, with the values of its table of defaults. The brackets that
the architectures enter are those of :mod:`ranknosh.core.brackets`. Deviations: a whole bracket is proposed from what was known
before it; nothing is trained twice; candidates that failed are left out instead of counted as bad. Kernels are of options:
Aitchison-Aitken's where they are in no order, else a normal one at their places, scaled to sum to 1. The deviation in the
bandwidth of the former is that of distances that are 0 for equal options and 1 for others, where the authors' code takes that
of the options' numbers, which mean nothing; no kernel is wider than uniform. A choice that an architecture does not reach is
known to be nothing (uniform, where the authors' code draws one) and counts for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ranknosh.predictors.own_proposer import Result
from ranknosh.spaces.base import Architecture, Space

GOOD, RANDOM, DRAWS = 0.15, 1 / 3, 64
"""Share of the results that are good, chance of a random architecture, and draws of which the best is proposed."""
_WIDER, _NARROWEST, _LEAST = 3.0, 1e-3, 1e-300
Floats = NDArray[np.float64]
Options = NDArray[np.int64]


def bohb(space: Space, results: Sequence[Result], rng: np.random.Generator) -> Architecture:
    """Of 64 draws from the widened density of the good ones, the one where it exceeds that of the bad ones most; see the module.

    By chance, and while no level has enough results for densities, a random architecture.
    """
    found = split(results, len(space.edits) + 1)
    if rng.random() < RANDOM or found is None:
        return space.sample(rng)
    good, bad = (Density.of(space, part) for part in found)
    known = {space.canonical(result.architecture) for result in results}
    drawn = [one for one in good.draws(rng) if space.canonical(one) not in known and not space.is_dead(one)]
    if not drawn:
        return space.sample(rng)
    points = places(space, drawn)
    return drawn[int(np.argmax(good.logs(points) - bad.logs(points)))]


def split(results: Sequence[Result], fewest: int) -> tuple[list[Architecture], list[Architecture]] | None:
    """The good and the bad ones of the highest level with ``fewest`` + 2 results; None where there is none.

    Args:
        results: of candidates.
        fewest: architectures in either part, which may share some while there are few.
    """
    for level in range(max((result.level for result in results), default=0), 0, -1):
        there = [result for result in results if result.level >= level]
        if len(there) >= fewest + 2:
            best = sorted(there, key=lambda result: -(*result.earlier, result.metric)[level - 1])
            ranked = [result.architecture for result in best]
            good = max(fewest, int(GOOD * len(ranked)))
            return ranked[:good], ranked[-max(fewest, len(ranked) - good) :]
    return None


def places(space: Space, architectures: Sequence[Architecture]) -> Options:
    """(n, choices): the option taken at every choice, and the number of its options where it is not reached."""
    taken = [space.chosen(one) for one in architectures]
    reached = np.array([space.reached(options) for options in taken])
    return np.where(reached, np.array(taken), np.array(space.edits))


def kernel(count: int, ordered: bool, bandwidth: float) -> Floats:
    """(count + 1, count + 1): the chance of each option (column) around each (row); the last ones are of a choice not reached.

    Args:
        count: of options.
        ordered: whether their distance means something; it is 1 from the first to the last one.
        bandwidth: standard deviation of a normal kernel, else the chance of all other options together.
    """
    inside = np.full((count + 1, count + 1), 1 / count)
    inside[:, count] = 1.0
    if ordered:
        apart = np.subtract.outer(np.arange(count), np.arange(count)) / max(count - 1, 1)
        near = np.exp(-0.5 * (apart / bandwidth) ** 2)
        inside[:count, :count] = near / near.sum(axis=1, keepdims=True)
    elif count > 1:
        others = min(bandwidth, (count - 1) / count)
        inside[:count, :count] = others / (count - 1)
        np.fill_diagonal(inside[:count, :count], 1 - others)
    return inside


@dataclass(frozen=True)
class Density:
    """A product of kernels at each point, averaged over the points.

    Args:
        space: of the architectures.
        points: (n, choices), see :func:`places`.
        bandwidths: of every choice.
    """

    space: Space
    points: Options
    bandwidths: tuple[float, ...]

    @classmethod
    def of(cls, space: Space, architectures: Sequence[Architecture]) -> Self:
        """With bandwidths by the normal reference rule, 1.06 deviation n^(-1 / (4 + choices)), at least 0.001."""
        points = places(space, architectures)
        shrink = 1.06 * len(points) ** (-1 / (4 + points.shape[1]))
        found = []
        for column, count, ordered in zip(points.T, space.edits, space.ordered, strict=True):
            there = column[column < count]
            if ordered:
                deviation = np.std(there / max(count - 1, 1)) if len(there) else 0.0
            else:
                shares = np.bincount(there, minlength=count) / max(len(there), 1)
                deviation = np.sqrt((1 - (shares**2).sum()) / 2) if len(there) else 0.0
            found.append(max(float(shrink * deviation), _NARROWEST))
        return cls(space, points, tuple(found))

    def logs(self, points: Options) -> Floats:
        """(m,) logarithms of the density at (m, choices)."""
        total = np.zeros((len(self.points), len(points)))
        for number, each in enumerate(self._kernels(1.0)):
            total += np.log(np.maximum(each[np.ix_(self.points[:, number], points[:, number])], _LEAST))
        return np.asarray(np.logaddexp.reduce(total, axis=0) - np.log(len(self.points)))

    def draws(self, rng: np.random.Generator) -> list[Architecture]:
        """Those of ``DRAWS`` options, drawn with kernels three times as wide, that are architectures."""
        around = self.points[rng.integers(len(self.points), size=DRAWS)]
        options = np.empty_like(around)
        for number, (each, count) in enumerate(zip(self._kernels(_WIDER), self.space.edits, strict=True)):
            bounds = np.cumsum(each[around[:, number], :count], axis=1)
            options[:, number] = (rng.random((DRAWS, 1)) >= bounds[:, :-1]).sum(axis=1)
        drawn = (self._settled(row.tolist()) for row in options)
        return [self.space.of(one) for one in drawn if self.space.is_valid(one)]

    def _kernels(self, wider: float) -> list[Floats]:
        of_choices = zip(self.space.edits, self.space.ordered, self.bandwidths, strict=True)
        return [kernel(count, ordered, wider * bandwidth) for count, ordered, bandwidth in of_choices]

    def _settled(self, options: list[int]) -> tuple[int, ...]:
        """These options, 0 where a choice is not reached."""
        for number in range(len(options)):
            if not self.space.reached(options)[number]:
                options[number] = 0
        return tuple(options)
