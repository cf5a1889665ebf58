"""Plots of scores: proxies against each other, and against truths where these are known."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranknosh.config.units import plural
from ranknosh.core.metrics import Agreement, agreement
from ranknosh.report.charts import (
    BLUE,
    INK,
    MOST_COLUMNS,
    MUTED,
    PALE,
    WIDE,
    dots,
    large_numbers,
    name_ticks,
    plot,
    thin,
)
from ranknosh.report.page import PageSection, missing
from ranknosh.workflows.score.rows import ScoreRow
from ranknosh.workflows.score.summary import (
    correlations,
    least_redundant,
    oriented,
    with_truth,
)

MOST_POINTS, MOST_IN_MATRIX = 300, 6
LOG_FROM = 50.0
"""Positive values of which most span more than this factor are drawn on a logarithmic axis."""
MOST, MARGIN = 0.05, 0.6
"""An axis holds all but this share of the values at either end, and this share of their length around them."""
CELL, NAMES, LOOSE = 0.46, 1.3, 0.5
"""Inches of a cell of the heat map, of the names at its side, and of what is around it anyway."""
INSIDE = 0.06
"""Share of a square of the matrix that is free at each of its edges."""
SIZE_PROXIES = ("params", "macs")
MOST_BESIDE = 10
"""Proxies of which a heat map fits into half of the page."""


def _telling(rho: NDArray[np.float64]) -> list[int]:
    """Places of the proxies that are not the same for all architectures."""
    return [place for place in range(len(rho)) if not math.isnan(rho[place, place])]


def heat_plot(rows: Sequence[ScoreRow], directions: Mapping[str, int]) -> PageSection:
    """Spearman's rho of every two proxies, those that agree next to each other."""
    title, names = "Do the proxies say the same?", list(directions)
    rho = correlations(rows, directions)
    telling = _telling(rho)
    if len(telling) < 2:
        why = "n/a: this takes two proxies with different values and three architectures at least."
        return missing("proxies", title, why, half=True)
    order = [telling[place] for place in _side_by_side(rho[np.ix_(telling, telling)])]
    constant = [name for place, name in enumerate(names) if place not in telling]
    caption = (
        f"Spearman's rank correlation of every two proxies over {plural(len(rows), 'architecture')}, each proxy "
        "turned so that larger is "
        "better; a missing value counts as the worst. Proxies that agree are next to each other."
    )
    if constant:
        caption += f" Left out, the same for all: {', '.join(constant)}."

    def paint(axis: Any) -> None:
        _paint_heat(axis, rho[np.ix_(order, order)], [names[place] for place in order])

    side, half = CELL * max(len(order), 4), len(order) <= MOST_BESIDE
    width, above = NAMES + side, NAMES - LOOSE
    return plot("proxies", title, caption, paint, width=width, height=LOOSE + side, half=half, above=above)


def _paint_heat(axis: Any, rho: NDArray[np.float64], names: Sequence[str]) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("agreement", ["#d9480f", "#ffffff", "#0b4f8a"])
    axis.pcolormesh(rho, cmap=colours, vmin=-1, vmax=1, edgecolors="white", linewidth=1.2)
    for row in range(len(names)):
        for column in range(len(names)):
            value = rho[row, column]
            ink = "white" if abs(value) > 0.6 else INK
            axis.text(column + 0.5, row + 0.5, _hundredths(value), ha="center", va="center", fontsize=8, color=ink)
    places = np.arange(len(names)) + 0.5
    name_ticks(axis.yaxis, places, names)
    name_ticks(axis.xaxis, [], [])
    for place, name in zip(places, names, strict=True):
        axis.text(place, -0.15, name, rotation=60, ha="left", rotation_mode="anchor")
    axis.set_aspect("equal")
    axis.invert_yaxis()
    axis.spines[:].set_visible(False)


def _hundredths(rho: float) -> str:
    """``.87``, ``−.12``, ``1``: two digits in little room."""
    text = f"{abs(rho):.2f}"
    text = "1" if text == "1.00" else text[1:]
    return ("−" if rho < 0 and text != ".00" else "") + text


def _side_by_side(rho: NDArray[np.float64]) -> list[int]:
    """An order of the rows of a (k, k) matrix of correlations in which those that agree are neighbours."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    far = np.clip(1.0 - rho, 0.0, 2.0)
    np.fill_diagonal(far, 0.0)
    tree = linkage(squareform(far, checks=False), "average", optimal_ordering=True)
    return [int(place) for place in leaves_list(tree)]


def matrix_plot(rows: Sequence[ScoreRow], directions: Mapping[str, int]) -> PageSection:
    """Ranks against ranks of the proxies that have least in common."""
    from scipy.stats import rankdata

    title, names = "The proxies that differ most", list(directions)
    rho = correlations(rows, directions)
    chosen, half = least_redundant(rho, MOST_IN_MATRIX), len(_telling(rho)) <= MOST_BESIDE
    if len(chosen) < 2:
        return missing("ranks", title, "n/a: fewer than two proxies differ between architectures.", half=half)
    places = thin(range(len(rows)), MOST_POINTS)
    placed = {
        place: (rankdata(oriented(rows, names[place], directions[names[place]]))[places] - 1) / max(len(rows) - 1, 1)
        for place in chosen
    }
    caption = (
        "Below the names: an architecture a point, its rank from the worst (left, bottom) to the best. Above: Spearman."
    )
    if len(chosen) < len(names):
        caption += f" The {len(chosen)} of {len(names)} proxies that are least redundant."
    if len(places) < len(rows):
        caption += f" {len(places)} of {len(rows)} architectures are drawn."

    def paint(axis: Any) -> None:
        for (row, second), (column, first) in product(enumerate(chosen), repeat=2):
            middle = {"x": column + 0.5, "y": row + 0.5, "ha": "center", "va": "center"}
            if first == second:
                axis.text(**middle, s=names[first], fontsize=10.5, fontweight="bold")
            elif column > row:
                axis.text(**middle, s=_hundredths(rho[first, second]), fontsize=12, color=MUTED)
            else:
                low, high, bottom = column + INSIDE, column + 1 - INSIDE, row + 1 - INSIDE
                axis.plot([low, low, high], [row + INSIDE, bottom, bottom], color=PALE, linewidth=0.8)
                x, y = (INSIDE + (1 - 2 * INSIDE) * (0.05 + 0.9 * placed[place]) for place in (first, second))
                dots(axis, zip(column + x, row + 1 - y, strict=True), BLUE, size=2.6)
        name_ticks(axis.xaxis, [], [])
        name_ticks(axis.yaxis, [], [])
        axis.spines[:].set_visible(False)
        axis.set(xlim=(0, len(chosen)), ylim=(len(chosen), 0))

    side = 1.55 * len(chosen)
    return plot("ranks", title, caption, paint, width=side, height=side, half=half)


def truth_plot(rows: Sequence[ScoreRow], directions: Mapping[str, int], table: str | None) -> PageSection:
    """Every proxy against the truth of a table.

    Args:
        rows: one an architecture.
        directions: proxy to 1 where higher is better, else -1.
        table: the data set of the table; None where none was given.
    """
    title, judged = "Do the proxies know what the table knows?", with_truth(rows)
    if table is None:
        why = "n/a: no result of a training is known; give a table of finished trainings with --table FILE.npz."
        return missing("truth", title, why)
    if len(judged) < 2:
        return missing("truth", title, f"n/a: the table knows {len(judged)} of the {len(rows)} architectures.")
    truth = np.array([row.truth for row in judged], dtype=float)
    found = {name: agreement(oriented(judged, name, sign), truth) for name, sign in directions.items()}
    drawn = thin(judged, MOST_POINTS)
    caption = (
        f"A point is one of {plural(len(judged), 'architecture')} that the table of {table} knows: its raw proxy value and the "
        "table's mean at the top level. ρ: Spearman, larger being better, a missing value the worst; ± its standard error. "
        "Grey: size. "
        "Triangles at the edge: what lies far outside."
    )
    if len(drawn) < len(judged):
        caption += f" {len(drawn)} of them are drawn."
    panels = [
        partial(
            _paint_truth, name=name, direction=sign, drawn=drawn, found=found[name], first=place % MOST_COLUMNS == 0
        )
        for place, (name, sign) in enumerate(directions.items())
    ]
    width = WIDE * min(len(panels), MOST_COLUMNS) / MOST_COLUMNS
    return plot("truth", title, caption, *panels, width=width, height=2.7)


def _window(values: NDArray[np.float64]) -> tuple[float, float]:
    """The ends of an axis: a few values far from the others would take its whole length."""
    low, high = (float(np.quantile(values, share)) for share in (MOST, 1 - MOST))
    room = MARGIN * (high - low)
    if room == 0:
        return float(values.min()), float(values.max())
    return max(low - room, float(values.min())), min(high + room, float(values.max()))


def _paint_truth(
    axis: Any, name: str, direction: int, drawn: Sequence[ScoreRow], found: Agreement, first: bool
) -> None:
    known = [(value, row.truth) for row in drawn if (value := row.values[name]) is not None and row.truth is not None]
    if known:
        values, truth = np.array(known).T
        _paint_points(axis, values, truth, PALE if name in SIZE_PROXIES else BLUE)
    rho = "n/a" if found.rho is None else f"{found.rho:.2f}".replace("-", "−")
    error = "" if found.error is None else f" ± {found.error:.2f}"
    lower = "" if direction > 0 else " (lower is better)"
    axis.set_title(f"{name}{lower}: ρ = {rho}{error}", fontsize=9.5)
    axis.set_ylabel("in the table (%)" if first else "")


def _paint_points(axis: Any, x: NDArray[np.float64], truth: NDArray[np.float64], colour: str) -> None:
    logarithmic = float(x.min()) > 0 and np.quantile(x, 1 - MOST) > LOG_FROM * np.quantile(x, MOST)
    left, right = np.exp(_window(np.log(x))) if logarithmic else _window(x)
    low, high = _window(truth)
    inside = (x >= left) & (x <= right) & (truth >= low) & (truth <= high)
    for chosen, marker, size in ((inside, "o", 3.6), (~inside, "^", 4.4)):
        at = np.clip(x[chosen], left, right), 100 * np.clip(truth[chosen], low, high)
        dots(axis, zip(*at, strict=True), colour, size=size, marker=marker)
    if logarithmic:
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:g}")  # the default writes powers as formulas, which plots do not parse
        return
    axis.locator_params(axis="x", nbins=4)
    if max(abs(left), abs(right)) >= 1:
        large_numbers(axis)
