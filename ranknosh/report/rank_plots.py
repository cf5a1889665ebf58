"""Plots of what the results say: of predictions, early levels and train-free proxies, and of the architectures themselves."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from statistics import fmean
from typing import Any

import numpy as np

from ranknosh.config.units import human_duration, plural, whole
from ranknosh.core.candidates import Candidate
from ranknosh.core.gate import judge, tau_interval
from ranknosh.core.metrics import Agreement
from ranknosh.core.records import Fitted
from ranknosh.report import charts, words
from ranknosh.report.cost_plots import COUNTED
from ranknosh.report.drawing import operation_name
from ranknosh.report.focus import focus
from ranknosh.report.page import Block, PageSection, PageTable, missing
from ranknosh.report.plots import level_colour, named
from ranknosh.report.series import (
    level_agreement,
    linked,
    operation_shares,
    origin_rows,
    predicted,
    proxy_values,
    signal_standings,
    top_group,
)
from ranknosh.report.view import SearchView

MOST_OPERATIONS = 10
"""Of so many operations shares are drawn, those whose share differs most between the best and all."""
GATE = "Once eight predictions have a result, the predictor is used only while tau is above 0, whatever its interval."
ORIGINS = {
    "seed": charts.BLUE,
    "random": charts.PALE,
    "predictor": charts.ACCENT,
    "explore": charts.VIOLET,
    "evolution": charts.GREEN,
    "user": charts.INK,
}


def _ranked(view: SearchView, candidate: Candidate, level: int) -> float:
    """The ranking metric of a candidate at a level in its own direction, as it is drawn."""
    return view.ranked_by.scale * view.in_own_direction(candidate.by_level[level])


def _ranked_label(view: SearchView, level: int) -> str:
    """What :func:`_ranked` is, with its unit."""
    return f"level {level}: validation {view.ranked_name}" + (f" ({unit})" if (unit := view.ranked_by.unit) else "")


def predictor_plot(view: SearchView) -> PageSection:
    """Rank correlation of predictions made before the result, per round; and those predictions against the results."""
    fits, pairs, title = view.pool.fits, predicted(view), "Did the predictor know?"
    if not fits and not pairs:
        why = "n/a: no predictor was fitted yet; the first candidates are chosen without one."
        return missing("predictor", title, why)
    fallbacks = [fit for fit in fits if fit.fallback]
    names = ", ".join(sorted({fit.predictor for fit in fits})) or words.UNKNOWN
    reasons = "; ".join(f"batch {fit.batch} ({fit.fallback})" for fit in fallbacks[:6])
    agreed = "There were too few results to judge its predictions."
    verdict = judge(view.pool)
    if verdict.better is not None:
        agreed = (
            f"{'Better' if verdict.better else 'No better'} than chance in this run: predictions made before a result was known "
            f"agree with the results by Kendall's {words.track_record(verdict.tau, verdict.compared)} (80 % interval)."
        )
    caption = (
        f"{agreed} {GATE} The predictor {names} was asked for {plural(len(fits), 'batch', 'batches')} and not used for "
        f"{len(fallbacks)}{': ' if reasons else ''}{reasons}. "
        f"Score before training against the result at level 1, all of them pooled: Spearman {linked(pairs)}."
    )
    panels = partial(_paint_rounds, fits=fits), partial(_paint_predicted, view=view, pairs=pairs)
    return charts.plot("predictor", title, caption, *panels)


def _paint_rounds(axis: Any, fits: Sequence[Fitted]) -> None:
    if not fits:
        charts.say(axis, "no predictor was fitted yet")
        return
    judged = [(fit.batch, fit.prequential, fit.compared) for fit in fits if fit.prequential is not None]
    used = [(fit.batch, fit.prequential) for fit in fits if fit.prequential is not None and not fit.fallback]
    back = [(fit.batch, fit.prequential or 0.0) for fit in fits if fit.fallback]
    silent = [(fit.batch, 0.0) for fit in fits if fit.prequential is None and not fit.fallback]
    axis.axhline(0, color=charts.INK, linewidth=0.9)
    axis.plot([batch for batch, *_ in judged], [tau for _, tau, _ in judged], color=charts.ACCENT, linewidth=1.6)
    for batch, tau, compared in judged:
        axis.plot([batch, batch], tau_interval(tau, compared), color=charts.ACCENT, linewidth=4, alpha=0.3)
    groups = (used, charts.ACCENT, "predictor used", "o"), (back, charts.BAD, "not used", "X")
    for points, colour, label, marker in (*groups, (silent, charts.MUTED, "not judged yet", "o")):
        if points:
            charts.dots(axis, points, colour, label, marker=marker, size=7)
    axis.set_xlim(min(f.batch for f in fits) - 0.5, max(f.batch for f in fits) + 0.5)
    axis.set_ylim(min([-0.25, *(tau_interval(tau, compared)[0] - 0.1 for _, tau, compared in judged)]), 1.0)
    axis.text(0.995, 0.02, "chance", transform=axis.get_yaxis_transform(), ha="right", fontsize=8.5, color=charts.MUTED)
    axis.locator_params(axis="x", integer=True, min_n_ticks=1)
    axis.set(title="Predicted before known: agreement, 80 % interval", xlabel="batch", ylabel="Kendall's tau")
    axis.legend(loc="best", ncols=3)


def _paint_predicted(axis: Any, view: SearchView, pairs: Sequence[tuple[float, Candidate]]) -> None:
    for origin in sorted({candidate.origin for _, candidate in pairs}):
        here = [(score, each) for score, each in pairs if each.origin == origin]
        points, tips = [(score, _ranked(view, each, 1)) for score, each in here], [named(view, c, 1) for _, c in here]
        charts.dots(axis, points, ORIGINS[origin], words.origin_name(origin), tips=tips)
    axis.set(title="Predicted before training, measured after", ylabel=_ranked_label(view, 1))
    focus(axis, "y", [_ranked(view, each, 1) for _, each in pairs], view.ranked_by.higher)
    axis.set_xlabel("predicted score (standard deviations above a random one)")
    if pairs:
        axis.legend(loc="best", title="proposed by")
    else:
        charts.say(axis, "no scored candidate has a result yet")


def agreement_plot(view: SearchView) -> PageSection:
    """Whether the order at a lower level predicts the order at the highest one reached."""
    pairs, title = level_agreement(view), "Do early epochs predict the top?"
    if not pairs:
        return missing("agreement", title, "n/a: no candidate has completed more than one level yet.")
    high, best = pairs[0][1], view.pool.best()
    caption = (
        f"Spearman between the order at a lower level and at level {high}: "
        f"{'; '.join(f'level {low}: {found}' for low, _, found in pairs)}. Brackets: 95 % interval. Only promoted candidates "
        "can be compared; they were chosen for doing well at the lower level, so the agreement over all of them is likely to "
        "be higher than shown."
    )

    def paint(axis: Any) -> None:
        reached = view.pool.at_level(high)
        both, tips = [(_ranked(view, c, 1), _ranked(view, c, high)) for c in reached], [named(view, c) for c in reached]
        charts.dots(axis, both, level_colour(high, view.pyramid.levels), size=6.5, tips=tips)
        if best is not None and {1, high} <= set(best.by_level):
            charts.dots(axis, [(_ranked(view, best, 1), _ranked(view, best, high))], charts.ACCENT, "found", size=8)
            axis.legend(loc="best")
        axis.set(title=f"Level 1 against level {high}")
        axis.set(xlabel=_ranked_label(view, 1), ylabel=_ranked_label(view, high))
        for side, values in zip("xy", zip(*both, strict=True), strict=True):
            focus(axis, side, values, view.ranked_by.higher)

    section = charts.plot(
        "agreement", title, caption, paint, partial(_paint_intervals, levels=view.pyramid.levels, pairs=pairs)
    )
    return replace(section, blocks=[*section.blocks, *_signals(view)])


def _signals(view: SearchView) -> list[Block]:
    """What each level was ranked by, and what every signal said of the level above; nothing where results have no curves."""
    found = signal_standings(view)
    names = list(dict.fromkeys(name for _, record in found for name in record.taus))
    if len(names) < 2:
        return []
    rows = [
        (record.level, words.SIGNALS[used], record.compared, *(words.number(record.taus.get(name)) for name in names))
        for used, record in found
    ]
    note = (
        "Kendall's tau of each signal of a level with the validation metric one level up, over the candidates that have both. "
        "pyramid.signal: auto ranks by another signal than the validation metric once it leads by more than chance. Where "
        "pyramid.promote is predicted, the order of the predictor goes before."
    )
    head = ("level", "last ranked by", "compared", *(words.SIGNALS[name].removeprefix("the ") for name in names))
    return [PageTable(head, rows, note, title="What the levels are ranked by", text=("last ranked by",))]


def _paint_intervals(axis: Any, levels: int, pairs: Sequence[tuple[int, int, Agreement]]) -> None:
    charts.name_rows(axis, [f"level {low} → {high}\n(n = {found.n})" for low, high, found in pairs], charts.FEW_ROWS)
    axis.axvline(0, color=charts.INK, linewidth=0.9)
    for row, (low, _, found) in enumerate(pairs):
        colour = level_colour(low, levels)
        if found.interval is not None:
            axis.plot(found.interval, [row, row], color=colour, linewidth=3.5, solid_capstyle="round", alpha=0.55)
        if found.rho is None:
            axis.text(0.03, row, "n/a: it takes three candidates", va="center", fontsize=8.5, color=charts.MUTED)
        else:
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
    links = {name: (linked(pairs), linked(pairs, view.pyramid.levels)) for name, pairs in values.items()}
    texts = "; ".join(f"{name}: {first}, then {last}" for name, (first, last) in links.items())
    caption = (
        f"{plural(len(view.pool.scored), 'architecture')} scored without training in "
        f"{human_duration(view.pool.proxy_seconds)}. Spearman with the result at level 1, then at the top: {texts}. Most of "
        "these candidates were chosen for their proxy scores, which narrows the range and lowers the figures."
    )

    def panel(place: int, name: str) -> charts.Panel:
        def paint(axis: Any) -> None:
            shown = [(value, _ranked(view, candidate, 1)) for value, candidate in values[name]]
            tips = [f"{named(view, candidate, 1)}, {name} {value:.4g}" for value, candidate in values[name]]
            charts.dots(axis, shown, charts.PALE if name in COUNTED else charts.BLUE, tips=tips)
            charts.large_numbers(axis)
            focus(axis, "y", [y for _, y in shown], view.ranked_by.higher)
            axis.set_title(f"{name}   ρ = {words.number(links[name][0].rho)}")
            axis.set_ylabel("" if place % charts.MOST_COLUMNS else _ranked_label(view, 1))

        return paint

    return charts.plot("proxies", title, caption, *map(panel, range(len(values)), values), height=2.9)


def operations_plot(view: SearchView) -> PageSection:
    """How often each operation occurs in the best architectures and in all of them."""
    title, found = "What the best ones are made of", operation_shares(view)
    if not found:
        why = "no candidate has a result yet" if not view.leaderboard() else "the space does not count operations"
        return missing("operations", title, f"n/a: {why}.", half=True)
    left = len(found) - MOST_OPERATIONS
    telling = sorted(found, key=lambda name: -abs(found[name][0] - found[name][1]))[:MOST_OPERATIONS]
    found = {name: shares for name, shares in found.items() if name in telling}
    names, best, everyone = [operation_name(name) for name in found], len(top_group(view)), len(view.leaderboard())
    texts = ", ".join(
        f"{name} {words.percent(share, 0)} against {words.percent(other, 0)}"
        for name, (share, other) in zip(names, found.values(), strict=True)
    )
    groups = f"the best {best} architectures and of all {everyone} with a result"
    groups += f" ({left} that differ less are left out)" if left > 0 else ""
    caption = f"How much of the choices of {groups} each option has: {texts}."

    legend = {f"best {best}": "#08396b", f"all {everyone}": "#b9c6d3"}

    def paint(axis: Any) -> None:
        for place, colour in enumerate(legend.values()):
            rows, widths = np.arange(len(names)) - 0.2 + 0.4 * place, [100 * shares[place] for shares in found.values()]
            axis.barh(rows, widths, height=0.38, color=colour)
            for row, width in zip(rows, widths, strict=True):
                charts.label_bar(axis, f"{width:.0f} %", width, row)
        charts.name_rows(axis, names, charts.FEW_ROWS)
        axis.margins(x=0.14)
        axis.set_xlabel("share of choices (%)")

    height = max(3.6, 1.0 + 0.36 * len(names))
    return charts.plot("operations", title, caption, paint, half=True, legend=legend, height=height)


def origins_plot(view: SearchView) -> PageSection:
    """What each way of choosing candidates gave at level 1, where all of them can be compared."""
    title, rows = "Where the good ones came from", [row for row in origin_rows(view) if row.values]
    if not rows:
        why = "n/a: no candidate has completed level 1 with a validation metric yet."
        return missing("origins", title, why)
    names = [words.origin_name(row.origin) for row in rows]
    texts = "; ".join(
        f"{name}: {row.proposed} proposed, mean {view.headline.text(fmean(row.values))}, {row.promoted} promoted, best rank "
        f"{whole(row.best_rank)}"
        for name, row in zip(names, rows, strict=True)
    )
    caption = f"Validation {view.headline.name} at level 1 by where the candidate came from (bar: mean). {texts}."
    shown = [
        (f"{name}\n(n = {len(row.values)})", [view.headline.scale * each for each in row.values], ORIGINS[row.origin])
        for name, row in zip(names, rows, strict=True)
    ]
    label = f"validation {view.headline.name} at level 1" + (f" ({unit})" if (unit := view.headline.unit) else "")

    def paint(axis: Any) -> None:
        charts.dot_rows(shown, label)(axis)
        focus(axis, "x", [value for _, values, _ in shown for value in values], view.headline.higher)

    return charts.plot("origins", title, caption, paint, height=charts.rows_height(len(shown)))
