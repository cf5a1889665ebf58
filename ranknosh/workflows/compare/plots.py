"""Plots of a comparison: how good the finds are, and what the searches spent their budget on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ranknosh.config.compare import ALWAYS
from ranknosh.report.figure import ACCENT, INK, MUTED, WIDE, label_bar, name_rows, plot, time_scale
from ranknosh.report.page import PageSection, missing
from ranknosh.workflows.compare.records import COST_PARTS
from ranknosh.workflows.compare.rows import Row, RunResult, Spread

DOT, DASHED = "#2b7bba", (0, (4, 3))
PARTS = {
    "proxies": ("train-free scores", "#74a9cf"),
    "predictor": ("predictor", "#8d7bb8"),
    "training": ("training of candidates", "#0b4f8a"),
    "supernet": ("supernet", "#2f9e6e"),
    "failed": ("failed", "#b42318"),
    "other": ("everything else", "#9db0c3"),
}
Reading = tuple[str, Callable[[RunResult], float | None]]


def accuracy_plot(rows: Sequence[Row]) -> PageSection:
    """Final accuracies: a dot a seed, the mean with its standard error, random search as a line through all rows."""
    title = "Final accuracy"
    readings: list[Reading] = [
        ("validation accuracy (%)", lambda run: run.validation),
        ("test accuracy (%), read once", lambda run: run.test),
    ]
    if any(row.truth.n for row in rows):
        readings.append(("true accuracy (%) by the table", lambda run: run.truth))
    if not any(row.spread(read).n for row in rows for _, read in readings):
        return missing("accuracy", title, "n/a: no final training has ended with a result yet.")
    caption = (
        "A dot is one seed: the found cell trained from scratch by the final recipe. Bars: mean and standard error over the "
        "seeds. Dashed line: the mean of random search; a method differs from it only where their bars do not overlap."
    )

    def paint(axes: Sequence[Any]) -> None:
        for place, (axis, (label, read)) in enumerate(zip(axes, readings, strict=True)):
            _paint_accuracy(axis, rows, label, read, named=place == 0)

    size = (WIDE, 1.3 + 0.42 * max(len(rows), 4))
    return plot("accuracy", title, caption, paint, size=size, columns=len(readings))


def _paint_accuracy(
    axis: Any, rows: Sequence[Row], label: str, read: Callable[[RunResult], float | None], named: bool
) -> None:
    name_rows(axis, [row.method for row in rows])
    if not named:
        axis.set_yticklabels([])
    for place, row in enumerate(rows):
        known = [100 * value for run in row.runs if (value := read(run)) is not None]
        aside = [0.22 * (2 * (i + 1) / (len(known) + 1) - 1) for i in range(len(known))]
        colour = MUTED if row.method == ALWAYS else DOT
        axis.plot(known, [place + shift for shift in aside], "o", color=colour, markersize=5, alpha=0.75, zorder=3)
        _paint_mean(axis, row.spread(read), place)
        mean = row.spread(read).mean
        if row.method == ALWAYS and mean is not None:
            axis.axvline(100 * mean, color=MUTED, linewidth=1.2, linestyle=DASHED, zorder=1)
    axis.margins(x=0.08)
    axis.set_xlabel(label)


def _paint_mean(axis: Any, spread: Spread, place: int) -> None:
    if spread.mean is None:
        axis.annotate("n/a", (0.5, place), xycoords=("axes fraction", "data"), ha="center", va="center", color=MUTED)
        return
    error = None if spread.error is None else 100 * spread.error
    look = {"fmt": "|", "color": ACCENT, "markersize": 17, "markeredgewidth": 2.2, "capsize": 3, "zorder": 4}
    axis.errorbar(100 * spread.mean, place, xerr=error, **look)


def cost_plot(rows: Sequence[Row], budget_seconds: float) -> PageSection:
    """The mean device seconds of a search by what they went into, against the budget."""
    title = "What the budget went into"
    used = [part for part in COST_PARTS if any(row.part(part) > 0 for row in rows)]
    caption = (
        "Device seconds of a search, the mean over seeds; the line is the budget, the same for every method. Epochs of a "
        "supernet and of candidates are different goods and are not added: "
        + "; ".join(f"{r.method} {r.work}" for r in rows)
        + "."
    )
    if not used:
        return missing("cost", title, "n/a: no search has ended yet.")

    def paint(axes: Sequence[Any]) -> None:
        axis = axes[0]
        scale, unit = time_scale(budget_seconds)
        for place, row in enumerate(rows):
            left = 0.0
            for part in used:
                seconds = row.part(part) / scale
                name, colour = PARTS[part]
                label = name if place == 0 else None
                axis.barh(place, seconds, left=left, height=0.62, color=colour, label=label, zorder=2)
                left += seconds
            share = "" if row.share is None else f"{100 * row.share:.0f} % of the budget"
            label_bar(axis, share, max(left, budget_seconds / scale), place)
        axis.axvline(budget_seconds / scale, color=INK, linewidth=1.2, linestyle=DASHED, zorder=3)
        name_rows(axis, [row.method for row in rows])
        axis.set_xlim(0, 1.25 * max(budget_seconds, *(row.cost.mean or 0 for row in rows)) / scale)
        axis.set_xlabel(f"device time of a search ({unit})")
        axis.legend(loc="upper center", bbox_to_anchor=(0.45, 1.16), ncols=len(used))

    size = (WIDE, 1.5 + 0.42 * max(len(rows), 4))
    return plot("cost", title, caption, paint, size=size)
