"""Plots of results against costs, with limits on costs and, where a search has several objectives, their front."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ranknosh.config.units import Quantity, cost_text, plural, whole
from ranknosh.core.candidates import Candidate
from ranknosh.core.objectives import Objectives
from ranknosh.report import charts
from ranknosh.report.focus import focus
from ranknosh.report.page import Number, PageSection, PageTable, missing
from ranknosh.report.plots import level_colour, named
from ranknosh.report.series import Volumes, linked, pareto_front, volumes
from ranknosh.report.view import SearchView

COUNTED = ("params", "macs")
NAMES = {"params": "parameters", "macs": "multiply-accumulates"}
DRAWN = {"latency": 1000.0, "memory": 1e-6}
"""What costs are multiplied by where they are drawn: milliseconds and megabytes."""
MARKS = ("o", "s", "D", "^", "v", "P", "X")
"""Of levels, from the first on."""
FRONT_ROWS = 40
Points = Sequence[tuple[float, float]]


def cost_plot(view: SearchView) -> PageSection:
    """The headline metric against every known cost that is no objective, with the Pareto front of the top level."""
    title, known = (
        f"Cost and {view.headline.name}",
        [c for c in view.leaderboard() if view.shown(c.metrics) is not None],
    )
    names = dict.fromkeys(name for c in known for name in c.costs if name not in view.settings.objectives)
    if not known:
        return missing("cost", title, f"n/a: no candidate has a validation {view.headline.name} yet.")
    if not names:
        return missing("cost", title, "n/a: no cost of the candidates is known beside those that are objectives.")
    high, sign = max(c.level for c in known), 1 if view.headline.higher else -1
    texts, panels = [], []
    for cost in names:
        costed = [c for c in known if cost in c.costs]
        top = [_cost_point(view, c, cost) for c in costed if c.level == high]
        front = [top[place] for place in pareto_front([x for x, _ in top], [sign * y for _, y in top])]
        link = linked([(c.costs[cost], c) for c in costed])
        label = cost_name(cost)
        texts.append(f"{len(front)} of {len(top)} by {label} (Spearman of {label} with level 1: {link})")
        panels.append(partial(_paint_cost, view=view, known=costed, cost=cost, front=front))
    caption = (
        "Each dot is a candidate at the highest level it completed. The line is the Pareto front of level "
        f"{high}: {'; '.join(texts)}."
    )
    return charts.plot("cost", title, caption, *panels)


def _paint_cost(axis: Any, view: SearchView, known: Sequence[Candidate], cost: str, front: Points) -> None:
    best = view.pool.best()
    for level in view.levels:
        here = [_cost_point(view, c, cost) for c in known if c.level == level]
        tips = [
            f"{named(view, c)}, {cost_name(cost)} {cost_value(cost, c.costs[cost])}" for c in known if c.level == level
        ]
        charts.dots(axis, here, level_colour(level, view.pyramid.levels), f"level {level}", tips=tips)
    if front:
        axis.step(*zip(*front, strict=True), where="post", color=charts.INK, linewidth=1.2, label="Pareto front")
    if best is not None and best in known:
        charts.dots(axis, [_cost_point(view, best, cost)], charts.ACCENT, "found", size=8)
    _name_cost_panel(axis, view, cost, view.headline)
    focus(axis, "y", [_cost_point(view, c, cost)[1] for c in known], view.headline.higher)


def _name_cost_panel(axis: Any, view: SearchView, cost: str, metric: Quantity) -> None:
    shade_limits(axis, view, cost)
    charts.large_numbers(axis)
    axis.set(title=f"By {cost_name(cost)}", xlabel=cost_label(cost), ylabel=f"validation {metric.label}")
    axis.legend(loc="best")


def shade_limits(axis: Any, view: SearchView, cost: str) -> None:
    """Grey where a constraint forbids to be."""
    for relation, bound in view.limits(cost):
        limit = DRAWN.get(cost, 1.0) * bound
        left, right = axis.get_xlim()
        if relation == "<=":
            ends = limit, max(right, limit + 0.1 * (limit - left))
            axis.set_xlim(left, ends[1])
        else:
            ends = min(left, limit - 0.1 * (right - limit)), limit
            axis.set_xlim(ends[0], right)
        axis.axvspan(*ends, color=charts.GRID, zorder=0, linewidth=0)
        axis.axvline(limit, color=charts.MUTED, linewidth=1.0, linestyle=charts.DASHED, zorder=1)


def _cost_point(view: SearchView, candidate: Candidate, cost: str) -> tuple[float, float]:
    """A cost and the headline metric of a candidate that has both, as they are drawn."""
    return DRAWN.get(cost, 1.0) * candidate.costs[cost], view.headline.scale * (view.shown(candidate.metrics) or 0.0)


def front_sections(view: SearchView) -> list[PageSection]:
    """The front of a search with several objectives: drawn against every cost, its hypervolume over epochs, and its rows."""
    objectives, title = view.pool.objectives, "The front"
    if objectives is None:
        return []
    front, covered = view.front(), volumes(view)
    if covered is None or not front:
        return [missing("front", title, "n/a: no candidate has a result yet.")]
    panels = [partial(_paint_front, view=view, front=front, cost=cost) for cost in objectives.costs]
    section = charts.plot(
        "front",
        title,
        _front_caption(view, objectives, front, covered),
        *panels,
        partial(_paint_volumes, view=view, covered=covered),
        height=4.0,
    )
    return [replace(section, blocks=[*section.blocks, _front_table(view, objectives, front)])]


def _front_caption(view: SearchView, objectives: Objectives, front: Sequence[Candidate], covered: Volumes) -> str:
    names = [view.ranked_name, *map(cost_name, objectives.costs)]
    worst = zip(objectives.costs, covered.reference[1:], strict=True)
    reference = [f"{view.ranked_name} {_ranked_text(view, covered.reference[0])}"]
    reference += [f"{cost_name(cost)} {cost_text(cost, -value)}" for cost, value in worst]
    levels = {level: sum(c.level == level for c in front) for level in view.levels}
    marks = ", ".join(f"{count} at level {level}" for level, count in levels.items() if count)
    return (
        f"The front is what no other candidate beats in {', '.join(names[:-1])} and {names[-1]} at once: {len(front)} of "
        f"{plural(len(view.leaderboard()), 'candidate')} with a result ({marks}); the others are pale. Numbers of several levels "
        "are compared level by level, so that one that was trained less may lie beside the line, which joins the best of the "
        f"front. Hypervolume: {100 * covered.points[-1][1]:.1f} % at the end, the share that the front covers of the box between "
        f"a reference point and the best of every objective. The reference point is {', '.join(reference)}: the worst result of "
        "this run in each, and 5 % of the range more. Another run has another one, so that shares of two runs do not compare."
    )


def _paint_front(axis: Any, view: SearchView, front: Sequence[Candidate], cost: str) -> None:
    ahead, best, sign = {c.id for c in front}, view.pool.best(), 1 if view.ranked_by.higher else -1
    for level in view.levels:
        mark = MARKS[(level - 1) % len(MARKS)]
        here = [c for c in view.leaderboard() if c.level == level]
        others, mine = [c for c in here if c.id not in ahead], [c for c in here if c.id in ahead]
        groups = (
            (others, charts.PALE, "", 4.5, 0.35),
            (mine, level_colour(level, view.pyramid.levels), "front", 7, 1.0),
        )
        for group, colour, name, size, alpha in groups:
            if group:
                points, tips = [_front_point(view, c, cost) for c in group], [named(view, c) for c in group]
                label = f"{name}, level {level}" if name else ""
                charts.dots(axis, points, colour, label, size=size, marker=mark, alpha=alpha, tips=tips)
    points = [_front_point(view, c, cost) for c in front]
    line = [points[place] for place in pareto_front([x for x, _ in points], [sign * y for _, y in points])]
    axis.step(*zip(*line, strict=True), where="post", color=charts.INK, linewidth=1.2)
    if best is not None:
        mark = MARKS[(best.level - 1) % len(MARKS)]
        charts.dots(axis, [_front_point(view, best, cost)], charts.ACCENT, "found", size=8, marker=mark, alpha=1.0)
    _name_cost_panel(axis, view, cost, replace(view.ranked_by, name=view.ranked_name))


def _paint_volumes(axis: Any, view: SearchView, covered: Volumes) -> None:
    x, y = zip(*((epochs, 100 * share) for epochs, share in covered.points), strict=True)
    end = max(view.pool.epochs_spent, x[-1])
    axis.step([*x, end], [*y, y[-1]], where="post", color=charts.ACCENT, linewidth=2.0)
    axis.annotate(
        f"{y[-1]:.1f} %",
        (end, y[-1]),
        xytext=(0, 6),
        textcoords="offset points",
        ha="right",
        color=charts.ACCENT,
        weight="bold",
    )
    axis.set(title="Hypervolume of the front", xlabel="epochs spent, all candidates together")
    axis.set(ylabel="share of the box (%)", xlim=(0, None), ylim=(0, max(y) * 1.15 or 1.0))


def _front_table(view: SearchView, objectives: Objectives, front: Sequence[Candidate]) -> PageTable:
    best, shown = view.pool.best(), front[:FRONT_ROWS]
    rows = [
        (
            candidate.id,
            candidate.text,
            _ranked_text(view, candidate.metric),
            *(Number(cost_value(cost, candidate.costs[cost]), candidate.costs[cost]) for cost in objectives.costs),
            candidate.level,
            candidate.epochs,
        )
        for candidate in shown
    ]
    metric = f"validation {view.ranked_name}"
    return PageTable(
        ("id", "architecture", metric, *map(cost_name, objectives.costs), "level", "epochs"),
        rows,
        f"{len(shown)} of {plural(len(front), 'candidate')}, in the order of the leaderboard. ranknosh top shows all metrics.",
        title="Candidates of the front",
        code=("architecture",),
        marked=[place for place, candidate in enumerate(shown) if best is not None and candidate.id == best.id],
        sortable=True,
    )


def _front_point(view: SearchView, candidate: Candidate, cost: str) -> tuple[float, float]:
    """A cost and the ranking metric, in its own direction, as they are drawn."""
    drawn = view.ranked_by.scale * view.in_own_direction(candidate.metric or 0.0)
    return DRAWN.get(cost, 1.0) * candidate.costs[cost], drawn


def _ranked_text(view: SearchView, metric: float | None) -> str:
    """A ranking value as the metric in its own direction."""
    return view.ranked_by.text(None if metric is None else view.in_own_direction(metric))


def cost_value(cost: str, value: float | None) -> str:
    """Counts in full, so that rows can be told apart."""
    return whole(value) if cost in COUNTED else cost_text(cost, value)


def cost_name(cost: str) -> str:
    """``parameters``; a cost of a user's own has the name she gave it."""
    return NAMES.get(cost, cost)


def cost_label(cost: str) -> str:
    """:func:`cost_name` with the unit it is drawn in."""
    return cost_name(cost) + {"macs": " of one input", "latency": " (ms)", "memory": " (MB)"}.get(cost, "")
