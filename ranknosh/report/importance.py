"""Which choices of a space matter: the share of the ranking metric's variance that each explains by itself.

Source: functional ANOVA over a random forest (Hutter et al., ICML 2014). Deviations: marginals are means over architectures drawn
from the space, not integrals over the boxes of the trees, so that spaces with conditions need nothing of their own; shares have
the correction of omega squared for the finite number of draws; a tree has two candidates in a leaf at least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranknosh.config.units import plural
from ranknosh.report import charts
from ranknosh.report.page import PageSection, missing
from ranknosh.report.view import SearchView
from ranknosh.report.words import percent
from ranknosh.streams import stream

FEWEST, TREES, DRAWN, LEAF = 40, 64, 1000, 2
"""Candidates from which shares are worked out, trees of the forest, architectures of a marginal, candidates of a leaf."""
LEAST_EXPLAINED = 0.1
"""Share of the variance that the forest has to explain of candidates it has not seen; else its shares mean nothing."""
MOST_CHOICES, MIDDLE = 12, (10, 90)
"""Choices that are drawn, and percentiles of the interval over the trees."""


@dataclass(frozen=True)
class Importance:
    """``shares``: mean, low and high share by choice, the largest first, from ``n`` candidates at ``level``; ``explained``: the
    forest's R² on candidates that a tree was not grown on."""

    level: int
    n: int
    explained: float
    shares: Mapping[str, tuple[float, float, float]]


def importance(view: SearchView) -> Importance | None:
    """Of the highest level that enough candidates completed; None where there is none, or the metric is the same for all."""
    levels = [level for level in view.levels if view.reached(level) >= FEWEST]
    if not levels:
        return None
    known = view.pool.at_level(levels[-1])
    metric = np.array([candidate.by_level[levels[-1]] for candidate in known])
    if metric.std() == 0:
        return None
    rng = stream(view.settings.seed, "importance")
    taken = [view.space.decode(one.architecture) for one in known]
    drawn = [view.space.decode(view.space.sample(rng)) for _ in range(DRAWN)]
    names, codes = _codes([*taken, *drawn])
    explained, shares = _shares(codes[: len(known)], metric, codes[len(known) :])
    low, high = np.percentile(shares, MIDDLE, axis=0)
    mean = shares.mean(axis=0)
    found = {name: (float(mean[at]), float(low[at]), float(high[at])) for at, name in enumerate(names)}
    ordered = sorted(found.items(), key=lambda each: -each[1][0])
    return Importance(levels[-1], len(known), explained, dict(ordered))


def _codes(taken: Sequence[Mapping[str, Any]]) -> tuple[list[str], NDArray[np.int64]]:
    """Names of choices with several options, and (n, choices) places of the options taken; -1: nothing to choose there."""
    names = list(dict.fromkeys(name for one in taken for name in one))
    columns: dict[str, list[int]] = {}
    for name in names:
        options = {repr(one[name]): one[name] for one in taken if name in one}
        numbers = all(isinstance(each, int | float) for each in options.values())
        ordered = sorted(options, key=lambda word: options[word]) if numbers else list(options)
        places = {word: place for place, word in enumerate(ordered)}
        column = [places[repr(one[name])] if name in one else -1 for one in taken]
        if len(set(column)) > 1:
            columns[name] = column
    return list(columns), np.array(list(columns.values()), dtype=np.int64).reshape(len(columns), -1).T


def _shares(
    codes: NDArray[np.int64], metric: NDArray[np.float64], drawn: NDArray[np.int64]
) -> tuple[float, NDArray[np.float64]]:
    """The forest's R² out of bag, and (trees, choices) shares of the variance of its answers over ``drawn``."""
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(TREES, min_samples_leaf=LEAF, oob_score=True, random_state=0).fit(codes, metric)
    answers = np.array([tree.predict(drawn) for tree in forest.estimators_])
    return float(forest.oob_score_), np.array([[alone(column, each) for column in drawn.T] for each in answers])


def alone(column: NDArray[np.int64], values: NDArray[np.float64]) -> float:
    """The share of the variance of ``values`` that lies between the groups of ``column``, omega squared, 0 at least."""
    total = float(((values - values.mean()) ** 2).sum())
    groups = [values[column == option] for option in np.unique(column)]
    within = float(sum(((group - group.mean()) ** 2).sum() for group in groups))
    spare = len(values) - len(groups)
    if total == 0 or spare <= 0:
        return 0.0
    return max(0.0, (total - within - (len(groups) - 1) * within / spare) / (total + within / spare))


def importance_plot(view: SearchView) -> PageSection:
    """A bar a choice, with its interval."""
    title, found = "Which choices matter", importance(view)
    if found is None:
        why = f"not enough: no level has {FEWEST} candidates with results that differ."
        return missing("importance", title, f"n/a: {why}", half=True)
    if found.explained < LEAST_EXPLAINED:
        why = (
            f"not enough: from {plural(found.n, 'candidate')} at level {found.level} a forest explains "
            f"{percent(max(found.explained, 0.0), 0)} of the differences among those it has not seen."
        )
        return missing("importance", title, f"n/a: {why}", half=True)
    shown = list(found.shares.items())[:MOST_CHOICES]
    texts = ", ".join(
        f"{name} {percent(mean, 0)} ({100 * low:.0f} to {100 * high:.0f})" for name, (mean, low, high) in shown
    )
    left = len(found.shares) - len(shown)
    rest = max(0.0, 1.0 - sum(mean for mean, _, _ in found.shares.values()))
    caption = (
        f"Share of the variance of validation {view.ranked_name} that each choice explains by itself: {texts}"
        f"{f'; {left} smaller ones are left out' if left else ''}. What is left, {percent(rest, 0)}, is joint effects of "
        f"several. Functional ANOVA of a forest over {plural(found.n, 'candidate')} at level {found.level}, brackets: the middle "
        f"80 % of its trees; it explains {percent(found.explained, 0)} of the differences among candidates it has not seen. "
        "These candidates were not drawn at random: most were chosen to be good, so that what they agree on looks smaller than "
        "it is."
    )

    def paint(axis: Any) -> None:
        charts.name_rows(axis, [name for name, _ in shown], charts.FEW_ROWS)
        for row, (name, (mean, low, high)) in enumerate(shown):
            axis.barh(row, 100 * mean, height=0.56, color=charts.BLUE)
            axis.plot([100 * low, 100 * high], [row, row], color=charts.INK, linewidth=1.4)
            charts.label_bar(axis, f"{100 * mean:.0f} %", 100 * max(mean, high), row)
            charts.tell(axis, 0, row - 0.28, f"{name}: {100 * mean:.0f} %", length=100 * max(mean, 0.01), height=0.56)
        axis.set_xlim(0, 115 * max(high for _, (_, _, high) in shown) or 1.0)
        axis.set_xlabel("share of the variance (%)")

    height = max(3.6, 1.0 + 0.36 * len(shown))
    return charts.plot("importance", title, caption, paint, half=True, height=height)
