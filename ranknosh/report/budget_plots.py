"""Pictures of the cost: epochs planned and spent, and device time by purpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ranknosh.report import words
from ranknosh.report.figure import (
    ACCENT,
    BAD,
    INK,
    WIDE,
    Panel,
    draw,
    label_bar,
    level_colour,
    name_rows,
    time_scale,
)
from ranknosh.report.series import BudgetPart, budget_parts, unspent
from ranknosh.report.view import RunView


def budget_panel(view: RunView) -> Panel:
    """Where the epochs went, planned against spent, and where the seconds went."""
    parts, left = budget_parts(view), unspent(view)
    spent, limit = view.pool.epochs_spent, view.epochs_limit
    plan = view.plan()
    planned = sum(part.planned or 0 for part in parts) if plan and plan.candidates is not None else None
    caption = f"{words.counted(spent, 'epoch')} charged"
    caption += f" of a limit of {limit:,} ({left:,} unspent)" if limit is not None else " (no limit on epochs)"
    caption += f"; planned before the start: {words.integer(planned)}"
    caption += f" for {words.counted(plan.candidates, 'candidate')}. " if plan and plan.candidates is not None else ". "
    busy = view.pool.device_seconds
    caption += f"Device time {words.duration(busy)}, wall time {words.duration(view.wall_seconds)}. "
    seconds = {part.name: part.seconds for part in parts}
    caption += f"Of the device time, proxies took {words.duration(seconds.get('proxies', 0.0))}, the predictor "
    caption += f"{words.duration(seconds.get('predictor', 0.0))}, failed trainings "
    caption += f"{words.duration(seconds.get('failed trainings', 0.0))}."
    if view.pool.epochs_wasted:
        lost = words.counted(view.pool.epochs_wasted, "epoch")
        caption += (
            f" Attempts that failed and were tried again are charged in seconds, not in epochs ({lost} of work lost)."
        )

    def paint(axes: Sequence[Any]) -> None:
        _paint_epochs(axes[0], [part for part in parts if part.planned or part.epochs], view, left)
        _paint_seconds(axes[1], [part for part in parts if part.seconds], view)

    svg = draw("budget", caption, paint, size=(WIDE, 3.9), columns=2)
    return Panel("budget", "The budget: planned and spent", caption, svg)


def _part_colour(name: str, view: RunView) -> str:
    if name.startswith("level "):
        return level_colour(int(name.split()[1]), view.pyramid.levels)
    return {"failed trainings": BAD, "finalists again": ACCENT, "unspent": "#eef1f4"}.get(name, "#8d7bb8")


def _paint_epochs(axis: Any, parts: Sequence[BudgetPart], view: RunView, left: int | None) -> None:
    """A waterfall: each bar begins where the one above it ended; the thin grey bar is what was planned."""
    spent_to = planned_to = 0
    names = [part.name for part in parts]
    for row, part in enumerate(parts):
        if part.planned is not None:
            axis.barh(row - 0.29, part.planned, left=planned_to, height=0.2, color="#c3ccd5", zorder=2)
            planned_to += part.planned
        axis.barh(row + 0.1, part.epochs, left=spent_to, height=0.5, color=_part_colour(part.name, view), zorder=2)
        spent_to += part.epochs
        text = f"{part.epochs:,}" + (f" of {part.planned:,}" if part.planned else "")
        label_bar(axis, text, max(spent_to, planned_to), row)
    if left:
        axis.barh(
            len(parts) + 0.1,
            left,
            left=spent_to,
            height=0.5,
            facecolor="#f6f8fa",
            edgecolor="#9aa6b2",
            linewidth=0.8,
            hatch="////",
            zorder=2,
        )
        label_bar(axis, f"{left:,}", spent_to + left, len(parts))
        names = [*names, "unspent"]
    widest = max(spent_to + (left or 0), planned_to, view.epochs_limit or 0, 1)
    if view.epochs_limit is not None:
        axis.axvline(view.epochs_limit, color=INK, linewidth=1.1, zorder=3)
        axis.set_title(f"Training epochs (limit {view.epochs_limit:,}; thin grey bars: planned)")
    else:
        axis.set_title("Training epochs (no limit; thin grey bars: planned)")
    axis.set_xlim(0, widest * 1.16)
    name_rows(axis, names)
    axis.set_xlabel("epochs, added up")


def _paint_seconds(axis: Any, parts: Sequence[BudgetPart], view: RunView) -> None:
    scale, unit = time_scale(view.pool.device_seconds)
    total = view.pool.device_seconds or 1.0
    gone = 0.0
    for row, part in enumerate(parts):
        axis.barh(
            row, part.seconds / scale, left=gone / scale, height=0.6, color=_part_colour(part.name, view), zorder=2
        )
        gone += part.seconds
        text = f"{words.duration(part.seconds)} ({100 * part.seconds / total:.0f} %)"
        label_bar(axis, text, gone / scale, row)
    axis.set_xlim(0, max(gone, 1e-9) / scale * 1.34)
    name_rows(axis, [part.name for part in parts])
    axis.set_title("Device time by purpose")
    axis.set_xlabel(f"{unit}, added up")
