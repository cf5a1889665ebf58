"""Plots of what the results say: of predictions, early levels and train-free proxies, and of the cells themselves."""

from collections.abc import Sequence
from functools import partial
from statistics import fmean
from typing import Any

import numpy as np

from ranknosh.config.units import human_duration, plural, whole
from ranknosh.core.metrics import Agreement, agreement
from ranknosh.core.pool import Candidate
from ranknosh.core.records import Fitted
from ranknosh.report import charts, words
from ranknosh.report.drawing import operation_name
from ranknosh.report.page import PageSection, missing
from ranknosh.report.plots import level_colour
from ranknosh.report.series import (
    level_agreement,
    operation_shares,
    origin_rows,
    pareto_front,
    predicted,
    proxy_values,
    top_group,
)
from ranknosh.report.view import SearchView

ORIGINS = {
    "seed": charts.BLUE,
    "random": charts.PALE,
    "predictor": charts.ACCENT,
    "explore": charts.VIOLET,
    "evolution": charts.GREEN,
    "user": charts.INK,
}
COSTS = {"params": "parameters", "macs": "multiply-accumulates"}


def metric_label(view: SearchView) -> str:
    """The ranking metric in words; losses are negated so that higher is better."""
    name = view.settings.train.metric
    averaged = " (EMA)" if name.startswith("ema") else ""
    return f"−validation loss{averaged}" if name.endswith("loss") else f"validation accuracy{averaged}"


def predictor_plot(view: SearchView) -> PageSection:
    """Rank correlation of predictions made before the result, per round; and those predictions against the results."""
    fits, pairs, title = view.pool.fits, predicted(view), "Did the predictor know?"
    if not fits and not pairs:
        why = "n/a: no predictor was fitted yet; the first candidates are chosen without one."
        return missing("predictor", title, why)
    judged = [fit for fit in fits if fit.prequential is not None]
    fallbacks = [fit for fit in fits if fit.fallback]
    names = ", ".join(sorted({fit.predictor for fit in fits})) or words.UNKNOWN
    reasons = "; ".join(f"batch {fit.batch} ({fit.fallback})" for fit in fallbacks[:6])
    agreed = "No round had enough results to judge the predictions. "
    if judged:
        last = judged[-1]
        agreed = (
            "Kendall's tau between predictions made before a result was known and the results: "
            f"{last.prequential:+.2f} at the last round that could be judged (batch {last.batch}, "
            f"{plural(last.compared, 'candidate')}). "
        )
    caption = (
        f"{plural(len(fits), 'round')} with the predictor {names}. {agreed}"
        f"{plural(len(fallbacks), 'round')} fell back to exploration{': ' if reasons else ''}{reasons}. "
        f"Score before training against the result at level 1, all rounds pooled: Spearman {_link(pairs)}."
    )
    panels = partial(_paint_rounds, fits=fits), partial(_paint_predicted, view=view, pairs=pairs)
    return charts.plot("predictor", title, caption, *panels)


def _paint_rounds(axis: Any, fits: Sequence[Fitted]) -> None:
    if not fits:
        charts.say(axis, "no predictor was fitted yet")
        return
    judged = [(fit.batch, fit.prequential) for fit in fits if fit.prequential is not None]
    used = [(fit.batch, fit.prequential) for fit in fits if fit.prequential is not None and not fit.fallback]
    back = [(fit.batch, fit.prequential or 0.0) for fit in fits if fit.fallback]
    silent = [(fit.batch, 0.0) for fit in fits if fit.prequential is None and not fit.fallback]
    axis.axhline(0, color=charts.INK, linewidth=0.9)
    axis.plot([batch for batch, _ in judged], [tau for _, tau in judged], color=charts.ACCENT, linewidth=1.6)
    groups = (used, charts.ACCENT, "predictor used", "o"), (back, charts.BAD, "fell back to exploration", "X")
    for points, colour, label, marker in (*groups, (silent, charts.MUTED, "not judged yet", "o")):
        if points:
            charts.dots(axis, points, colour, label, marker=marker, size=7)
    axis.set_xlim(min(f.batch for f in fits) - 0.5, max(f.batch for f in fits) + 0.5)
    axis.set_ylim(min([-0.25, *(tau - 0.1 for _, tau in judged)]), 1.0)
    axis.text(0.995, 0.02, "chance", transform=axis.get_yaxis_transform(), ha="right", fontsize=8.5, color=charts.MUTED)
    axis.locator_params(axis="x", integer=True, min_n_ticks=1)
    axis.set(title="Predicted before known: rank correlation", xlabel="batch", ylabel="Kendall's tau")
    axis.legend(loc="lower right", ncols=3)


def _paint_predicted(axis: Any, view: SearchView, pairs: Sequence[tuple[float, Candidate]]) -> None:
    for origin in sorted({candidate.origin for _, candidate in pairs}):
        here = [(score, candidate.metrics[1]) for score, candidate in pairs if candidate.origin == origin]
        charts.dots(axis, here, ORIGINS[origin], words.origin_name(origin))
    axis.set(title="Predicted before training, measured after", ylabel=f"level 1: {metric_label(view)}")
    axis.set_xlabel("predicted score (standard deviations above a random cell)")
    if pairs:
        axis.legend(loc="lower right", title="proposed by")
    else:
        charts.say(axis, "no scored candidate has a result yet")


def agreement_plot(view: SearchView) -> PageSection:
    """Whether the order at a lower level predicts the order at the highest one reached."""
    pairs, title = level_agreement(view), "Do early epochs predict the top?"
    if not pairs:
        return missing("agreement", title, "n/a: no candidate has completed more than one level yet.")
    high, best, label = pairs[0][1], view.pool.best(), metric_label(view)
    caption = (
        f"Spearman between the order at a lower level and at level {high}: "
        f"{'; '.join(f'level {low}: {found}' for low, _, found in pairs)}. Brackets: 95 % interval. Only promoted candidates "
        "can be compared; they were chosen for doing well at the lower level, so the agreement over all cells is likely to "
        "be higher than shown."
    )

    def paint(axis: Any) -> None:
        both = [(c.metrics[1], c.metrics[high]) for c in view.pool.at_level(high)]
        charts.dots(axis, both, level_colour(high, view.pyramid.levels), size=6.5)
        if best is not None and {1, high} <= set(best.metrics):
            charts.dots(axis, [(best.metrics[1], best.metrics[high])], charts.ACCENT, "found cell", size=8)
            axis.legend(loc="lower right")
        axis.set(title=f"Level 1 against level {high}", xlabel=f"level 1: {label}", ylabel=f"level {high}: {label}")

    return charts.plot(
        "agreement", title, caption, paint, partial(_paint_intervals, levels=view.pyramid.levels, pairs=pairs)
    )


def _paint_intervals(axis: Any, levels: int, pairs: Sequence[tuple[int, int, Agreement]]) -> None:
    charts.name_rows(axis, [f"level {low} → {high}\n(n = {found.n})" for low, high, found in pairs])
    axis.axvline(0, color=charts.INK, linewidth=0.9)
    for row, (low, _, found) in enumerate(pairs):
        colour = level_colour(low, levels)
        if found.interval is not None:
            axis.plot(found.interval, [row, row], color=colour, linewidth=3.5, solid_capstyle="round", alpha=0.55)
        if found.rho is not None:
            charts.dots(axis, [(found.rho, row)], colour, size=9)
            axis.text(found.rho, row - 0.16, words.number(found.rho), ha="center", fontsize=8.5)
    axis.set(xlim=(-1.05, 1.05), title="Rank correlation with 95 % interval", xlabel="Spearman's rho")


def proxies_plot(view: SearchView) -> PageSection:
    """Every train-free proxy against the ranking metric at level 1."""
    values, title = proxy_values(view), "Did the train-free proxies know?"
    if not view.pool.scored:
        return missing("proxies", title, "n/a: proxy scoring did not run.")
    if not values:
        return missing("proxies", title, "n/a: no candidate with a proxy score has completed level 1 yet.")
    links = {name: (_link(pairs), _link(pairs, view.pyramid.levels)) for name, pairs in values.items()}
    texts = "; ".join(f"{name}: {first}, then {last}" for name, (first, last) in links.items())
    caption = (
        f"{plural(len(view.pool.scored), 'architecture')} scored without training in "
        f"{human_duration(view.pool.proxy_seconds)}. Spearman with the result at level 1, then at the top: {texts}. Most of "
        "these candidates were chosen for their proxy scores, which narrows the range and lowers the figures."
    )

    def panel(place: int, name: str) -> charts.Panel:
        def paint(axis: Any) -> None:
            shown = [(value, candidate.metrics[1]) for value, candidate in values[name]]
            charts.dots(axis, shown, charts.PALE if name in COSTS else charts.BLUE)
            charts.large_numbers(axis)
            axis.set_title(f"{name}   ρ = {words.number(links[name][0].rho)}")
            axis.set_ylabel("" if place % charts.MOST_COLUMNS else f"level 1: {metric_label(view)}")

        return paint

    return charts.plot("proxies", title, caption, *map(panel, range(len(values)), values), height=2.9)


def _link(pairs: Sequence[tuple[float, Candidate]], level: int = 1) -> Agreement:
    """A value against the metric at ``level``, over the candidates that completed it."""
    known = [(value, c.metrics[level]) for value, c in pairs if level in c.observations]
    return agreement([value for value, _ in known], [metric for _, metric in known])


def cost_plot(view: SearchView) -> PageSection:
    """Validation accuracy against parameters and against multiply-accumulates, with the Pareto front of the top level."""
    title, known = "Accuracy against size", [c for c in view.leaderboard() if c.validation is not None]
    sized = {cost: [c for c in known if getattr(c, cost) is not None] for cost in COSTS}
    if not any(sized.values()):
        why = "n/a: the candidates have no parameter counts and no multiply-accumulate counts."
        return missing("cost", title, why)
    high = max(c.level for c in known)
    texts, panels = [], []
    for cost, label in COSTS.items():
        top = [(getattr(c, cost), 100 * (c.validation or 0.0)) for c in sized[cost] if c.level == high]
        front = [top[place] for place in pareto_front(*zip(*top, strict=True))] if top else []
        link = _link([(getattr(c, cost), c) for c in sized[cost]])
        texts.append(f"{len(front)} of {len(top)} cells by {label} (Spearman of {label} with level 1: {link})")
        panels.append(partial(_paint_cost, view=view, known=sized[cost], cost=cost, front=front))
    caption = (
        "Each dot is a candidate at the highest level it completed. The line is the Pareto front of level "
        f"{high}: {'; '.join(texts)}."
    )
    return charts.plot("cost", title, caption, *panels)


def _paint_cost(
    axis: Any, view: SearchView, known: Sequence[Candidate], cost: str, front: Sequence[tuple[float, float]]
) -> None:
    best = view.pool.best()
    for level in view.levels:
        here = [(getattr(c, cost), 100 * (c.validation or 0.0)) for c in known if c.level == level]
        charts.dots(axis, here, level_colour(level, view.pyramid.levels), f"level {level}")
    if front:
        axis.step(*zip(*front, strict=True), where="post", color=charts.INK, linewidth=1.2, label="Pareto front")
    if best is not None and best in known:
        charts.dots(axis, [(getattr(best, cost), 100 * (best.validation or 0.0))], charts.ACCENT, "found cell", size=8)
    charts.large_numbers(axis)
    axis.set(title=f"By {COSTS[cost]}", xlabel=COSTS[cost] + (" of one image" if cost == "macs" else ""))
    axis.set_ylabel("validation accuracy (%)")
    axis.legend(loc="lower right")


def operations_plot(view: SearchView) -> PageSection:
    """How often each operation occurs in the best cells and in all of them."""
    title, found = "What the best cells are made of", operation_shares(view)
    if not found:
        why = "no candidate has a result yet" if not view.leaderboard() else "the space does not count operations"
        return missing("operations", title, f"n/a: {why}.", half=True)
    names, best, everyone = [operation_name(name) for name in found], len(top_group(view)), len(view.leaderboard())
    texts = ", ".join(
        f"{name} {words.percent(share, 0)} against {words.percent(other, 0)}"
        for name, (share, other) in zip(names, found.values(), strict=True)
    )
    caption = f"Share of each operation among the slots of the best {best} cells and of all {everyone} with a result: {texts}."

    def paint(axis: Any) -> None:
        for place, (label, colour) in enumerate([(f"best {best}", "#08396b"), (f"all {everyone}", "#b9c6d3")]):
            rows, widths = np.arange(len(names)) - 0.2 + 0.4 * place, [100 * shares[place] for shares in found.values()]
            axis.barh(rows, widths, height=0.38, color=colour, label=label)
            for row, width in zip(rows, widths, strict=True):
                charts.label_bar(axis, f"{width:.0f} %", width, row)
        charts.name_rows(axis, names)
        axis.margins(x=0.14)
        axis.set_xlabel("share of the cell's slots (%)")
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, 1.12), ncols=2)

    return charts.plot("operations", title, caption, paint, half=True, above=charts.LEGEND_ROW)


def origins_plot(view: SearchView) -> PageSection:
    """What each way of choosing candidates gave at level 1, where all of them can be compared."""
    title, rows = "Where the good ones came from", [row for row in origin_rows(view) if row.accuracies]
    if not rows:
        why = "n/a: no candidate has completed level 1 with a validation accuracy yet."
        return missing("origins", title, why, half=True)
    names = [words.origin_name(row.origin) for row in rows]
    texts = "; ".join(
        f"{name}: {row.proposed} proposed, mean {words.percent(fmean(row.accuracies))}, {row.promoted} promoted, best rank "
        f"{whole(row.best_rank)}"
        for name, row in zip(names, rows, strict=True)
    )
    caption = f"Validation accuracy at level 1 by where the candidate came from (bar: mean). {texts}."
    shown = [
        (f"{name}\n(n = {len(row.accuracies)})", [100 * each for each in row.accuracies], ORIGINS[row.origin])
        for name, row in zip(names, rows, strict=True)
    ]
    return charts.plot(
        "origins", title, caption, charts.dot_rows(shown, "validation accuracy at level 1 (%)"), half=True
    )
