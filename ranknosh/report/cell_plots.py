"""Pictures of the cells themselves: accuracy against size, operations, and who proposed the good ones."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from ranknosh.core.pool import Candidate
from ranknosh.report import words
from ranknosh.report.cell import operation_name
from ranknosh.report.figure import (
    ACCENT,
    HALF,
    INK,
    ORIGIN_COLOURS,
    Panel,
    draw,
    engineering,
    label_bar,
    level_colour,
    name_rows,
)
from ranknosh.report.plots import MOST_POINTS, thin
from ranknosh.report.series import correlate, operation_shares, origin_rows, pareto_front, top_group
from ranknosh.report.view import RunView


def cost_panel(view: RunView) -> Panel:
    """Validation accuracy against parameters and against multiply-accumulates, with the Pareto front of the top level."""
    title = "Accuracy against size"
    known = [c for c in view.leaderboard() if c.validation is not None]
    if not any(c.params is not None or c.macs is not None for c in known):
        return Panel("cost", title, "n/a: the candidates have no parameter counts and no multiply-accumulate counts.")
    high = max(c.level for c in known)
    caption = (
        f"Each dot is a candidate at the highest level it completed. The line is the Pareto front of level {high}: "
    )
    texts = []
    for label, attribute in (("parameters", "params"), ("multiply-accumulates", "macs")):
        top = [c for c in known if c.level == high and getattr(c, attribute) is not None]
        front = pareto_front([getattr(c, attribute) for c in top], [c.validation or 0.0 for c in top])
        everyone = [c for c in known if 1 in c.observations and getattr(c, attribute) is not None]
        link = correlate([getattr(c, attribute) for c in everyone], [c.metrics[1] for c in everyone])
        texts.append(
            f"{len(front)} of {len(top)} cells by {label} (Spearman of {label} with level 1: {words.correlation(link)})"
        )
    caption += "; ".join(texts) + "."

    def paint(axes: Sequence[Any]) -> None:
        for axis, label, attribute in zip(
            axes, ("parameters", "multiply-accumulates of one image"), ("params", "macs"), strict=True
        ):
            _paint_cost(axis, view, known, high, label, attribute)
        axes[0].set_ylabel("validation accuracy (%)")
        axes[1].legend(loc="lower right", fontsize=8.5)

    return Panel("cost", title, caption, draw("cost", caption, paint, columns=2))


def _paint_cost(axis: Any, view: RunView, known: Sequence[Candidate], high: int, label: str, attribute: str) -> None:
    best = view.pool.best()
    for level in view.levels:
        here = thin([c for c in known if c.level == level and getattr(c, attribute) is not None], MOST_POINTS // 3)
        x, y = [getattr(c, attribute) for c in here], [100 * (c.validation or 0.0) for c in here]
        colour = level_colour(level, view.pyramid.levels)
        axis.plot(x, y, "o", color=colour, markersize=5.5 if level == high else 3.8, alpha=0.9, label=f"level {level}")
    top = [c for c in known if c.level == high and getattr(c, attribute) is not None]
    costs, values = [getattr(c, attribute) for c in top], [100 * (c.validation or 0.0) for c in top]
    front = pareto_front(costs, values)
    if front:
        x, y = [costs[i] for i in front], [values[i] for i in front]
        axis.step(x, y, where="post", color=INK, linewidth=1.2, label="Pareto front")
    if best is not None and getattr(best, attribute) is not None and best.validation is not None:
        axis.plot(getattr(best, attribute), 100 * best.validation, "o", color=ACCENT, markersize=8, label="found cell")
    axis.xaxis.set_major_formatter(engineering())
    axis.set_title(f"By {label}")
    axis.set_xlabel(label)


def operations_panel(view: RunView) -> Panel:
    """How often each operation occurs in the best cells and in all of them."""
    title, shares = "What the best cells are made of", operation_shares(view)
    if not shares:
        why = "no candidate has a result yet" if not view.leaderboard() else "the space does not count operations"
        return Panel("operations", title, f"n/a: {why}.", wide=False)
    group, everyone = len(top_group(view)), len(view.leaderboard())
    caption = f"Share of each operation among the slots of the best {group} cells and of all {everyone} with a result: "
    caption += ", ".join(
        f"{operation_name(s.operation)} {words.percent(s.top, 0)} against {words.percent(s.everyone, 0)}"
        for s in shares
    )

    def paint(axes: Sequence[Any]) -> None:
        axis = axes[0]
        for offset, attribute, colour, label in (
            (-0.2, "top", "#08396b", f"best {group}"),
            (0.2, "everyone", "#b9c6d3", f"all {everyone}"),
        ):
            places = [row + offset for row in range(len(shares))]
            widths = [100 * getattr(share, attribute) for share in shares]
            axis.barh(places, widths, height=0.38, color=colour, label=label)
            for place, width in zip(places, widths, strict=True):
                label_bar(axis, f"{width:.0f} %", width, place)
        name_rows(axis, [operation_name(share.operation) for share in shares])
        axis.margins(x=0.14)
        axis.set_xlabel("share of the cell's slots (%)")
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, 1.12), ncols=2)

    svg = draw("operations", caption, paint, size=(HALF, 3.7))
    return Panel("operations", title, caption + ".", svg, wide=False)


def origins_panel(view: RunView) -> Panel:
    """What each way of choosing candidates gave at level 1, where all of them can be compared."""
    title, rows = "Who proposed the good ones", [row for row in origin_rows(view) if row.measured]
    known: dict[str, list[float]] = {}
    for candidate in view.pool.at_level(1):
        accuracy = candidate.observations[1].validation_accuracy
        if accuracy is not None:
            known.setdefault(candidate.origin, []).append(accuracy)
    known = {row.origin: known[row.origin] for row in rows if row.origin in known}
    if not known:
        why = "n/a: no candidate has completed level 1 with a validation accuracy yet."
        return Panel("origins", title, why, wide=False)
    caption = "Validation accuracy at level 1 by where the candidate came from (bar: mean). " + "; ".join(
        f"{row.origin}: {row.proposed} proposed, mean {words.percent(row.validation)}, {row.promoted} promoted, "
        f"best rank {words.integer(row.best_rank)}"
        for row in rows
    )

    def paint(axes: Sequence[Any]) -> None:
        axis = axes[0]
        for row, (origin, values) in enumerate(known.items()):
            shown = thin(values, MOST_POINTS // 4)
            spread = [row + 0.26 * ((i * 0.618034) % 1 - 0.5) * 2 for i in range(len(shown))]
            axis.plot([100 * v for v in shown], spread, "o", color=ORIGIN_COLOURS[origin], markersize=4, alpha=0.75)
            axis.plot([100 * fmean(values)] * 2, [row - 0.36, row + 0.36], color=INK, linewidth=2.2)
        name_rows(axis, [f"{origin}\n(n = {len(values)})" for origin, values in known.items()])
        axis.set_xlabel("validation accuracy at level 1 (%)")

    return Panel("origins", title, caption + ".", draw("origins", caption, paint, size=(HALF, 3.7)), wide=False)
