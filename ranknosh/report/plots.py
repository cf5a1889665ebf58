"""Plots of how a search went: the pyramid, the incumbent, and where the budget went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ranknosh.core.pool import Candidate
from ranknosh.report import words
from ranknosh.report.figure import (
    ACCENT,
    BAD,
    GRID,
    INK,
    WIDE,
    label_bar,
    level_colour,
    name_rows,
    plot,
    say,
    thin,
    time_scale,
)
from ranknosh.report.page import PageSection, missing
from ranknosh.report.series import BudgetPart, Reached, budget_parts, incumbents, results, unspent
from ranknosh.report.view import RunView

MOST_CURVES, MOST_POINTS = 220, 450
LOG_FROM = 12
"""Levels more than this factor apart are drawn on a logarithmic epoch axis."""
DASHED = (0, (2, 3))


def learning_curve(view: RunView, candidate: Candidate) -> list[tuple[float, float]]:
    """(finished epochs, validation accuracy) over every level; the levels' ends alone where no epochs were recorded."""
    found: list[tuple[float, float]] = []
    for level, observed in sorted(candidate.observations.items()):
        if observed.curve:
            found += [(p.epoch, p.validation_accuracy) for p in observed.curve if p.validation_accuracy is not None]
        elif observed.validation_accuracy is not None:
            found.append((view.pyramid.epochs[level - 1], observed.validation_accuracy))
    return found


def _chosen_curves(view: RunView) -> tuple[list[Candidate], int]:
    """Candidates whose curve is drawn, an even choice at every level, and how many have one."""
    ranked = [c for c in view.leaderboard() if learning_curve(view, c)]
    share = MOST_CURVES // view.pyramid.levels
    return [c for level in view.levels for c in thin([c for c in ranked if c.level == level], share)], len(ranked)


def pyramid_plot(view: RunView) -> PageSection:
    """Learning curves coloured by the level where each stopped, and how many reached each level."""
    drawn, total = _chosen_curves(view)
    reached = [view.reached(level) for level in view.levels]
    counts = ", ".join(
        f"level {level} ({words.counted(epochs, 'epoch')}): {count}"
        for level, epochs, count in zip(view.levels, view.pyramid.epochs, reached, strict=True)
    )
    caption = (
        f"{words.counted(view.pool.count, 'candidate')} proposed; reached: {counts}. Each curve is one candidate, its dot the "
        "point where it was paused; none is discarded. Pale edges in the pyramid: asked for, not completed."
    )
    if len(drawn) < total:
        caption += f" {len(drawn)} of {total} curves are drawn, an even choice at every level."
    failed = sum(candidate.failed is not None for candidate in view.pool.candidates.values())
    if failed:
        caption += f" {words.counted(failed, 'candidate')} failed (see the table of failures)."

    def paint(axes: Sequence[Any]) -> None:
        _paint_curves(axes[0], view, drawn)
        _paint_pyramid(axes[1], view, reached)

    return plot("pyramid", "The pyramid", caption, paint, size=(WIDE, 4.6), columns=2, widths=(3.1, 1.0))


def _paint_curves(axis: Any, view: RunView, drawn: Sequence[Candidate]) -> None:
    levels, epochs, best = view.pyramid.levels, view.pyramid.epochs, view.pool.best()
    first = min((learning_curve(view, candidate)[0][0] for candidate in drawn), default=epochs[0])
    reach, logarithmic = (epochs[-1] - epochs[0]) or 1, epochs[-1] >= LOG_FROM * epochs[0]
    for place, candidate in enumerate(drawn):
        x, y = _percents(learning_curve(view, candidate))
        if len(x) == 1:  # a lone dot would hide behind its neighbours
            aside = (place * 0.618034) % 1
            x = [x[0] * (1 - 0.1 * aside) if logarithmic else x[0] - 0.045 * reach * aside]
        colour, level = level_colour(candidate.level, levels), candidate.level
        width, alpha = (1.3, 0.95) if level == levels else (0.9, 0.75)
        axis.plot(x, y, color=colour, linewidth=width, alpha=alpha, zorder=level)
        axis.plot(x[-1:], y[-1:], "o", color=colour, markersize=3.6, alpha=0.9, zorder=level + 0.1)
    for level in view.levels:
        axis.axvline(epochs[level - 1], color="#9aa6b2", linewidth=0.8, linestyle=DASHED, zorder=0)
        words_ = f"reached the top (level {levels})" if level == levels else f"stopped at level {level}"
        axis.plot([], [], color=level_colour(level, levels), linewidth=2, label=words_)
    if best is not None and (curve := learning_curve(view, best)):
        x, y = _percents(curve)
        axis.plot(x, y, color=ACCENT, linewidth=2.4, zorder=levels + 2, label=f"found cell (no. {best.id})")
        axis.plot(x[-1:], y[-1:], "o", color=ACCENT, markersize=6, zorder=levels + 3)
    if logarithmic:
        axis.set_xscale("log")
        axis.set_xlim(first * 0.82, epochs[-1] * 1.12)
    else:
        axis.set_xlim(first - 0.07 * reach, epochs[-1] + 0.03 * reach)
    if not drawn:
        say(axis, "no candidate has finished a level yet")
    axis.set_xticks(list(epochs), [str(epoch) for epoch in epochs])
    axis.set_xticks([], minor=True)
    axis.grid(axis="x", visible=False)
    axis.set(xlabel="training epochs", ylabel="validation accuracy (%)", title="Validation accuracy while training")
    axis.legend(loc="lower right", fontsize=8.5)


def _percents(curve: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in curve], [100 * y for _, y in curve]


def _paint_pyramid(axis: Any, view: RunView, reached: Sequence[int]) -> None:
    widest = max([*reached, 1])
    for level, count in zip(view.levels, reached, strict=True):
        asked, share = view.pool.entered(level) / widest, count / widest
        axis.barh(level, asked, left=-asked / 2, height=0.72, color=GRID, zorder=1)
        axis.barh(level, share, left=-share / 2, height=0.72, color=level_colour(level, view.pyramid.levels), zorder=2)
        text = f"{count} trained to epoch {view.pyramid.epochs[level - 1]}"
        axis.text(0, level + 0.38, text, ha="center", va="bottom", fontsize=8.5, color=INK)
    axis.set_yticks(list(view.levels), [f"level {level}" for level in view.levels])
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.set(xlim=(-0.56, 0.56), ylim=(0.5, view.pyramid.levels + 0.75), xticks=[], title="How many got there")


def incumbent_plot(view: RunView) -> PageSection:
    """The best candidate so far against epochs spent and against wall time."""
    known, done = [step for step in incumbents(view) if step.validation is not None], results(view)
    title = "Best so far"
    if not known:
        return missing("incumbent", title, "n/a: no candidate with a validation accuracy has finished a level yet.")
    last = known[-1]
    caption = (
        "The incumbent is the best candidate of the highest level that any reached. Its last change came after "
        f"{words.counted(last.epochs, 'epoch')} and {words.duration(last.seconds)}: candidate {last.candidate_id}, "
        f"level {last.level}, validation {words.percent(last.validation)}. Where finalists are trained again with another "
        "seed the line may fall, because the best of several single trainings was also the luckiest."
    )

    def paint(axes: Sequence[Any]) -> None:
        for axis, unit in zip(axes, ("epochs", "seconds"), strict=True):
            _paint_incumbent(axis, view, known, thin(done, MOST_POINTS), unit)

    return plot("incumbent", title, caption, paint, columns=2)


def _paint_incumbent(axis: Any, view: RunView, steps: Sequence[Reached], done: Sequence[Reached], unit: str) -> None:
    in_time = unit == "seconds"
    scale, name = time_scale(view.wall_seconds) if in_time else (1.0, unit)
    end = (view.wall_seconds if in_time else view.pool.epochs_spent) / scale
    for level in view.levels:
        here = [(getattr(r, unit) / scale, r.validation) for r in done if r.level == level and r.validation is not None]
        colour = level_colour(level, view.pyramid.levels)
        axis.plot(*_percents(here), "o", color=colour, markersize=3.4, alpha=0.8, label=f"level {level}")
    x, y = _percents([(getattr(step, unit) / scale, step.validation or 0.0) for step in steps])
    axis.step([*x, end], [*y, y[-1]], where="post", color=ACCENT, linewidth=2.0, label="incumbent")
    axis.plot(x, y, "o", color=ACCENT, markersize=4.2)
    words_ = f"{y[-1]:.1f} %"
    offset = {"xytext": (0, 7), "textcoords": "offset points", "ha": "right", "color": ACCENT, "weight": "bold"}
    axis.annotate(words_, (end, y[-1]), **offset)
    axis.margins(y=0.12)
    axis.set_xlim(left=0)
    if in_time:
        axis.set(title="Against wall time", xlabel=f"wall time ({name})")
        axis.legend(loc="lower right", ncols=2, fontsize=8.5, columnspacing=1.2)
    else:
        axis.set(title="Against training epochs spent", ylabel="validation accuracy (%)")
        axis.set_xlabel("epochs spent, all candidates together")


def budget_plot(view: RunView) -> PageSection:
    """Where the epochs went, planned against spent, and where the seconds went."""
    parts, left, plan, limit = budget_parts(view), unspent(view), view.plan(), view.epochs_limit
    limited = f"of a limit of {limit:,} ({left:,} unspent)" if limit is not None else "(no limit on epochs)"
    planned = words.UNKNOWN
    if plan and plan.candidates is not None:
        epochs = sum(part.planned or 0 for part in parts)
        planned = f"{words.integer(epochs)} for {words.counted(plan.candidates, 'candidate')}"
    seconds = {part.name: part.seconds for part in parts}
    shares = [words.duration(seconds.get(name, 0.0)) for name in ("proxies", "predictor", "failed trainings")]
    caption = (
        f"{words.counted(view.pool.epochs_spent, 'epoch')} charged {limited}; planned before the start: {planned}. "
        f"Device time {words.duration(view.pool.device_seconds)}, wall time {words.duration(view.wall_seconds)}. Of the "
        f"device time, proxies took {shares[0]}, the predictor {shares[1]}, failed trainings {shares[2]}."
    )
    if view.pool.epochs_wasted:
        lost = words.counted(view.pool.epochs_wasted, "epoch")
        caption += (
            f" Attempts that failed and were tried again are charged in seconds, not in epochs ({lost} of work lost)."
        )

    def paint(axes: Sequence[Any]) -> None:
        _paint_epochs(axes[0], [part for part in parts if part.planned or part.epochs], view, left)
        _paint_seconds(axes[1], [part for part in parts if part.seconds], view)

    return plot("budget", "The budget: planned and spent", caption, paint, size=(WIDE, 3.9), columns=2)


def _part_colour(name: str, view: RunView) -> str:
    if name.startswith("level "):
        return level_colour(int(name.split()[1]), view.pyramid.levels)
    return {"failed trainings": BAD, "finalists again": ACCENT}.get(name, "#8d7bb8")


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
        look = {"facecolor": "#f6f8fa", "edgecolor": "#9aa6b2", "linewidth": 0.8, "hatch": "////", "zorder": 2}
        axis.barh(len(parts) + 0.1, left, left=spent_to, height=0.5, **look)
        label_bar(axis, f"{left:,}", spent_to + left, len(parts))
        names = [*names, "unspent"]
    limit = view.epochs_limit
    if limit is not None:
        axis.axvline(limit, color=INK, linewidth=1.1, zorder=3)
    stated = "no limit" if limit is None else f"limit {limit:,}"
    name_rows(axis, names)
    axis.set_xlim(0, 1.16 * max(spent_to + (left or 0), planned_to, limit or 0, 1))
    axis.set(title=f"Training epochs ({stated}; thin grey bars: planned)", xlabel="epochs, added up")


def _paint_seconds(axis: Any, parts: Sequence[BudgetPart], view: RunView) -> None:
    scale, unit = time_scale(view.pool.device_seconds)
    total, gone = view.pool.device_seconds or 1.0, 0.0
    for row, part in enumerate(parts):
        colour, start = _part_colour(part.name, view), gone / scale
        axis.barh(row, part.seconds / scale, left=start, height=0.6, color=colour, zorder=2)
        gone += part.seconds
        text = f"{words.duration(part.seconds)} ({100 * part.seconds / total:.0f} %)"
        label_bar(axis, text, gone / scale, row)
    name_rows(axis, [part.name for part in parts])
    axis.set_xlim(0, max(gone, 1e-9) / scale * 1.34)
    axis.set(title="Device time by purpose", xlabel=f"{unit}, added up")
