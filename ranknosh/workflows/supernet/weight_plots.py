"""Plots of where the weights of a supernet's operations went, one small plot an edge."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ranknosh.report.drawing import operation_name
from ranknosh.report.figure import INK, MUTED, WIDE, plot
from ranknosh.report.page import PageSection, missing
from ranknosh.workflows.supernet.plots import FEWEST, TOO_FEW
from ranknosh.workflows.supernet.view import SupernetView

OPERATION_COLOURS = {
    "none": "#8a96a3",
    "noise": "#8a96a3",
    "skip_connect": "#2f9e6e",
    "nor_conv_1x1": "#74a9cf",
    "nor_conv_3x3": "#08396b",
    "avg_pool_3x3": "#e0a030",
    "max_pool_3x3": "#a05a00",
    "sep_conv_3x3": "#74a9cf",
    "sep_conv_5x5": "#2b7bba",
    "dil_conv_3x3": "#b39ddb",
    "dil_conv_5x5": "#6a51a3",
}
OTHERS = ("#d9480f", "#c2185b", "#00838f", "#5d4037")


def colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for every operation; skip connections are green in every picture."""
    unknown = [name for name in names if name not in OPERATION_COLOURS]
    palette = OPERATION_COLOURS | dict(zip(unknown, OTHERS * len(unknown), strict=False))
    return {name: palette[name] for name in names}


def weight_plots(view: SupernetView) -> list[PageSection]:
    """The mean weights of every kind of cell, and the scores of a selection that has its own."""
    weights = "Mean weight of each operation, all on one scale"
    sections = [_plot(view, "theta", kind, "Weights of operations", weights) for kind in view.kinds]
    if any(report.strength for report in view.reports):
        scores = "Score of each operation by the selection (higher is better; the scale of an edge is its own)"
        sections += [_plot(view, "strength", kind, "Strength of operations", scores) for kind in view.kinds]
    return sections


def _plot(view: SupernetView, what: str, kind: str, title: str, about: str) -> PageSection:
    name = f"{what}-{kind}"
    title = title if len(view.kinds) == 1 else f"{title}, {view.kind_name(kind)}"
    reports = [report for report in view.reports if kind in getattr(report, what)]
    if len(reports) < FEWEST:
        return missing(name, title, TOO_FEW)
    places, rows, columns = grid(view.edges[kind], view.inputs(kind))
    palette, kept = colours(view.operations(kind)), view.cells.get(kind, ())
    epochs, rows_of = [report.epoch + 1 for report in reports], [getattr(report, what)[kind] for report in reports]
    limits = _limits([values for report in rows_of for values in report])

    def paint(axes: Sequence[Any]) -> None:
        used = [axes[place] for place in places]
        for axis in set(axes) - set(used):
            axis.set_axis_off()
        for edge, axis in enumerate(used):
            chosen = kept[edge] if edge < len(kept) else None
            for number, operation in enumerate(view.candidates[kind][edge]):
                line, thick = [values[edge][number] for values in rows_of], number == chosen
                width, order = (2.6, 3) if thick else (1.1, 2)
                axis.plot(epochs, line, color=palette[operation], linewidth=width, zorder=order)
            _edge(axis, view, view.edge_name(kind, edge))
            axis.set(xlim=(epochs[0], epochs[-1]), **({"ylim": limits} if what == "theta" else {}))
        for axis in {place % columns: axes[place] for place in sorted(places)}.values():
            axis.set_xlabel("epoch")
        _legend(axes, palette, places, columns)

    ways = "An edge is named by the nodes it joins; node 0 is the input of the cell."
    if view.inputs(kind) == 2:
        ways = "Rows are the nodes of the cell, columns where an edge comes from; edges without a thick line were not kept."
    kept_words = "thick: the operation kept on the edge in the found cell"
    caption = f"{about}, over {len(epochs)} epochs, one plot an edge; {kept_words}. {ways}"
    return plot(name, title, caption, paint, size=(WIDE, 1.75 * rows + 0.55), rows=rows, columns=columns)


def _limits(rows: Sequence[Sequence[float]]) -> tuple[float, float]:
    """One scale for all edges; it begins at 0 unless that would press all lines together."""
    low, high = min(map(min, rows)), max(map(max, rows))
    if low < 0.5 * high:
        return min(low, 0.0), 1.05 * high
    room = 0.08 * (high - low) or 0.05 * high or 0.05
    return low - room, high + room


def grid(edges: Sequence[tuple[int, int]], inputs: int) -> tuple[list[int], int, int]:
    """Where each edge is drawn: places in a grid of rows times columns. Cells of two inputs have a row a node."""
    if inputs < 2 or len(edges) <= 6:
        columns = min(3, len(edges))
        return list(range(len(edges))), math.ceil(len(edges) / columns), columns
    nodes = sorted({target for _, target in edges})
    columns = max(source for source, _ in edges) + 1
    return [nodes.index(target) * columns + source for source, target in edges], len(nodes), columns


def _edge(axis: Any, view: SupernetView, name: str) -> None:
    axis.set_title(name, fontsize=9, pad=4, color=INK)
    axis.tick_params(labelsize=8)
    axis.ticklabel_format(axis="y", useOffset=False)
    axis.locator_params(axis="y", nbins=4)
    axis.xaxis.get_major_locator().set_params(integer=True, nbins=5)
    for boundary in view.boundaries:
        axis.axvline(boundary + 0.5, color=MUTED, linewidth=0.7, linestyle=":")


def _legend(axes: Sequence[Any], palette: Mapping[str, str], used: Sequence[int], columns: int) -> None:
    """In a free place of the grid, the top right one first; else above all plots."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, linewidth=2.2) for colour in palette.values()]
    labels = [operation_name(name) for name in palette]
    free = [place for place in range(len(axes)) if place not in used]
    if free:
        target = axes[min(free, key=lambda place: (place // columns, -place))]
        target.legend(handles, labels, loc="upper right", fontsize=8.5, ncols=2, columnspacing=1.0)
    else:
        axes[0].figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=9)
