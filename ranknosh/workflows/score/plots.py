"""Pictures of scores: proxies against each other, and against accuracies where these are known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranknosh.core.metrics import ranks
from ranknosh.report.figure import INK, MUTED, WIDE, Panel, draw, engineering
from ranknosh.report.plots import thin
from ranknosh.workflows.score.rows import ScoreRow
from ranknosh.workflows.score.summary import (
    Agreement,
    agreement,
    correlations,
    least_redundant,
    oriented,
    with_accuracy,
)

MOST_POINTS, MOST_IN_MATRIX = 300, 6
LOG_FROM = 50.0
"""Positive values of which most span more than this factor are drawn on a logarithmic axis."""
MOST, MARGIN = 0.05, 0.6
"""An axis holds all but this share of the values at either end, and this share of their length beside them."""
CELL, NAMES = 0.46, 1.3
"""Inches of a cell of the heat map, and of the names beside it."""
POINT, SIZES = "#2b7bba", "#8a96a3"
SIZE_PROXIES = ("params", "macs")


def heat_panel(rows: Sequence[ScoreRow], directions: Mapping[str, int]) -> Panel:
    """Spearman's rho of every two proxies, those that agree beside each other."""
    title = "Do the proxies say the same?"
    rho = correlations(rows, directions)
    names = list(directions)
    told = [place for place in range(len(names)) if not math.isnan(rho[place, place])]
    if len(told) < 2:
        return Panel(
            "proxies", title, "n/a: this takes two proxies with different values and three architectures at least."
        )
    order = [told[place] for place in _side_by_side(rho[np.ix_(told, told)])]
    constant = [names[place] for place in range(len(names)) if place not in told]
    caption = (
        f"Spearman's rank correlation of every two proxies over {len(rows)} architectures, each proxy turned so that larger is "
        "better; a missing value counts as the worst. Proxies that agree stand beside each other."
    )
    if constant:
        caption += f" Left out, the same for all: {', '.join(constant)}."

    def paint(axes: Sequence[Any]) -> None:
        _paint_heat(axes[0], rho[np.ix_(order, order)], [names[place] for place in order])

    side = NAMES + CELL * max(len(order), 4)
    return Panel("proxies", title, caption, draw("heat", caption, paint, size=(side, side)), wide=len(order) > 10)


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
    axis.set_xticks(places, names, rotation=60, ha="left", rotation_mode="anchor")
    axis.set_yticks(places, names)
    axis.tick_params(length=0, labelcolor=INK, top=False, bottom=False, labeltop=True, labelbottom=False)
    axis.set_aspect("equal")
    axis.invert_yaxis()
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set_visible(False)


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
    return [
        int(place) for place in leaves_list(linkage(squareform(far, checks=False), "average", optimal_ordering=True))
    ]


def matrix_panel(rows: Sequence[ScoreRow], directions: Mapping[str, int]) -> Panel:
    """Ranks against ranks of the proxies that have least in common."""
    title = "The proxies that differ most"
    rho, names = correlations(rows, directions), list(directions)
    chosen = least_redundant(rho, MOST_IN_MATRIX)
    if len(chosen) < 2:
        return Panel("ranks", title, "n/a: fewer than two proxies tell architectures apart.")
    places = thin(range(len(rows)), MOST_POINTS)
    columns = {
        place: ranks(oriented(rows, names[place], directions[names[place]]))[places] / max(len(rows) - 1, 1)
        for place in chosen
    }
    dropped = len(names) - len(chosen)
    caption = (
        "Below the names: an architecture a point, its rank from the worst (left, bottom) to the best. Above: Spearman."
    )
    if dropped:
        caption += f" The {len(chosen)} of {len(names)} proxies that are least redundant."
    if len(places) < len(rows):
        caption += f" {len(places)} of {len(rows)} architectures are drawn."

    def paint(axes: Sequence[Any]) -> None:
        count = len(chosen)
        for index, axis in enumerate(axes):
            row, column = divmod(index, count)
            first, second = chosen[column], chosen[row]
            axis.set_xlim(-0.05, 1.05)
            axis.set_ylim(-0.05, 1.05)
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_box_aspect(1)
            if row > column:
                axis.plot(
                    columns[first], columns[second], "o", color=POINT, markersize=2.6, alpha=0.6, markeredgewidth=0
                )
                continue
            for spine in axis.spines.values():
                spine.set_visible(False)
            same = row == column
            text = names[first] if same else _hundredths(rho[first, second])
            size = 10.5 if same else 12
            axis.text(
                *(0.5, 0.5, text),
                ha="center",
                va="center",
                fontsize=size,
                fontweight="bold" if same else "normal",
                color=INK if same else MUTED,
            )

    side = 1.55 * len(chosen)
    svg = draw("ranks", caption, paint, size=(side, side), columns=len(chosen), rows=len(chosen))
    return Panel("ranks", title, caption, svg, wide=False)


def accuracy_panel(rows: Sequence[ScoreRow], directions: Mapping[str, int], table: bool) -> Panel:
    """Every proxy against the accuracy of a table."""
    title = "Do the proxies know the accuracy?"
    judged = with_accuracy(rows)
    if not table:
        return Panel(
            "accuracy",
            title,
            "n/a: accuracies are not known; give a table of finished trainings with --table FILE.npz.",
        )
    if len(judged) < 2:
        return Panel("accuracy", title, f"n/a: the table knows {len(judged)} of the {len(rows)} architectures.")
    accuracy = np.array([row.accuracy for row in judged], dtype=float)
    found = {name: agreement(oriented(judged, name, sign), accuracy) for name, sign in directions.items()}
    drawn = thin(judged, MOST_POINTS)
    caption = (
        f"A point is one of {len(judged)} architectures that the table knows: its raw proxy value and the table's mean accuracy "
        "at the top level. ρ: Spearman, larger being better, a missing value the worst; ± its standard error. Grey: size. "
        "Triangles stand at the edge for what lies far outside."
    )
    if len(drawn) < len(judged):
        caption += f" {len(drawn)} of them are drawn."
    columns = min(len(directions), 4)
    lines = -(-len(directions) // columns)

    def paint(axes: Sequence[Any]) -> None:
        for axis in axes[len(directions) :]:
            axis.set_axis_off()
        for axis, name in zip(axes, directions, strict=False):
            _paint_accuracy(axis, name, directions[name], drawn, found[name])
        for axis in axes[::columns]:
            axis.set_ylabel("accuracy (%)")

    width = WIDE * columns / 4
    return Panel(
        "accuracy",
        title,
        caption,
        draw("accuracy", caption, paint, size=(width, 2.7 * lines), columns=columns, rows=lines),
        wide=columns > 2,
    )


def _window(values: NDArray[np.float64]) -> tuple[float, float]:
    """The ends of an axis: a few values far from the others would take its whole length."""
    low, high = (float(np.quantile(values, share)) for share in (MOST, 1 - MOST))
    beside = MARGIN * (high - low)
    if beside == 0:
        return float(values.min()), float(values.max())
    return max(low - beside, float(values.min())), min(high + beside, float(values.max()))


def _paint_accuracy(axis: Any, name: str, direction: int, drawn: Sequence[ScoreRow], found: Agreement) -> None:
    known = [
        (value, row.accuracy) for row in drawn if (value := row.values[name]) is not None and row.accuracy is not None
    ]
    if known:
        values, accuracy = np.array(known).T
        _paint_points(axis, values, accuracy, SIZES if name in SIZE_PROXIES else POINT)
    rho = "n/a" if found.rho is None else f"{found.rho:.2f}".replace("-", "−")
    error = "" if found.error is None else f" ± {found.error:.2f}"
    lower = "" if direction > 0 else " (lower is better)"
    axis.set_title(f"{name}{lower}: ρ = {rho}{error}", fontsize=9.5)


def _paint_points(axis: Any, x: NDArray[np.float64], accuracy: NDArray[np.float64], colour: str) -> None:
    logarithmic = float(x.min()) > 0 and np.quantile(x, 1 - MOST) > LOG_FROM * np.quantile(x, MOST)
    left, right = np.exp(_window(np.log(x))) if logarithmic else _window(x)
    low, high = _window(accuracy)
    inside = (x >= left) & (x <= right) & (accuracy >= low) & (accuracy <= high)
    for chosen, marker, size in ((inside, "o", 3.6), (~inside, "^", 4.4)):
        axis.plot(
            np.clip(x[chosen], left, right),
            100 * np.clip(accuracy[chosen], low, high),
            marker,
            markersize=size,
            color=colour,
            alpha=0.7,
            markeredgewidth=0,
        )
    if logarithmic:
        axis.set_xscale("log")
        axis.minorticks_off()
        return
    if max(abs(left), abs(right)) >= 1:
        axis.xaxis.set_major_formatter(engineering())
    axis.xaxis.get_major_locator().set_params(nbins=4)
