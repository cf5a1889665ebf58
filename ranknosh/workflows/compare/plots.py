"""Pictures of a comparison: how good the finds are, and what the searches spent their budget on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ranknosh.report.figure import ACCENT, INK, MUTED, WIDE, Panel, draw, label_bar, name_rows, time_scale
from ranknosh.workflows.compare.catalog import ALWAYS
from ranknosh.workflows.compare.method import COST_PARTS
from ranknosh.workflows.compare.rows import Row, RunResult, Spread

DOT = "#2b7bba"
PART_COLOURS = {
    "proxies": "#74a9cf",
    "predictor": "#8d7bb8",
    "training": "#0b4f8a",
    "supernet": "#2f9e6e",
    "failed": "#b42318",
    "other": "#b9c6d3",
}
PART_NAMES = {
    "proxies": "train-free scores",
    "predictor": "predictor",
    "training": "training of candidates",
    "supernet": "supernet",
    "failed": "failed",
    "other": "everything else",
}
Reading = tuple[str, Callable[[RunResult], float | None]]


def accuracy_panel(rows: Sequence[Row]) -> Panel:
    """Final accuracies: a dot a seed, the mean with its standard error, random search as a line through all rows."""
    title = "Final accuracy"
    readings: list[Reading] = [
        ("validation accuracy (%)", lambda run: run.validation),
        ("test accuracy (%), read once", lambda run: run.test),
    ]
    if any(row.truth.n for row in rows):
        readings.append(("true accuracy (%) by the table", lambda run: run.truth))
    if not any(row.spread(read).n for row in rows for _, read in readings):
        return Panel("accuracy", title, "n/a: no final training has ended with a result yet.")
    caption = (
        "A dot is one seed: the found cell trained from scratch by the final recipe. Bars: mean and standard error over the "
        "seeds. Dashed line: the mean of random search; methods are told apart from it only where their bars stay clear of its."
    )

    def paint(axes: Sequence[Any]) -> None:
        for place, (axis, (label, read)) in enumerate(zip(axes, readings, strict=True)):
            _paint_accuracy(axis, rows, label, read, named=place == 0)

    size = (WIDE, 1.3 + 0.42 * max(len(rows), 4))
    return Panel("accuracy", title, caption, draw("accuracy", caption, paint, size=size, columns=len(readings)))


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
        if row.method == ALWAYS and row.spread(read).mean is not None:
            axis.axvline(
                100 * (row.spread(read).mean or 0), color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1
            )
    axis.margins(x=0.08)
    axis.set_xlabel(label)


def _paint_mean(axis: Any, spread: Spread, place: int) -> None:
    if spread.mean is None:
        axis.annotate("n/a", (0.5, place), xycoords=("axes fraction", "data"), ha="center", va="center", color=MUTED)
        return
    error = None if spread.error is None else 100 * spread.error
    axis.errorbar(
        100 * spread.mean,
        place,
        xerr=error,
        fmt="|",
        color=ACCENT,
        markersize=17,
        markeredgewidth=2.2,
        capsize=3,
        zorder=4,
    )


def cost_panel(rows: Sequence[Row], budget_seconds: float) -> Panel:
    """The mean device seconds of a search by what they went into, against the budget."""
    used = [part for part in COST_PARTS if any(row.part(part) > 0 for row in rows)]
    caption = (
        "Device seconds of a search, the mean over seeds; the line is the budget, the same for every method. Epochs of a "
        "supernet and of candidates are different goods and are not added: "
        + "; ".join(f"{r.method} {r.work}" for r in rows)
        + "."
    )
    if not used:
        return Panel("cost", "What the budget went into", "n/a: no search has ended yet.")

    def paint(axes: Sequence[Any]) -> None:
        axis = axes[0]
        scale, unit = time_scale(budget_seconds)
        for place, row in enumerate(rows):
            left = 0.0
            for part in used:
                seconds = row.part(part) / scale
                label = PART_NAMES[part] if place == 0 else None
                axis.barh(place, seconds, left=left, height=0.62, color=PART_COLOURS[part], label=label, zorder=2)
                left += seconds
            share = "" if row.share is None else f"{100 * row.share:.0f} % of the budget"
            label_bar(axis, share, max(left, budget_seconds / scale), place)
        axis.axvline(budget_seconds / scale, color=INK, linewidth=1.2, linestyle=(0, (4, 3)), zorder=3)
        name_rows(axis, [row.method for row in rows])
        axis.set_xlim(0, 1.25 * max(budget_seconds, *(row.cost.mean or 0 for row in rows)) / scale)
        axis.set_xlabel(f"device time of a search ({unit})")
        axis.legend(loc="upper center", bbox_to_anchor=(0.45, 1.16), ncols=len(used))

    size = (WIDE, 1.5 + 0.42 * max(len(rows), 4))
    return Panel("cost", "What the budget went into", caption, draw("cost", caption, paint, size=size))
