"""Plots of a supernet search over its epochs: losses, skips, entropy, accuracies that a table knows, what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ranknosh.report.figure import ACCENT, HALF, MUTED, WIDE, over_epochs, plot, time_scale
from ranknosh.report.page import PageSection, missing
from ranknosh.report.words import duration, percent
from ranknosh.workflows.supernet.view import SupernetView

BLUE, GREEN = "#2b7bba", "#2f9e6e"
KIND_COLOURS = (GREEN, "#8d7bb8", "#a05a00")
FEWEST = 2
"""Epochs below which a line would be a point."""
TOO_FEW = "Not enough epochs yet to draw a line."
MEASURED = {
    "hessian_eigenvalue": "Largest eigenvalue of the Hessian",
    "discretisation_gap": "Discretisation gap",
    "supernet_accuracy": "Accuracy of the supernet",
    "derived_accuracy": "Accuracy of the derived cell inside it",
    "weight_decay": "Weight decay",
    "reward": "Reward of the controller",
}
EXPLAINED = {
    "hessian_eigenvalue": "the validation loss's curvature over the alphas (R-DARTS takes a rise as a sign of a bad cell)",
    "discretisation_gap": "accuracy of the supernet less that of the derived cell inside it, same weights",
}


def curve_plots(view: SupernetView) -> list[PageSection]:
    """Every plot over epochs, in reading order; the half ones are an even number."""
    halves = [skips_plot(view), entropy_plot(view), losses_plot(view), truth_plot(view), landscape_plot(view)]
    shown = [section for section in halves if section is not None]
    shown += [seconds_plot(view)] if len(shown) % 2 else []
    wide = measured_plot(view)
    return [*shown, wide] if wide is not None else shown


def _half(
    name: str, title: str, caption: str, paint: Callable[[Any], None], size: tuple[float, float] = (HALF, 2.9)
) -> PageSection:
    return plot(name, title, caption, lambda axes: paint(axes[0]), size=size, half=True)


def skips_plot(view: SupernetView) -> PageSection:
    """How many skip connections the derived cell has."""
    title = "Skip connections"
    if len(view.reports) < FEWEST:
        return missing("skips", title, TOO_FEW, half=True)
    counts = {kind: view.skips(kind) for kind in view.kinds}

    def paint(axis: Any) -> None:
        for kind, colour in zip(view.kinds, KIND_COLOURS, strict=False):
            label = view.kind_name(kind)
            axis.step(view.epochs, counts[kind], where="mid", color=colour, label=label, linewidth=1.8)
        most = len(view.edges[view.kinds[0]]) if len(counts) == 1 else max(map(max, counts.values())) + 1
        axis.set(ylim=(-0.15, max(most, 2) + 0.3), ylabel="in the derived cell")
        axis.yaxis.get_major_locator().set_params(integer=True)
        over_epochs(axis, view.epochs, boundaries=view.boundaries, legend=len(counts) > 1)

    last = f"{view.reports[-1].skips} after the last one"
    caption = f"In the cell derived after each epoch; {last}. Many of them are how DARTS collapses."
    return _half("skips", title, caption, paint)


def entropy_plot(view: SupernetView) -> PageSection:
    """How undecided the weights are."""
    title = "Entropy of the weights"
    if len(view.reports) < FEWEST:
        return missing("entropy", title, TOO_FEW, half=True)
    values, most = {kind: view.entropy(kind) for kind in view.kinds}, view.most_entropy

    def paint(axis: Any) -> None:
        for kind, colour in zip(view.kinds, KIND_COLOURS, strict=False):
            axis.plot(view.epochs, values[kind], color=colour, label=view.kind_name(kind), linewidth=1.8)
        axis.axhline(most, color=MUTED, linewidth=0.9, linestyle="--")
        lowest = min(0.98 * most, *map(min, values.values()))
        room = 0.1 * (most - lowest)
        axis.set(ylim=(0 if lowest < 0.7 * most else lowest - room, most + room + 1e-6), ylabel="nats")
        axis.ticklabel_format(axis="y", useOffset=False)
        over_epochs(axis, view.epochs, boundaries=view.boundaries, legend=len(values) > 1)

    caption = (
        "Mean over the edges: ln(operations), the dashed line, where all weigh the same, 0 where every edge is decided. The "
        "higher it is when the cell is derived, the more of the mixture is thrown away."
    )
    return _half("entropy", title, caption, paint)


def losses_plot(view: SupernetView) -> PageSection:
    """Cross-entropy of the weights' and of the alphas' images."""
    title, reports = "Losses", [report for report in view.reports if report.weights_loss is not None]
    if len(reports) < FEWEST:
        return missing("losses", title, TOO_FEW, half=True)
    searched = [report for report in reports if report.alphas_loss is not None]

    def paint(axis: Any) -> None:
        for part, shown, colour in (("weights", reports, BLUE), ("alphas", searched, ACCENT)):
            if shown:
                losses = [getattr(report, f"{part}_loss") for report in shown]
                axis.plot(_epochs(shown), losses, color=colour, label=f"{part}' half", linewidth=1.8)
        axis.set_ylabel("cross-entropy, nats")
        axis.set_ylim(bottom=0)
        over_epochs(axis, _epochs(reports), boundaries=view.boundaries, legend=True)

    augment = view.facts["recipe"]["augment"]
    images = "" if augment == "none" else f", on augmented images ({augment})"
    caption = (
        f"Mean over the steps of each epoch{images}. Accuracy on the images that the weights learn from in the last epoch: "
        f"{percent(reports[-1].train_accuracy)}."
    )
    return _half("losses", title, caption, paint)


def _epochs(reports: Sequence[Any]) -> list[int]:
    return [report.epoch + 1 for report in reports]


def seconds_plot(view: SupernetView) -> PageSection:
    """Device time of each epoch."""
    title, seconds = "Time of an epoch", [report.seconds for report in view.reports]
    if len(seconds) < FEWEST:
        return missing("seconds", title, TOO_FEW, half=True)
    unit, name = time_scale(max(seconds))

    def paint(axis: Any) -> None:
        axis.plot(view.epochs, [each / unit for each in seconds], color=BLUE, linewidth=1.6)
        axis.set_ylabel(name)
        axis.set_ylim(bottom=0)
        over_epochs(axis, view.epochs, boundaries=view.boundaries)

    caption = f"Device time of each epoch, what monitors took included; {duration(sum(seconds))} in all."
    return _half("seconds", title, caption, paint)


def truth_plot(view: SupernetView) -> PageSection | None:
    """What a table knows of the derived cells; None where no table knows them."""
    known = [(epoch, 100 * value) for epoch, value in enumerate(view.truths, 1) if value is not None]
    if not known:
        return None
    tables: list[dict[str, float]] = [each.details["table"] for each in view.state.sessions if "table" in each.details]

    def paint(axis: Any) -> None:
        epochs = [epoch for epoch, _ in known]
        axis.plot(*zip(*known, strict=True), color=ACCENT, marker="o", markersize=3, linewidth=1.3)
        for key, above in (("best", 3), ("median", -10)) if tables else ():
            value = 100 * tables[-1][key]
            axis.axhline(value, color=MUTED, linewidth=0.9, linestyle="--")
            place = {"xycoords": ("axes fraction", "data"), "xytext": (3, above), "textcoords": "offset points"}
            axis.annotate(f"{key} of the table", (0, value), **place, ha="left", fontsize=8, color=MUTED)
        axis.set_ylabel("validation accuracy, %")
        over_epochs(axis, epochs, boundaries=view.boundaries)

    caption = (
        "Of the cell derived after each epoch: mean validation accuracy of finished trainings by the table. The search never "
        "saw it."
    )
    return _half("truth", "True accuracy of the derived cell", caption, paint)


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
        axis.grid(visible=False)
        bar = axis.figure.colorbar(shown, ax=axis, shrink=0.9)
        bar.set_label("cross-entropy, nats", color=MUTED)
        bar.outline.set_visible(False)
        bar.ax.ticklabel_format(useOffset=False)

    middle = len(places) // 2
    rise = max(max(row) for row in losses) - losses[middle][middle]
    caption = (
        "Validation loss on a plane of two random directions through the final alphas (the cross), weights held; it rises by at "
        f"most {rise:.3g} nats. Where it is steep, the derived cell loses much."
    )
    return _half("landscape", "The loss around the alphas", caption, paint, (HALF, 3.8))


def measured_plot(view: SupernetView) -> PageSection | None:
    """Small plots of what monitors measured; None where they measured nothing."""
    series = {name: found for name, found in view.measured().items() if len(found[0]) >= FEWEST}
    if not series:
        return None
    columns = min(3, len(series))
    rows = -(-len(series) // columns)

    def paint(axes: Sequence[Any]) -> None:
        for axis in axes[len(series) :]:
            axis.set_axis_off()
        for axis, (name, (epochs, values)) in zip(axes, series.items(), strict=False):
            axis.plot(epochs, values, color=BLUE, marker="o", markersize=2.5, linewidth=1.4)
            axis.set_title(MEASURED.get(name, name.replace("_", " ")), fontsize=9.5)
            over_epochs(axis, epochs, boundaries=view.boundaries)

    texts = "; ".join(f"{MEASURED[name].lower()}: {text}" for name, text in EXPLAINED.items() if name in series)
    caption = "Measured after epochs" + (f" ({texts})." if texts else ".")
    size = (WIDE, 2.5 * rows + 0.2)
    return plot("measured", "What was measured", caption, paint, size=size, rows=rows, columns=columns)
