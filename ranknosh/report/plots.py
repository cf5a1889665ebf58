"""Pictures of how the search went: the pyramid and the incumbent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ranknosh.core.pool import Candidate
from ranknosh.report import words
from ranknosh.report.figure import ACCENT, GRID, INK, WIDE, Panel, draw, level_colour, say, time_scale
from ranknosh.report.series import Result, incumbents, results
from ranknosh.report.view import RunView

MOST_CURVES = 220
MOST_POINTS = 450
LOG_FROM = 12
"""Levels more than this factor apart are drawn on a logarithmic epoch axis."""


def thin(items: Sequence[Any], most: int) -> list[Any]:
    """At most ``most`` items, evenly spread over the sequence, both ends kept."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)] if most > 1 else list(items[:most])


def learning_curve(view: RunView, candidate: Candidate) -> list[tuple[float, float]]:
    """(finished epochs, validation accuracy) over every level; the levels' ends alone where no epochs were recorded."""
    found: list[tuple[float, float]] = []
    for level in sorted(candidate.observations):
        observed = candidate.observations[level]
        if observed.curve:
            found += [(point.epoch, point.validation_accuracy) for point in observed.curve]
        elif observed.validation_accuracy is not None:
            found.append((view.pyramid.epochs[level - 1], observed.validation_accuracy))
    return found


def _chosen_curves(view: RunView) -> tuple[list[Candidate], int]:
    """Candidates whose curve is drawn, an even choice at every level, and how many have one."""
    ranked = [c for c in view.leaderboard() if learning_curve(view, c)]
    kept = list[Candidate]()
    for level in view.levels:
        kept += thin(
            [candidate for candidate in ranked if candidate.level == level], MOST_CURVES // view.pyramid.levels
        )
    return kept, len(ranked)


def pyramid_panel(view: RunView) -> Panel:
    """Learning curves coloured by the level where each stopped, and how many reached each level."""
    drawn, total = _chosen_curves(view)
    reached = [view.reached(level) for level in view.levels]
    caption = (
        f"{words.counted(view.pool.count, 'candidate')} proposed; reached: "
        + ", ".join(
            f"level {level} ({words.counted(epochs, 'epoch')}): {count}"
            for level, epochs, count in zip(view.levels, view.pyramid.epochs, reached, strict=True)
        )
        + ". Each curve is one candidate, its dot the point where it was paused; nobody is discarded. "
        "Pale edges in the pyramid: asked for, not completed."
    )
    if len(drawn) < total:
        caption += f" {len(drawn)} of {total} curves are drawn, an even choice at every level."
    failed = sum(candidate.failed is not None for candidate in view.pool.candidates.values())
    if failed:
        caption += f" {words.counted(failed, 'candidate')} failed (see the table of failures)."

    def paint(axes: Sequence[Any]) -> None:
        _paint_curves(axes[0], view, drawn)
        _paint_pyramid(axes[1], view, reached)

    svg = draw("pyramid", caption, paint, size=(WIDE, 4.6), columns=2, widths=(3.1, 1.0))
    return Panel("pyramid", "The pyramid", caption, svg)


def _paint_curves(axis: Any, view: RunView, drawn: Sequence[Candidate]) -> None:
    levels, epochs, best = view.pyramid.levels, view.pyramid.epochs, view.pool.best()
    first = min((learning_curve(view, candidate)[0][0] for candidate in drawn), default=epochs[0])
    reach, logarithmic = (epochs[-1] - epochs[0]) or 1, epochs[-1] >= LOG_FROM * epochs[0]
    for place, candidate in enumerate(drawn):
        curve = learning_curve(view, candidate)
        x, y = [point[0] for point in curve], [100 * point[1] for point in curve]
        if len(x) == 1:  # a lone dot would hide behind its neighbours
            aside = (place * 0.618034) % 1
            x = [x[0] * (1 - 0.1 * aside) if logarithmic else x[0] - 0.045 * reach * aside]
        colour, strong = level_colour(candidate.level, levels), candidate.level == levels
        axis.plot(
            x, y, color=colour, linewidth=1.3 if strong else 0.9, alpha=0.95 if strong else 0.75, zorder=candidate.level
        )
        axis.plot(x[-1:], y[-1:], "o", color=colour, markersize=3.6, alpha=0.9, zorder=candidate.level + 0.1)
    if best is not None and (curve := learning_curve(view, best)):
        axis.plot([x for x, _ in curve], [100 * y for _, y in curve], color=ACCENT, linewidth=2.4, zorder=levels + 2)
        axis.plot(curve[-1][0], 100 * curve[-1][1], "o", color=ACCENT, markersize=6, zorder=levels + 3)
    for level in view.levels:
        axis.axvline(epochs[level - 1], color="#9aa6b2", linewidth=0.8, linestyle=(0, (2, 3)), zorder=0)
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
    axis.set_xlabel("training epochs")
    axis.set_ylabel("validation accuracy (%)")
    handles = [_line(level_colour(level, levels), 2.0) for level in view.levels]
    labels = [f"stopped at level {level}" for level in view.levels]
    labels[-1] = f"reached the top (level {levels})"
    if best is not None:
        handles, labels = [*handles, _line(ACCENT, 2.6)], [*labels, f"found cell (no. {best.id})"]
    axis.set_title("Validation accuracy while training")
    axis.legend(handles, labels, loc="lower right", fontsize=8.5)


def _line(colour: str, width: float) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, linewidth=width)


def _paint_pyramid(axis: Any, view: RunView, reached: Sequence[int]) -> None:
    widest = max([*reached, 1])
    for level, count in zip(view.levels, reached, strict=True):
        asked = view.pool.entered(level)
        share = count / widest
        axis.barh(level, asked / widest, left=-asked / widest / 2, height=0.72, color=GRID, zorder=1)
        axis.barh(level, share, left=-share / 2, height=0.72, color=level_colour(level, view.pyramid.levels), zorder=2)
        text = f"{count} trained to epoch {view.pyramid.epochs[level - 1]}"
        axis.text(0, level + 0.38, text, ha="center", va="bottom", fontsize=8.5, color=INK)
    axis.set_xlim(-0.56, 0.56)
    axis.set_ylim(0.5, view.pyramid.levels + 0.75)
    axis.set_yticks(list(view.levels), [f"level {level}" for level in view.levels])
    axis.tick_params(length=0)
    axis.set_xticks([])
    axis.grid(visible=False)
    for side in ("left", "bottom"):
        axis.spines[side].set_visible(False)
    axis.set_title("How many got there")


def incumbent_panel(view: RunView) -> Panel:
    """The best candidate so far against epochs spent and against wall time."""
    steps, done = incumbents(view), results(view)
    known = [step for step in steps if step.validation is not None]
    title = "Best so far"
    if not known:
        return Panel("incumbent", title, "n/a: no candidate with a validation accuracy has finished a level yet.")
    last = known[-1]
    caption = (
        "The incumbent is the best candidate of the highest level anybody reached. Its last change came after "
        f"{words.counted(last.epochs, 'epoch')} and {words.duration(last.seconds)}: candidate {last.candidate_id}, "
        f"level {last.level}, validation {words.percent(last.validation)}. Where finalists are trained again with another "
        "seed the line may fall, because the best of several single trainings was also the luckiest."
    )

    def paint(axes: Sequence[Any]) -> None:
        for axis, unit in zip(axes, ("epochs", "seconds"), strict=True):
            _paint_incumbent(axis, view, known, thin(done, MOST_POINTS), unit)

    return Panel("incumbent", title, caption, draw("incumbent", caption, paint, columns=2))


def _paint_incumbent(axis: Any, view: RunView, steps: Sequence[Any], done: Sequence[Result], unit: str) -> None:
    levels = view.pyramid.levels
    scale = time_scale(view.wall_seconds) if unit == "seconds" else (1.0, "epochs")
    end = view.wall_seconds if unit == "seconds" else view.pool.epochs_spent
    for level in view.levels:
        here = [r for r in done if r.level == level and r.validation is not None]
        x = [getattr(r, unit) / scale[0] for r in here]
        y = [100 * (r.validation or 0) for r in here]
        axis.plot(x, y, "o", color=level_colour(level, levels), markersize=3.4, alpha=0.8, label=f"level {level}")
    x = [getattr(step, unit) / scale[0] for step in steps]
    y = [100 * step.validation for step in steps]
    axis.step([*x, end / scale[0]], [*y, y[-1]], where="post", color=ACCENT, linewidth=2.0, label="incumbent")
    axis.plot(x, y, "o", color=ACCENT, markersize=4.2)
    axis.annotate(
        f"{y[-1]:.1f} %",
        (end / scale[0], y[-1]),
        xytext=(0, 7),
        textcoords="offset points",
        ha="right",
        color=ACCENT,
        weight="bold",
    )
    axis.margins(y=0.12)
    axis.set_xlim(left=0)
    if unit == "epochs":
        axis.set_title("Against training epochs spent")
        axis.set_xlabel("epochs spent, all candidates together")
        axis.set_ylabel("validation accuracy (%)")
    else:
        axis.set_title("Against wall time")
        axis.set_xlabel(f"wall time ({scale[1]})")
        axis.legend(loc="lower right", ncols=2, fontsize=8.5, columnspacing=1.2)
