"""Pictures of where the weights of a supernet's operations went, one small plot an edge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ranknosh.report.figure import INK, MUTED, WIDE, Panel, draw
from ranknosh.report.genotype_drawing import short_name
from ranknosh.workflows.supernet.story import Story

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
FEWEST = 2
"""Epochs below which a line would be a point."""


def colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for every operation; skip connections are green in every picture."""
    unknown = [name for name in names if name not in OPERATION_COLOURS]
    found = dict(zip(unknown, OTHERS * len(unknown), strict=False))
    return {name: OPERATION_COLOURS.get(name) or found[name] for name in names}


def weight_panels(story: Story) -> list[Panel]:
    """The mean weights of every kind of cell, and the scores of a selection that has its own."""
    panels = [
        _panel(story, "theta", kind, "Weights of operations", "Mean weight of each operation, all on one scale")
        for kind in story.kinds
    ]
    if any(report.strength for report in story.reports):
        about = "Score of each operation by the selection (higher is better; the scale of an edge is its own)"
        panels += [_panel(story, "strength", kind, "Strength of operations", about) for kind in story.kinds]
    return panels


def _panel(story: Story, what: str, kind: str, title: str, about: str) -> Panel:
    name = f"{what}-{kind}"
    title = title if len(story.kinds) == 1 else f"{title}, {story.kind_name(kind)}"
    reports = [report for report in story.reports if kind in getattr(report, what)]
    if len(reports) < FEWEST:
        return Panel(name, title, "Not enough epochs yet to draw a line.")
    places, rows, columns = grid(story.edges[kind], story.inputs(kind))
    palette = colours(story.operations(kind))
    epochs = [report.epoch + 1 for report in reports]
    kept = story.cells.get(kind, ())

    limits = _limits([row for report in reports for row in getattr(report, what)[kind]])

    def paint(axes: Sequence[Any]) -> None:
        used = set(places)
        for place, axis in enumerate(axes):
            if place not in used:
                axis.set_axis_off()
        for edge, place in enumerate(places):
            values = [getattr(report, what)[kind][edge] for report in reports]
            _edge(axes[place], story, kind, edge, epochs, values, palette, kept[edge] if edge < len(kept) else None)
            if what == "theta":
                axes[place].set_ylim(*limits)
            axes[place].set_xlim(epochs[0], epochs[-1])
        bottom = {place % columns: axes[place] for place in sorted(used)}
        for axis in bottom.values():
            axis.set_xlabel("epoch")
        _legend(axes, palette, used, columns)

    svg = draw(
        name,
        f"{title} over {len(epochs)} epochs, one plot an edge",
        paint,
        size=(WIDE, 1.75 * rows + 0.55),
        rows=rows,
        columns=columns,
    )
    return Panel(
        name,
        title,
        f"{about}, one plot an edge; thick: the operation kept on the edge in the found cell. {_ways(story, kind)}",
        svg,
    )


def _limits(rows: Sequence[Sequence[float]]) -> tuple[float, float]:
    """One scale for all edges; it begins at 0 unless that would press all lines together."""
    low, high = min(min(row) for row in rows), max(max(row) for row in rows)
    if low < 0.5 * high:
        return min(low, 0.0), 1.05 * high
    room = 0.08 * (high - low) or 0.05 * high or 0.05
    return low - room, high + room


def _ways(story: Story, kind: str) -> str:
    if story.inputs(kind) == 2:
        return "Rows are the nodes of the cell, columns where an edge comes from; edges without a thick line were not kept."
    return "An edge is named by the nodes it joins; node 0 is the input of the cell."


def grid(edges: Sequence[tuple[int, int]], inputs: int) -> tuple[list[int], int, int]:
    """Where each edge is drawn: places in a grid of rows times columns. Cells of two inputs have a row a node."""
    if inputs < 2 or len(edges) <= 6:
        columns = min(3, len(edges))
        return list(range(len(edges))), math.ceil(len(edges) / columns), columns
    nodes = sorted({target for _, target in edges})
    columns = max(source for source, _ in edges) + 1
    return [nodes.index(target) * columns + source for source, target in edges], len(nodes), columns


def _edge(
    axis: Any,
    story: Story,
    kind: str,
    edge: int,
    epochs: Sequence[int],
    values: Sequence[Sequence[float]],
    palette: dict[str, str],
    kept: int | None,
) -> None:
    names = story.candidates[kind][edge]
    for place, name in enumerate(names):
        line = [row[place] for row in values]
        wide = place == kept
        axis.plot(epochs, line, color=palette[name], linewidth=2.6 if wide else 1.1, zorder=3 if wide else 2)
    axis.set_title(story.edge_name(kind, edge), fontsize=9, pad=4, color=INK)
    axis.tick_params(labelsize=8)
    axis.ticklabel_format(axis="y", useOffset=False)
    axis.locator_params(axis="y", nbins=4)
    axis.xaxis.get_major_locator().set_params(integer=True, nbins=5)
    for boundary in story.boundaries:
        axis.axvline(boundary + 0.5, color=MUTED, linewidth=0.7, linestyle=":")


def _legend(axes: Sequence[Any], palette: dict[str, str], used: set[int], columns: int) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, linewidth=2.2) for colour in palette.values()]
    labels = [short_name(name) for name in palette]
    free = [place for place in range(len(axes)) if place not in used]
    if free:
        target = axes[min(free, key=lambda place: (place // columns, -place))]
        target.legend(handles, labels, loc="upper right", fontsize=8.5, ncols=2, columnspacing=1.0)
    else:
        axes[0].figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=9)
