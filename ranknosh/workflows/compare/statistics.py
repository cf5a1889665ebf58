"""Whether methods differ by more than chance: t intervals, t tests with Holm's correction, and mean ranks.

Results of different seeds are taken as independent draws of a method's results, which is what the t tests ask for. A share of
right answers over few seeds is never quite normal; the tests are known to bear that, bars of one standard error are not.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from ranknosh.config.units import plural

LEVEL = 0.05
"""Of every test: how often methods that do not differ are told apart. Intervals hold the rest."""
LEAST_SEEDS = 3
"""Seeds from which methods are ranked."""
_ROUNDING = 1e-9
BySeed = Mapping[int, float]
"""The results of one method: seed to value."""


@dataclass(frozen=True)
class Difference:
    """``method`` minus ``other``, in the metric's own direction.

    ``seeds``: how many results each has; ``paired``: they have the same seeds, and differences are taken seed by seed.
    ``margin``: half the 95 % t interval of the mean, for itself alone. ``p``: of the two-sided t test, ``corrected``: by Holm
    for all tests against ``other``. None where a side has one result, and where nothing varies between seeds.
    """

    method: str
    other: str
    seeds: tuple[int, int]
    paired: bool
    mean: float
    margin: float | None = None
    p: float | None = None
    corrected: float | None = None

    @property
    def is_told_apart(self) -> bool:
        return self.corrected is not None and self.corrected < LEVEL

    def verdict(self, higher: bool) -> str:
        """``better``, ``worse``, or in words why neither; ``higher``: whether more of the metric is better."""
        if self.is_told_apart:
            return "better" if (self.mean > 0) == higher else "worse"
        each = dict.fromkeys(self.seeds)
        seeds = plural(self.seeds[0], "seed") if len(each) == 1 else f"{self.seeds[0]} and {self.seeds[1]} seeds"
        if min(self.seeds) < 2:
            return f"not testable with {seeds}"
        if self.p is None:
            return f"not testable: the same difference under all of {seeds}"
        return f"not distinguishable with {seeds}"


@dataclass(frozen=True)
class Ranks:
    """Mean ranks of methods over ``seeds``, 1 the best, ties shared. Two methods differ where their mean ranks do by more than
    ``critical`` (Nemenyi's test after Demšar, JMLR 2006, with seeds of one task in place of data sets)."""

    seeds: int
    mean: Mapping[str, float]
    critical: float


@dataclass(frozen=True)
class Findings:
    """What the results of ``part`` (``test``, or ``validation`` where nothing was tested) say of the methods."""

    part: str
    best: str
    differences: tuple[Difference, ...]
    ranks: Ranks | None

    def against(self, method: str, other: str) -> Difference | None:
        found = (each for each in self.differences if (each.method, each.other) == (method, other))
        return next(found, None)


def margin(values: Sequence[float]) -> float | None:
    """Half the 95 % t interval of the mean: t(0.975, n − 1) times the standard error; None for fewer than two values."""
    if len(values) < 2:
        return None
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return float(stats.t.ppf(1 - LEVEL / 2, len(values) - 1)) * error


def findings(part: str, results: Mapping[str, BySeed], best: str, references: Sequence[str], higher: bool) -> Findings:
    """Every method against each of the references, and all of them by their ranks.

    Args:
        part: of the data, for what is said of it.
        results: of every method, by seed.
        best: the method that is first by validation.
        references: methods that the others are compared with.
        higher: whether more is better.
    """
    known = {method: values for method, values in results.items() if values}
    differences: list[Difference] = []
    for other in dict.fromkeys(references):
        if other in known:
            differences += against(known, other)
    return Findings(part, best, tuple(differences), ranked(known, higher))


def against(results: Mapping[str, BySeed], other: str) -> list[Difference]:
    """Every method but ``other`` against it, with Holm's correction over all of them."""
    raw = [difference(method, other, values, results[other]) for method, values in results.items() if method != other]
    corrected = holm([each.p for each in raw])
    return [replace(each, corrected=p) for each, p in zip(raw, corrected, strict=True)]


def difference(method: str, other: str, mine: BySeed, theirs: BySeed) -> Difference:
    """A paired t test where both have results under the same seeds, which fix data order and weights of final trainings;
    else Welch's.

    Args:
        method: whose results ``mine`` are.
        other: whose results ``theirs`` are.
        mine: one or more.
        theirs: one or more.
    """
    paired, sides = mine.keys() == theirs.keys(), (list(mine.values()), list(theirs.values()))
    gaps = np.array([mine[seed] - theirs[seed] for seed in mine]) if paired else None
    mean = float(np.mean(sides[0]) - np.mean(sides[1]))
    found = Difference(method, other, (len(mine), len(theirs)), paired, mean)
    if min(found.seeds) < 2:
        return found
    if gaps is not None:
        error, freedom = float(gaps.std(ddof=1)) / math.sqrt(len(gaps)), float(len(gaps) - 1)
    else:
        error, freedom = _welch(*sides)
    scale = _ROUNDING * max(abs(value) for side in sides for value in side)
    if error <= scale:
        return replace(found, margin=0.0, p=1.0) if abs(mean) <= scale else found
    reach = float(stats.t.ppf(1 - LEVEL / 2, freedom)) * error
    return replace(found, margin=reach, p=float(2 * stats.t.sf(abs(mean) / error, freedom)))


def _welch(mine: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """The standard error of the difference of two means, and its degrees of freedom (Welch, Satterthwaite)."""
    parts = [float(np.var(side, ddof=1)) / len(side) for side in (mine, theirs)]
    weights = sum(part**2 / (len(side) - 1) for part, side in zip(parts, (mine, theirs), strict=True))
    return math.sqrt(sum(parts)), sum(parts) ** 2 / weights if weights else 1.0


def holm(values: Sequence[float | None]) -> list[float | None]:
    """P values corrected for being several (Holm, 1979): the k-th smallest of m times m − k + 1, at least the one before it and
    at most 1. None is no test."""
    order = sorted((p, place) for place, p in enumerate(values) if p is not None)
    found: list[float | None] = [None] * len(values)
    largest = 0.0
    for before, (p, place) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - before) * p))
        found[place] = largest
    return found


def ranked(results: Mapping[str, BySeed], higher: bool) -> Ranks | None:
    """Mean ranks over the seeds that all methods have; None for one method or fewer than three such seeds.

    Args:
        results: of every method, by seed.
        higher: whether more is better.
    """
    if len(results) < 2:
        return None
    seeds = sorted(set.intersection(*(set(values) for values in results.values())))
    if len(seeds) < LEAST_SEEDS:
        return None
    values = np.array([[results[method][seed] for method in results] for seed in seeds])
    mean = stats.rankdata(-values if higher else values, axis=1).mean(axis=0)
    count = len(results)
    quantile = float(stats.studentized_range.ppf(1 - LEVEL, count, np.inf)) / math.sqrt(2)
    critical = quantile * math.sqrt(count * (count + 1) / (6 * len(seeds)))
    return Ranks(len(seeds), dict(zip(results, map(float, mean), strict=True)), critical)
