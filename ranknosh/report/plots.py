"""Plots of how a search went: the pyramid, the best so far, and where the budget went."""

from collections.abc import Sequence
from functools import cache, partial
from itertools import accumulate
from typing import Any

from ranknosh.config.units import human_duration, plural, whole
from ranknosh.core.candidates import Candidate
from ranknosh.report import charts, words
from ranknosh.report.focus import focus
from ranknosh.report.page import PageSection, missing
from ranknosh.report.series import BudgetPart, Reached, budget_parts, ends, incumbents, results
from ranknosh.report.view import SearchView

MOST_CURVES = 220
LOG_FROM = 12
"""Levels more than this factor apart are drawn on a logarithmic epoch axis."""
LEVEL_RAMP = ("#8297ac", "#5c94c0", "#2b7bba", "#08396b")
Points = Sequence[tuple[float, float]]


@cache
def level_colour(level: int, levels: int) -> str:
    """The colour of ``level`` of ``levels``: pale where training stopped early, dark at the top."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    place = (level - 1) / (levels - 1) if levels > 1 else 1.0
    return str(to_hex(LinearSegmentedColormap.from_list("levels", LEVEL_RAMP)(place)))


def learning_curve(view: SearchView, candidate: Candidate) -> list[tuple[float, float]]:
    """(finished epochs, headline metric as it is drawn) over every level; its ends alone where no epochs were recorded."""
    found: list[tuple[float, float | None]] = []
    for level, observed in sorted(candidate.observations.items()):
        ends = [(view.pyramid.epochs[level - 1], view.shown(observed.metrics))]
        found += [(point.epoch, view.shown(point.metrics)) for point in observed.curve] or ends
    return [(epoch, view.headline.scale * value) for epoch, value in found if value is not None]


def named(view: SearchView, candidate: Candidate, level: int | None = None) -> str:
    """``#7: 65.75 % at level 2``, to tell a reader what a mark is; None for the highest level completed."""
    at = level or candidate.level
    shown = view.shown(candidate.observations[at].metrics if level else candidate.metrics)
    return f"#{candidate.id}: {view.headline.text(shown)} at level {at}"


def pyramid_plot(view: SearchView) -> PageSection:
    """Learning curves coloured by the level where each stopped, and how many reached each level."""
    curves = [(c, curve) for c in view.leaderboard() if (curve := learning_curve(view, c))]
    share = MOST_CURVES // view.pyramid.levels
    drawn = [
        each
        for level in view.levels
        for each in charts.thin([pair for pair in curves if pair[0].level == level], share)
    ]
    counts = ", ".join(
        f"level {level} ({plural(epochs, 'epoch')}): {view.reached(level)}"
        for level, epochs in zip(view.levels, view.pyramid.epochs, strict=True)
    )
    caption = (
        f"{plural(view.pool.count, 'candidate')} proposed; reached: {counts}. Each curve is one candidate, its dot the "
        "point where it was paused; none is discarded. Pale edges in the pyramid: sent on to that level, not there yet."
    )
    if len(drawn) < len(curves):
        caption += f" {len(drawn)} of {len(curves)} curves are drawn, an even choice at every level."
    if view.failed:
        caption += f" {plural(view.failed, 'candidate')} failed (see the table of failures)."
    panels = partial(_paint_curves, view=view, drawn=drawn), partial(_paint_pyramid, view=view)
    return charts.plot("pyramid", "The pyramid", caption, *panels, height=4.6, widths=(3.1, 1.0))


def _paint_curves(axis: Any, view: SearchView, drawn: Sequence[tuple[Candidate, Points]]) -> None:
    levels, epochs, best = view.pyramid.levels, view.pyramid.epochs, view.pool.best()
    first = min((curve[0][0] for _, curve in drawn), default=epochs[0])
    reach, logarithmic = (epochs[-1] - epochs[0]) or 1, epochs[-1] >= LOG_FROM * epochs[0]
    for place, (candidate, points) in enumerate(drawn):
        if len(points) == 1:  # a lone dot would hide behind its neighbours
            ((x, y),), aside = points, (place * 0.618034) % 1
            points = [(x * (1 - 0.1 * aside) if logarithmic else x - 0.045 * reach * aside, y)]
        level = candidate.level
        width, alpha = (1.3, 0.95) if level == levels else (0.9, 0.75)
        _curve(axis, points, level_colour(level, levels), linewidth=width, markersize=3.6, alpha=alpha, zorder=level)
        charts.tell(axis, *points[-1], named(view, candidate))
    for level, epoch in enumerate(epochs, 1):
        axis.axvline(epoch, color="#9aa6b2", linewidth=0.8, linestyle=charts.DASHED, zorder=0)
        label = f"reached the top (level {levels})" if level == levels else f"stopped at level {level}"
        axis.plot([], [], color=level_colour(level, levels), linewidth=2, label=label)
    if best is not None and (points := learning_curve(view, best)):
        look = {"label": f"found (no. {best.id})", "linewidth": 2.4, "markersize": 6, "zorder": levels + 2}
        _curve(axis, points, charts.ACCENT, **look)
    if logarithmic:
        axis.set_xscale("log")
    axis.set_xlim(
        *(first * 0.82, epochs[-1] * 1.12) if logarithmic else (first - 0.07 * reach, epochs[-1] + 0.03 * reach)
    )
    focus(axis, "y", [y for _, points in drawn for _, y in points], view.headline.higher)
    if not drawn:
        charts.say(axis, "no candidate has finished a level yet")
    charts.name_ticks(axis.xaxis, epochs, [str(epoch) for epoch in epochs])
    shown = f"validation {view.headline.label}"
    axis.set(xlabel="training epochs", ylabel=shown, title=f"Validation {view.headline.name} while training")
    axis.legend(loc="best")


def _curve(axis: Any, points: Points, colour: str, **look: Any) -> None:
    """A line with a dot at its end."""
    axis.plot(*zip(*points, strict=True), "-o", color=colour, markevery=[len(points) - 1], **look)


def _paint_pyramid(axis: Any, view: SearchView) -> None:
    widest = max(*(view.reached(level) for level in view.levels), 1)
    for level, epochs in enumerate(view.pyramid.epochs, 1):
        reached, colour = view.reached(level), level_colour(level, view.pyramid.levels)
        for count, fill in ((view.pool.entered(level), charts.GRID), (reached, colour)):
            axis.barh(level, count / widest, left=-count / widest / 2, height=0.72, color=fill)
        axis.text(0, level + 0.38, f"{reached} trained to epoch {epochs}", ha="center", va="bottom", fontsize=8.5)
    charts.name_ticks(axis.yaxis, view.levels, [f"level {level}" for level in view.levels])
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.set(xlim=(-0.56, 0.56), ylim=(0.5, view.pyramid.levels + 0.75), xticks=[], title="How many got there")


def incumbent_plot(view: SearchView) -> PageSection:
    """The best candidate so far against epochs spent and against wall time."""
    steps, title = [step for step in incumbents(view) if step.validation is not None], "Best so far"
    if not steps:
        return missing("incumbent", title, "n/a: no candidate with a validation metric has finished a level yet.")
    last = steps[-1]
    caption = (
        f"The incumbent is the best candidate by validation {view.ranked_name} of the highest level that any reached. Its last "
        "change came after "
        f"{plural(last.epochs, 'epoch')} and {human_duration(last.seconds)}: candidate {last.candidate_id}, "
        f"level {last.level}, validation {view.headline.text(last.validation)}. Where finalists are trained again with another "
        "seed the line may fall, because the best of several single trainings was also the luckiest."
    )
    done = [result for result in results(view) if result.validation is not None]
    units = ("epochs", "device_seconds", "seconds")
    panels = [partial(_paint_incumbent, view=view, steps=steps, done=done, unit=unit) for unit in units]
    return charts.plot("incumbent", title, caption, *panels)


def _paint_incumbent(axis: Any, view: SearchView, steps: Sequence[Reached], done: Sequence[Reached], unit: str) -> None:
    spent = ends(view)[unit]
    scale, name = (1.0, unit) if unit == "epochs" else charts.time_scale(spent)
    end = spent / scale

    def points(found: Sequence[Reached]) -> Points:
        return [(getattr(each, unit) / scale, view.headline.scale * (each.validation or 0.0)) for each in found]

    for level in view.levels:
        here = [result for result in done if result.level == level]
        tips = [named(view, view.pool.candidates[result.candidate_id], level) for result in here]
        charts.dots(axis, points(here), level_colour(level, view.pyramid.levels), f"level {level}", size=4.5, tips=tips)
    x, y = zip(*points(steps), strict=True)
    axis.step([*x, end], [*y, y[-1]], where="post", color=charts.ACCENT, linewidth=2.0, label="incumbent")
    axis.plot(x, y, "o", color=charts.ACCENT, markersize=4.2)
    offset = {"xytext": (0, 7), "textcoords": "offset points", "ha": "right"}
    last = f"{y[-1]:.1f} %" if view.headline.unit == "%" else view.headline.text(y[-1])
    axis.annotate(last, (end, y[-1]), **offset, color=charts.ACCENT, weight="bold")
    axis.margins(y=0.12)
    focus(axis, "y", [value for _, value in points(done)], view.headline.higher)
    axis.set_xlim(left=0)
    if unit == "epochs":
        axis.set(title="Against training epochs spent", ylabel=f"validation {view.headline.label}")
        axis.set_xlabel("epochs spent, all candidates together")
    else:
        time = "wall time" if unit == "seconds" else "device time"
        axis.set(title=f"Against {time}", xlabel=f"{time} ({name})")
    if unit == "seconds":
        axis.legend(loc="best", ncols=2)


def budget_plot(view: SearchView) -> PageSection:
    """Where the epochs went, planned against spent, and where the seconds went."""
    parts, left, plan, limit = budget_parts(view), view.unspent, view.plan(), view.settings.budget.epochs
    limited = f"of a limit of {limit:,} ({left:,} unspent)" if limit is not None else "(no limit on epochs)"
    planned = words.UNKNOWN
    if plan and plan.candidates is not None:
        epochs = sum(part.planned or 0 for part in parts)
        planned = f"{whole(epochs)} for {plural(plan.candidates, 'candidate')}"
    seconds = {part.name: part.seconds for part in parts}
    shares = [human_duration(seconds.get(name, 0.0)) for name in ("proxies", "predictor", "failed trainings")]
    caption = (
        f"{plural(view.pool.epochs_spent, 'epoch')} charged {limited}; planned before the start: {planned}. "
        f"Device time {human_duration(view.pool.device_seconds)}, wall time {human_duration(view.search_seconds)}. Of the "
        f"device time, proxies took {shares[0]}, the predictor {shares[1]}, failed trainings {shares[2]}."
    )
    if view.pool.epochs_wasted:
        lost = plural(view.pool.epochs_wasted, "epoch")
        caption += (
            f" Attempts that failed and were tried again are charged in seconds, not in epochs ({lost} of work lost)."
        )
    panels = partial(_paint_epochs, view=view, parts=parts), partial(_paint_seconds, view=view, parts=parts)
    return charts.plot("budget", "The budget: planned and spent", caption, *panels, height=3.9)


def _paint_epochs(axis: Any, view: SearchView, parts: Sequence[BudgetPart]) -> None:
    parts, limit = [part for part in parts if part.planned or part.epochs], view.settings.budget.epochs
    texts = [f"{part.epochs:,}" + (f" of {part.planned:,}" if part.planned else "") for part in parts]
    bars = [(part.name, float(part.epochs), text) for part, text in zip(parts, texts, strict=True)]
    if left := view.unspent:
        bars.append(("unspent", float(left), f"{left:,}"))
    end = _waterfall(axis, view, bars, [part.planned or 0 for part in parts])
    if limit is not None:
        axis.axvline(limit, color=charts.INK, linewidth=1.1, zorder=3)
    stated = "no limit" if limit is None else f"limit {limit:,}"
    axis.set_xlim(0, 1.16 * max(end, limit or 0, 1))
    axis.set(title=f"Training epochs ({stated}; thin grey bars: planned)", xlabel="epochs, added up")


def _paint_seconds(axis: Any, view: SearchView, parts: Sequence[BudgetPart]) -> None:
    parts, total = [part for part in parts if part.seconds], view.pool.device_seconds or 1.0
    scale, unit = charts.time_scale(total)
    texts = [f"{human_duration(part.seconds)} ({100 * part.seconds / total:.0f} %)" for part in parts]
    bars = [(part.name, part.seconds / scale, text) for part, text in zip(parts, texts, strict=True)]
    axis.set_xlim(0, 1.34 * max(_waterfall(axis, view, bars), 1e-9))
    axis.set(title="Device time by purpose", xlabel=f"{unit}, added up")


def _waterfall(
    axis: Any, view: SearchView, bars: Sequence[tuple[str, float, str]], planned: Sequence[int] = ()
) -> float:
    """Each bar (name, length, text) begins where the one above it ended, with a thin one for what was ``planned``; the end."""
    colours = {f"level {level}": level_colour(level, view.pyramid.levels) for level in view.levels}
    colours |= {"failed trainings": charts.BAD, "finalists again": charts.ACCENT, "unspent": charts.GRID}
    charts.name_rows(axis, [name for name, _, _ in bars], charts.FEW_ROWS)
    ends, plans = list(accumulate(length for _, length, _ in bars)), list(accumulate(planned))
    for row, (plan, until) in enumerate(zip(planned, plans, strict=True)):
        axis.barh(row - 0.29, plan, left=until - plan, height=0.2, color="#c3ccd5", zorder=2)
    shift = 0.1 if planned else 0.0
    for row, (end, (name, length, text)) in enumerate(zip(ends, bars, strict=True)):
        axis.barh(row + shift, length, left=end - length, height=0.5, color=colours.get(name, charts.VIOLET), zorder=2)
        charts.label_bar(axis, text, max([end, *plans[row : row + 1]]), row)
    return max([*ends, *plans], default=0.0)
