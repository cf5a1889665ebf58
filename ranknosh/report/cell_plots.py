"""Plots of the cells themselves: accuracy against size, operations, and where the good ones came from."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from ranknosh.core.metrics import agreement
from ranknosh.core.pool import Candidate
from ranknosh.report import words
from ranknosh.report.drawing import operation_name
from ranknosh.report.figure import (
    ACCENT,
    HALF,
    INK,
    ORIGIN_COLOURS,
    engineering,
    label_bar,
    level_colour,
    name_rows,
    plot,
    thin,
)
from ranknosh.report.page import PageSection, missing
from ranknosh.report.plots import MOST_POINTS
from ranknosh.report.series import operation_shares, origin_rows, pareto_front, top_group
from ranknosh.report.view import RunView

COSTS = {"params": "parameters", "macs": "multiply-accumulates"}


def cost_plot(view: RunView) -> PageSection:
    """Validation accuracy against parameters and against multiply-accumulates, with the Pareto front of the top level."""
    title = "Accuracy against size"
    known = [c for c in view.leaderboard() if c.validation is not None]
    if not any(getattr(c, cost) is not None for c in known for cost in COSTS):
        why = "n/a: the candidates have no parameter counts and no multiply-accumulate counts."
        return missing("cost", title, why)
    high = max(c.level for c in known)
    texts = []
    for cost, label in COSTS.items():
        _, _, front = _front(known, high, cost)
        everyone = [c for c in known if 1 in c.observations and getattr(c, cost) is not None]
        link = agreement([getattr(c, cost) for c in everyone], [c.metrics[1] for c in everyone])
        count = sum(c.level == high and getattr(c, cost) is not None for c in known)
        texts.append(f"{len(front)} of {count} cells by {label} (Spearman of {label} with level 1: {link})")
    caption = (
        "Each dot is a candidate at the highest level it completed. The line is the Pareto front of level "
        f"{high}: {'; '.join(texts)}."
    )

    def paint(axes: Sequence[Any]) -> None:
        for axis, cost in zip(axes, COSTS, strict=True):
            _paint_cost(axis, view, known, high, cost)
        axes[0].set_ylabel("validation accuracy (%)")
        axes[1].legend(loc="lower right", fontsize=8.5)

    return plot("cost", title, caption, paint, columns=2)


def _front(known: Sequence[Candidate], level: int, cost: str) -> tuple[list[float], list[float], list[int]]:
    """Costs and accuracies (%) of the candidates at ``level``, and the places of the Pareto front among them."""
    top = [c for c in known if c.level == level and getattr(c, cost) is not None]
    costs, values = [getattr(c, cost) for c in top], [100 * (c.validation or 0.0) for c in top]
    return costs, values, pareto_front(costs, values)


def _paint_cost(axis: Any, view: RunView, known: Sequence[Candidate], high: int, cost: str) -> None:
    best = view.pool.best()
    for level in view.levels:
        here = thin([c for c in known if c.level == level and getattr(c, cost) is not None], MOST_POINTS // 3)
        x, y = [getattr(c, cost) for c in here], [100 * (c.validation or 0.0) for c in here]
        colour, size = level_colour(level, view.pyramid.levels), 5.5 if level == high else 3.8
        axis.plot(x, y, "o", color=colour, markersize=size, alpha=0.9, label=f"level {level}")
    costs, values, front = _front(known, high, cost)
    if front:
        x, y = [costs[i] for i in front], [values[i] for i in front]
        axis.step(x, y, where="post", color=INK, linewidth=1.2, label="Pareto front")
    if best is not None and getattr(best, cost) is not None and best.validation is not None:
        axis.plot(getattr(best, cost), 100 * best.validation, "o", color=ACCENT, markersize=8, label="found cell")
    axis.xaxis.set_major_formatter(engineering())
    axis.set(title=f"By {COSTS[cost]}", xlabel=COSTS[cost] + (" of one image" if cost == "macs" else ""))


def operations_plot(view: RunView) -> PageSection:
    """How often each operation occurs in the best cells and in all of them."""
    title, shares = "What the best cells are made of", operation_shares(view)
    if not shares:
        why = "no candidate has a result yet" if not view.leaderboard() else "the space does not count operations"
        return missing("operations", title, f"n/a: {why}.", half=True)
    group, everyone = len(top_group(view)), len(view.leaderboard())
    names = [operation_name(share.operation) for share in shares]
    texts = ", ".join(
        f"{name} {words.percent(share.top, 0)} against {words.percent(share.everyone, 0)}"
        for name, share in zip(names, shares, strict=True)
    )
    caption = f"Share of each operation among the slots of the best {group} cells and of all {everyone} with a result: {texts}."

    def paint(axes: Sequence[Any]) -> None:
        (axis,) = axes
        bars = (-0.2, "top", "#08396b", f"best {group}"), (0.2, "everyone", "#b9c6d3", f"all {everyone}")
        for offset, attribute, colour, label in bars:
            widths = [100 * getattr(share, attribute) for share in shares]
            places = [row + offset for row in range(len(shares))]
            axis.barh(places, widths, height=0.38, color=colour, label=label)
            for place, width in zip(places, widths, strict=True):
                label_bar(axis, f"{width:.0f} %", width, place)
        name_rows(axis, names)
        axis.margins(x=0.14)
        axis.set_xlabel("share of the cell's slots (%)")
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, 1.12), ncols=2)

    return plot("operations", title, caption, paint, size=(HALF, 3.7), half=True)


def origins_plot(view: RunView) -> PageSection:
    """What each way of choosing candidates gave at level 1, where all of them can be compared."""
    title, rows = "Where the good ones came from", [row for row in origin_rows(view) if row.measured]
    found: dict[str, list[float]] = {row.origin: [] for row in rows}
    for candidate in view.pool.at_level(1):
        accuracy = candidate.observations[1].validation_accuracy
        if accuracy is not None:
            found[candidate.origin].append(accuracy)
    known = {name: values for name, values in found.items() if values}
    if not known:
        why = "n/a: no candidate has completed level 1 with a validation accuracy yet."
        return missing("origins", title, why, half=True)
    texts = "; ".join(
        f"{row.origin}: {row.proposed} proposed, mean {words.percent(row.validation)}, {row.promoted} promoted, "
        f"best rank {words.integer(row.best_rank)}"
        for row in rows
    )
    caption = f"Validation accuracy at level 1 by where the candidate came from (bar: mean). {texts}."

    def paint(axes: Sequence[Any]) -> None:
        (axis,) = axes
        for row, (name, values) in enumerate(known.items()):
            shown = thin(values, MOST_POINTS // 4)
            spread = [row + 0.26 * ((i * 0.618034) % 1 - 0.5) * 2 for i in range(len(shown))]
            axis.plot([100 * v for v in shown], spread, "o", color=ORIGIN_COLOURS[name], markersize=4, alpha=0.75)
            axis.plot([100 * fmean(values)] * 2, [row - 0.36, row + 0.36], color=INK, linewidth=2.2)
        name_rows(axis, [f"{name}\n(n = {len(values)})" for name, values in known.items()])
        axis.set_xlabel("validation accuracy at level 1 (%)")

    return plot("origins", title, caption, paint, size=(HALF, 3.7), half=True)
