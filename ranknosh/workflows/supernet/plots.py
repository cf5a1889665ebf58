"""Plots of a supernet search over its epochs: where the weights of operations went, losses, skips, what was measured."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ranknosh.config.units import human_duration, plural
from ranknosh.report.charts import ACCENT, BLUE, GREEN, MUTED, PALE, VIOLET, Curve, Panel, over_epochs, plot, time_scale
from ranknosh.report.drawing import operation_name
from ranknosh.report.page import PageSection, missing
from ranknosh.workflows.supernet.view import SupernetView

KIND_COLOURS = (GREEN, VIOLET, "#a05a00")
OPERATION_COLOURS = {
    "none": PALE,
    "noise": PALE,
    "skip_connect": GREEN,
    "nor_conv_1x1": "#74a9cf",
    "nor_conv_3x3": "#08396b",
    "avg_pool_3x3": "#e0a030",
    "max_pool_3x3": "#a05a00",
    "sep_conv_3x3": "#74a9cf",
    "sep_conv_5x5": BLUE,
    "dil_conv_3x3": "#b39ddb",
    "dil_conv_5x5": "#6a51a3",
}
OTHERS = (ACCENT, "#c2185b", "#00838f", "#5d4037")
FEWEST = 2
"""Epochs below which a line would be a point."""
TOO_FEW = "Not enough epochs yet to draw a line."
HALVES = {
    "skips": "Skip connections",
    "entropy": "Entropy of the weights",
    "losses": "Losses",
    "seconds": "Time of an epoch",
}
MEASURED = {
    "hessian_eigenvalue": "Largest eigenvalue of the Hessian",
    "discretisation_gap": "Discretisation gap",
    "supernet_metric": "Metric of the supernet",
    "derived_metric": "Metric of the derived cell inside it",
    "weight_decay": "Weight decay",
    "reward": "Reward of the controller",
}
EXPLAINED = {
    "hessian_eigenvalue": "the validation loss's curvature over the alphas (R-DARTS takes a rise as a sign of a bad cell)",
    "discretisation_gap": "what the derived cell inside the supernet is worse by than it in the metric, same weights",
}


def curve_plots(view: SupernetView) -> list[PageSection]:
    """Every plot of half a page's width, in reading order; an even number of them."""
    makers = {"skips": skips_plot, "entropy": entropy_plot, "losses": losses_plot, "seconds": seconds_plot}
    if not view.may_skip:
        del makers["skips"]
    known = len(view.reports) >= FEWEST
    drawn = {name: make(view) if known else None for name, make in makers.items()}
    *shown, seconds = (drawn[name] or missing(name, HALVES[name], TOO_FEW, half=True) for name in makers)
    shown += [section for section in (truth_plot(view), landscape_plot(view)) if section is not None]
    return shown if len(shown) % 2 == 0 else [*shown, seconds]


def _half(view: SupernetView, name: str, caption: str, curves: Sequence[Curve], **axes: Any) -> PageSection:
    panel = over_epochs(curves, boundaries=view.boundaries, **axes)
    return plot(name, HALVES[name], caption, panel, height=2.9, half=True)


def _by_kind(view: SupernetView, values: Mapping[str, Sequence[float]]) -> list[Curve]:
    """A curve for every kind of cell; a name for each where there are several."""
    names = {kind: view.kind_name(kind) if len(values) > 1 else "" for kind in values}
    return [
        Curve(list(zip(view.epochs, found, strict=True)), colour, names[kind])
        for (kind, found), colour in zip(values.items(), KIND_COLOURS, strict=False)
    ]


def skips_plot(view: SupernetView) -> PageSection:
    """How many skip connections the derived cell has."""
    counts = {kind: view.skips(kind) for kind in view.cell_kinds}
    most = len(view.edges[view.cell_kinds[0]]) if len(counts) == 1 else max(map(max, counts.values())) + 1
    caption = (
        f"In the cell derived after each epoch; {view.reports[-1].skips} after the last one. Many of them are how DARTS "
        "collapses."
    )
    limits = (-0.15, max(most, 2) + 0.3)
    return _half(view, "skips", caption, _by_kind(view, counts), limits=limits, y="in the derived cell", steps=True)


def entropy_plot(view: SupernetView) -> PageSection:
    """How undecided the weights are."""
    values, most = {kind: view.entropy(kind) for kind in view.cell_kinds}, view.most_entropy
    lowest = min(0.98 * most, *map(min, values.values()))
    room = 0.1 * (most - lowest)
    limits = (0 if lowest < 0.7 * most else lowest - room, most + room + 1e-6)
    caption = (
        "Mean over the edges: ln(operations), the dashed line, where all weigh the same, 0 where every edge is decided. The "
        "higher it is when the cell is derived, the more of the mixture is thrown away."
    )
    return _half(view, "entropy", caption, _by_kind(view, values), limits=limits, y="nats", levels=[(most, "")])


def losses_plot(view: SupernetView) -> PageSection | None:
    """Loss of the weights' and of the alphas' half; None where there are too few."""
    parts = {"weights": BLUE, "alphas": ACCENT}
    found = {
        part: [(r.epoch + 1, loss) for r in view.reports if (loss := getattr(r, f"{part}_loss")) is not None]
        for part in parts
    }
    if len(found["weights"]) < FEWEST:
        return None
    augment = view.facts["recipe"]["augment"]
    changed = "" if augment == "none" else f", on augmented pictures ({augment})"
    caption = (
        f"Mean over the steps of each epoch{changed}. The {view.metric.name} on what the weights learn from in the last epoch: "
        f"{view.metric.text(view.reports[-1].train_metric)}."
    )
    curves = [Curve(losses, parts[part], f"{part}' half") for part, losses in found.items() if losses]
    return _half(view, "losses", caption, curves, limits=(0, None), y=view.loss.label)


def seconds_plot(view: SupernetView) -> PageSection:
    """Device time of each epoch."""
    seconds = [report.seconds for report in view.reports]
    scale, unit = time_scale(max(seconds))
    caption = f"Device time of each epoch, what monitors took included; {human_duration(sum(seconds))} in all."
    curve = Curve([(epoch, each / scale) for epoch, each in zip(view.epochs, seconds, strict=True)], BLUE)
    return _half(view, "seconds", caption, [curve], limits=(0, None), y=unit)


def truth_plot(view: SupernetView) -> PageSection | None:
    """What a table knows of the derived cells; None where no table knows them."""
    known = [(each.epoch + 1, 100 * each.truth) for each in view.reports if each.truth is not None]
    if not known:
        return None
    tables = [each.details["table"] for each in view.state.sessions if "table" in each.details]
    levels = [(100 * tables[-1][key], f"{key} of the table") for key in ("best", "median")] if tables else []
    caption = (
        f"Of the cell derived after each epoch: the mean over finished trainings by the table of {view.table_data}, which the "
        "search never saw."
    )
    panel = over_epochs([Curve(known, ACCENT)], y="in the table, %", boundaries=view.boundaries, levels=levels)
    return plot("truth", "The derived cell in the table", caption, panel, height=2.9, half=True)


def landscape_plot(view: SupernetView) -> PageSection | None:
    """The slice of the loss around the final alphas; None where it was not asked for."""
    found = view.state.result.diagnostics.get("landscape") if view.state.result else None
    if not found:
        return None
    places, losses = found["coordinates"], found["loss"]

    def paint(axis: Any) -> None:
        columns = [list(column) for column in zip(*losses, strict=True)]
        shown = axis.contourf(places, places, columns, levels=14, cmap="Blues")
        axis.plot([0], [0], marker="x", color=ACCENT, markersize=7, markeredgewidth=1.8)
        axis.set(xlabel="first direction", ylabel="second direction", aspect="equal")
        axis.locator_params(nbins=5)
        bar = axis.figure.colorbar(shown, cax=axis.inset_axes((1.06, 0.05, 0.05, 0.9)))
        bar.set_label(view.loss.label, color=MUTED)
        bar.outline.set_visible(False)

    middle = len(places) // 2
    rise = max(max(row) for row in losses) - losses[middle][middle]
    caption = (
        "Validation loss on a plane of two random directions through the final alphas (the cross), weights held; it rises by at "
        f"most {view.loss.text(rise)}. Where it is steep, the derived cell loses much."
    )
    return plot("landscape", "The loss around the alphas", caption, paint, height=3.8, half=True)


def measured_plot(view: SupernetView) -> PageSection | None:
    """Small plots of what monitors measured; None where they measured nothing."""
    series = {name: found for name, found in view.measured().items() if len(found) >= FEWEST}
    if not series:
        return None
    texts = "; ".join(f"{MEASURED[name].lower()}: {text}" for name, text in EXPLAINED.items() if name in series)
    caption = "Measured after epochs" + (f" ({texts})." if texts else ".")
    titles = {name: MEASURED.get(name, name.replace("_", " ")) for name in series}
    panels = [
        over_epochs([Curve(found, BLUE)], title=titles[name], boundaries=view.boundaries)
        for name, found in series.items()
    ]
    return plot("measured", "What was measured", caption, *panels, height=2.6, columns=min(3, len(series)))


def colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for every operation; skip connections are green in every plot."""
    unknown = [name for name in names if name not in OPERATION_COLOURS]
    palette = OPERATION_COLOURS | dict(zip(unknown, OTHERS * len(unknown), strict=False))
    return {name: palette[name] for name in names}


def weight_plots(view: SupernetView) -> list[PageSection]:
    """The mean weights of every kind of cell, and the scores of a selection that has its own."""
    weights = "Mean weight of each operation, all on one scale"
    sections = [_weights(view, "theta", kind, "Weights of operations", weights) for kind in view.cell_kinds]
    if any(report.strength for report in view.reports):
        scores = "Score of each operation by the selection (higher is better; the scale of an edge is its own)"
        sections += [_weights(view, "strength", kind, "Strength of operations", scores) for kind in view.cell_kinds]
    return sections


def _weights(view: SupernetView, what: str, kind: str, title: str, about: str) -> PageSection:
    """One small plot an edge, with its operations as lines."""
    title = title if len(view.cell_kinds) == 1 else f"{title}, {view.kind_name(kind)}"
    reports = {
        report.epoch + 1: getattr(report, what)[kind] for report in view.reports if kind in getattr(report, what)
    }
    if len(reports) < FEWEST:
        return missing(f"{what}-{kind}", title, TOO_FEW)
    places, rows, columns = grid(view.edges[kind], view.inputs(kind))
    palette, kept = colours(view.operations(kind)), view.state.cells.get(kind, ())
    limits = _limits([values for report in reports.values() for values in report]) if what == "theta" else None
    lowest = {place % columns: place for place in sorted(places)}.values()
    panels: list[Panel | None] = [None] * (rows * columns)
    for edge, place in enumerate(places):
        chosen = kept[edge] if edge < len(kept) else None
        curves = [
            Curve(
                [(epoch, values[edge][number]) for epoch, values in reports.items()],
                palette[name],
                marker="",
                width=width,
            )
            for number, name in enumerate(view.candidates[kind][edge])
            for width in [2.6 if number == chosen else 1.1]
        ]
        panels[place] = over_epochs(
            sorted(curves, key=lambda curve: curve.width),
            title=view.edge_name(kind, edge),
            x="epoch" if place in lowest else "",
            limits=limits,
            boundaries=view.boundaries,
        )
    ways = "An edge is named by the nodes it joins; node 0 is the input of the cell."
    if view.apart(kind):
        ways = "Edges that do not meet are numbered in the order of the network."
    elif view.inputs(kind) == 2:
        ways = "Rows are the nodes of the cell, columns where an edge comes from; edges without a thick line were not kept."
    kept_words = "thick: the operation that is kept in what was found"
    caption = f"{about}, over {plural(len(reports), 'epoch')}, one plot an edge; {kept_words}. {ways}"
    legend = {operation_name(name): colour for name, colour in palette.items()}
    height = 1.75 + 0.55 / rows
    return plot(f"{what}-{kind}", title, caption, *panels, height=height, columns=columns, legend=legend)


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
