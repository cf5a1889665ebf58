"""Pictures of a supernet search over its epochs: losses, skips, entropy, accuracies that a table knows, what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ranknosh.config.units import human_duration
from ranknosh.report.figure import ACCENT, HALF, MUTED, WIDE, Panel, draw, time_scale
from ranknosh.workflows.supernet.plots import FEWEST
from ranknosh.workflows.supernet.story import Story

BLUE, GREEN = "#2b7bba", "#2f9e6e"
KIND_COLOURS = (GREEN, "#8d7bb8", "#a05a00")
WORDS = {
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


def curve_panels(story: Story) -> list[Panel]:
    """Every picture over epochs, in reading order; the half ones are an even number."""
    halves = [skips_panel(story), entropy_panel(story), losses_panel(story), truth_panel(story), landscape_panel(story)]
    shown = [panel for panel in halves if panel is not None]
    shown += [seconds_panel(story)] if len(shown) % 2 else []
    wide = measured_panel(story)
    return [*shown, wide] if wide is not None else shown


def skips_panel(story: Story) -> Panel:
    name, title = "skips", "Skip connections"
    if len(story.reports) < FEWEST:
        return Panel(name, title, "Not enough epochs yet to draw a line.", wide=False)
    epochs = [report.epoch + 1 for report in story.reports]

    def paint(axes: Sequence[Any]) -> None:
        (axis,) = axes
        for kind, colour in zip(story.kinds, KIND_COLOURS, strict=False):
            axis.step(epochs, story.skips(kind), where="mid", color=colour, label=story.kind_name(kind), linewidth=1.8)
        most = max(len(story.edges[kind]) for kind in story.kinds)
        limit = most if len(story.kinds) == 1 else max(max(story.skips(kind)) for kind in story.kinds) + 1
        axis.set_ylim(-0.15, max(limit, 2) + 0.3)
        axis.yaxis.get_major_locator().set_params(integer=True)
        axis.set_ylabel("in the derived cell")
        _finish(axis, story, epochs, legend=len(story.kinds) > 1)

    last = story.reports[-1].skips
    caption = f"In the cell derived after each epoch; {last} after the last one. Many of them are how DARTS collapses."
    return Panel(
        name, title, caption, draw(name, f"{title} per epoch, {last} at the end", paint, size=(HALF, 2.9)), wide=False
    )


def entropy_panel(story: Story) -> Panel:
    name, title = "entropy", "Entropy of the weights"
    if len(story.reports) < FEWEST:
        return Panel(name, title, "Not enough epochs yet to draw a line.", wide=False)
    epochs = [report.epoch + 1 for report in story.reports]

    def paint(axes: Sequence[Any]) -> None:
        (axis,) = axes
        for kind, colour in zip(story.kinds, KIND_COLOURS, strict=False):
            axis.plot(epochs, story.entropy(kind), color=colour, label=story.kind_name(kind), linewidth=1.8)
        most = max(math.log(len(names)) for kind in story.kinds for names in story.candidates[kind])
        axis.axhline(most, color=MUTED, linewidth=0.9, linestyle="--")
        lowest = min(0.98 * most, *(min(story.entropy(kind)) for kind in story.kinds))
        axis.set_ylim(0 if lowest < 0.7 * most else lowest - 0.1 * (most - lowest), most + 0.1 * (most - lowest) + 1e-6)
        axis.ticklabel_format(axis="y", useOffset=False)
        axis.set_ylabel("nats")
        _finish(axis, story, epochs, legend=len(story.kinds) > 1)

    caption = (
        "Mean over the edges: ln(operations), the dashed line, where all weigh the same, 0 where every edge is decided. The "
        "higher it is when the cell is derived, the more of the mixture is thrown away."
    )
    return Panel(name, title, caption, draw(name, f"{title} per epoch", paint, size=(HALF, 2.9)), wide=False)


def losses_panel(story: Story) -> Panel:
    name, title = "losses", "Losses"
    reports = [report for report in story.reports if report.weights_loss is not None]
    if len(reports) < FEWEST:
        return Panel(name, title, "Not enough epochs yet to draw a line.", wide=False)
    epochs = [report.epoch + 1 for report in reports]

    def paint(axes: Sequence[Any]) -> None:
        (axis,) = axes
        axis.plot(epochs, [report.weights_loss for report in reports], color=BLUE, label="weights' half", linewidth=1.8)
        searched = [report for report in reports if report.alphas_loss is not None]
        if searched:
            places = [report.epoch + 1 for report in searched]
            axis.plot(places, [r.alphas_loss for r in searched], color=ACCENT, label="alphas' half", linewidth=1.8)
        axis.set_ylabel("cross-entropy, nats")
        axis.set_ylim(bottom=0)
        _finish(axis, story, epochs, legend=True)

    last = reports[-1]
    augment = story.header["method"]["recipe"]["augment"]
    images = "" if augment == "none" else f", on augmented images ({augment})"
    caption = (
        f"Mean over the steps of each epoch{images}. Accuracy on the images that the weights learn from in the last epoch: "
        f"{100 * last.train_accuracy:.2f} %."
    )
    return Panel(name, title, caption, draw(name, "Losses per epoch", paint, size=(HALF, 2.9)), wide=False)


def seconds_panel(story: Story) -> Panel:
    name, title = "seconds", "Time of an epoch"
    if len(story.reports) < FEWEST:
        return Panel(name, title, "Not enough epochs yet to draw a line.", wide=False)
    epochs = [report.epoch + 1 for report in story.reports]
    seconds = [report.seconds for report in story.reports]
    unit, words = time_scale(max(seconds))

    def paint(axes: Sequence[Any]) -> None:
        (axis,) = axes
        axis.plot(epochs, [each / unit for each in seconds], color=BLUE, linewidth=1.6)
        axis.set_ylabel(words)
        axis.set_ylim(bottom=0)
        _finish(axis, story, epochs, legend=False)

    caption = f"Device time of each epoch, what monitors took included; {human_duration(sum(seconds))} in all."
    return Panel(name, title, caption, draw(name, title, paint, size=(HALF, 2.9)), wide=False)


def truth_panel(story: Story) -> Panel | None:
    """None where no table knows the cells."""
    known = [(epoch, value) for epoch, value in enumerate(story.truths, 1) if value is not None]
    if not known:
        return None
    name, title = "truth", "True accuracy of the derived cell"
    tables: list[dict[str, float]] = [session["table"] for session in story.record.sessions if session.get("table")]

    def paint(axes: Sequence[Any]) -> None:
        (axis,) = axes
        epochs = [epoch for epoch, _ in known]
        axis.plot(epochs, [100 * value for _, value in known], color=ACCENT, marker="o", markersize=3, linewidth=1.3)
        for key in ("best", "median") if tables else ():
            axis.axhline(100 * tables[-1][key], color=MUTED, linewidth=0.9, linestyle="--")
            axis.annotate(
                f"{key} of the table",
                (0, 100 * tables[-1][key]),
                xycoords=("axes fraction", "data"),
                xytext=(3, 3 if key == "best" else -10),
                textcoords="offset points",
                ha="left",
                fontsize=8,
                color=MUTED,
            )
        axis.set_ylabel("validation accuracy, %")
        _finish(axis, story, epochs, legend=False)

    caption = (
        "Of the cell derived after each epoch: mean validation accuracy of finished trainings by the table. The search never "
        "saw it."
    )
    return Panel(name, title, caption, draw(name, title + " per epoch", paint, size=(HALF, 2.9)), wide=False)


def measured_panel(story: Story) -> Panel | None:
    """Small plots of what monitors measured; None where they measured nothing."""
    series = {name: found for name, found in story.measured().items() if len(found[0]) >= FEWEST}
    if not series:
        return None
    columns = min(3, len(series))
    rows = -(-len(series) // columns)

    def paint(axes: Sequence[Any]) -> None:
        for axis in axes[len(series) :]:
            axis.set_axis_off()
        for axis, (name, (epochs, values)) in zip(axes, series.items(), strict=False):
            axis.plot(epochs, values, color=BLUE, marker="o", markersize=2.5, linewidth=1.4)
            axis.set_title(WORDS.get(name, name.replace("_", " ")), fontsize=9.5)
            _finish(axis, story, epochs, legend=False)

    explained = "; ".join(f"{WORDS[name].lower()}: {text}" for name, text in EXPLAINED.items() if name in series)
    caption = "Measured after epochs" + (f" ({explained})." if explained else ".")
    svg = draw(
        "measured", f"{', '.join(series)} over epochs", paint, size=(WIDE, 2.5 * rows + 0.2), rows=rows, columns=columns
    )
    return Panel("measured", "What was measured", caption, svg)


def landscape_panel(story: Story) -> Panel | None:
    """The slice of the loss around the final alphas; None where it was not asked for."""
    found = story.record.result.diagnostics.get("landscape") if story.record.result else None
    if not found:
        return None
    places, losses = found["coordinates"], found["loss"]

    def paint(axes: Sequence[Any]) -> None:
        (axis,) = axes
        shown = axis.contourf(
            places, places, [list(column) for column in zip(*losses, strict=True)], levels=14, cmap="Blues"
        )
        axis.plot([0], [0], marker="x", color=ACCENT, markersize=7, markeredgewidth=1.8)
        axis.set_xlabel("first direction")
        axis.set_ylabel("second direction")
        axis.set_aspect("equal")
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
    return Panel(
        "landscape",
        "The loss around the alphas",
        caption,
        draw("landscape", "Contours of the loss", paint, size=(HALF, 3.8)),
        wide=False,
    )


def _finish(axis: Any, story: Story, epochs: Sequence[int], *, legend: bool) -> None:
    axis.set_xlabel("epoch")
    axis.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
    axis.xaxis.get_major_locator().set_params(integer=True)
    for boundary in story.boundaries:
        axis.axvline(boundary + 0.5, color=MUTED, linewidth=0.8, linestyle=":")
    if legend:
        axis.legend(loc="best")
