"""Plots of rank agreement: predictions, early levels and train-free proxies against the results of training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ranknosh.core.metrics import Agreement, agreement
from ranknosh.core.pool import Candidate
from ranknosh.core.records import Fitted
from ranknosh.report import words
from ranknosh.report.figure import (
    ACCENT,
    BAD,
    INK,
    MUTED,
    ORIGIN_COLOURS,
    WIDE,
    engineering,
    level_colour,
    plot,
    say,
    thin,
)
from ranknosh.report.page import PageSection, missing
from ranknosh.report.plots import MOST_POINTS
from ranknosh.report.series import level_agreement, predicted, proxy_values
from ranknosh.report.view import RunView


def metric_label(view: RunView) -> str:
    """The ranking metric in words; losses are negated so that higher is better."""
    name = str(view.setting("train", "metric") or "accuracy")
    averaged = " (EMA)" if name.startswith("ema") else ""
    return f"−validation loss{averaged}" if name.endswith("loss") else f"validation accuracy{averaged}"


def predictor_plot(view: RunView) -> PageSection:
    """Rank correlation of predictions made before the result, per round; and those predictions against the results."""
    fits, pairs = view.pool.fits, predicted(view)
    title = "Did the predictor know?"
    if not fits and not pairs:
        why = "n/a: no predictor was fitted yet; the first candidates are chosen without one."
        return missing("predictor", title, why)
    judged = [fit for fit in fits if fit.prequential is not None]
    fallbacks = [fit for fit in fits if fit.fallback]
    names = ", ".join(sorted({fit.predictor for fit in fits})) or words.UNKNOWN
    reasons = "; ".join(f"batch {fit.batch} ({fit.fallback})" for fit in fallbacks[:6])
    link = agreement([score for score, _ in pairs], [candidate.metrics[1] for _, candidate in pairs])
    agreed = "No round had enough results to judge the predictions. "
    if judged:
        last = judged[-1]
        agreed = (
            "Kendall's tau between predictions made before a result was known and the results: "
            f"{last.prequential:+.2f} at the last round that could be judged (batch {last.batch}, "
            f"{words.counted(last.compared, 'candidate')}). "
        )
    caption = (
        f"{words.counted(len(fits), 'round')} with the predictor {names}. {agreed}"
        f"{words.counted(len(fallbacks), 'round')} fell back to exploration{': ' if reasons else ''}{reasons}. "
        f"Score before training against the result at level 1, all rounds pooled: Spearman {link}."
    )

    def paint(axes: Sequence[Any]) -> None:
        _paint_rounds(axes[0], fits)
        _paint_predicted(axes[1], view, thin(pairs, MOST_POINTS))

    return plot("predictor", title, caption, paint, columns=2)


def _paint_rounds(axis: Any, fits: Sequence[Fitted]) -> None:
    if not fits:
        say(axis, "no predictor was fitted yet")
        return
    judged = [(fit.batch, fit.prequential, fit.fallback) for fit in fits if fit.prequential is not None]
    used = [(batch, tau) for batch, tau, fallback in judged if not fallback]
    back = [(fit.batch, fit.prequential or 0.0) for fit in fits if fit.fallback]
    silent = [(fit.batch, 0.0) for fit in fits if fit.prequential is None and not fit.fallback]
    axis.axhline(0, color=INK, linewidth=0.9)
    axis.plot([batch for batch, *_ in judged], [tau for _, tau, _ in judged], color=ACCENT, linewidth=1.6, zorder=2)
    for points, marker, colour, face, size, label in (
        (used, "o", ACCENT, ACCENT, 6, "predictor used"),
        (back, "X", BAD, BAD, 8, "fell back to exploration"),
        (silent, "o", MUTED, "white", 6, "not judged yet"),
    ):
        if points:
            edge = "white" if marker == "X" else colour
            style = {"marker": marker, "markersize": size, "markerfacecolor": face, "markeredgecolor": edge}
            axis.plot(*zip(*points, strict=True), linestyle="none", label=label, zorder=4, **style)
    axis.set_xlim(min(f.batch for f in fits) - 0.5, max(f.batch for f in fits) + 0.5)
    axis.set_ylim(min([-0.25, *(tau - 0.1 for _, tau, _ in judged)]), 1.0)
    axis.text(0.995, 0.02, "chance", transform=axis.get_yaxis_transform(), ha="right", fontsize=8.5, color=MUTED)
    axis.locator_params(axis="x", integer=True, min_n_ticks=1)
    axis.set(title="Predicted before known: rank correlation", xlabel="batch", ylabel="Kendall's tau")
    axis.legend(loc="lower right", ncols=3, fontsize=8.5, columnspacing=1.2)


def _paint_predicted(axis: Any, view: RunView, pairs: Sequence[tuple[float, Candidate]]) -> None:
    for origin in sorted({candidate.origin for _, candidate in pairs}):
        here = [(score, candidate.metrics[1]) for score, candidate in pairs if candidate.origin == origin]
        colour = ORIGIN_COLOURS[origin]
        axis.plot(*zip(*here, strict=True), "o", color=colour, markersize=4.5, alpha=0.85, label=origin)
    axis.set(title="Predicted before training, measured after", ylabel=f"level 1: {metric_label(view)}")
    axis.set_xlabel("predicted score (standard deviations above a random cell)")
    if pairs:
        axis.legend(loc="lower right", title="proposed by")
    else:
        say(axis, "no scored candidate has a result yet")


def agreement_plot(view: RunView) -> PageSection:
    """Whether the order at a lower level predicts the order at the highest one reached."""
    pairs = level_agreement(view)
    title = "Do early epochs predict the top?"
    if not pairs:
        return missing("agreement", title, "n/a: no candidate has completed more than one level yet.")
    high, levels, best = pairs[0][1], view.pyramid.levels, view.pool.best()
    both = thin(view.pool.at_level(high), MOST_POINTS)
    caption = (
        f"Spearman between the order at a lower level and at level {high}: "
        f"{'; '.join(f'level {low}: {found}' for low, _, found in pairs)}. Brackets: 95 % interval. Only promoted candidates "
        "can be compared; they were chosen for doing well at the lower level, so the agreement over all cells is likely to "
        "be higher than shown."
    )

    def paint(axes: Sequence[Any]) -> None:
        x, y = [c.metrics[1] for c in both], [c.metrics[high] for c in both]
        axes[0].plot(x, y, "o", color=level_colour(high, levels), markersize=5.5, alpha=0.85)
        if best is not None and {1, high} <= set(best.metrics):
            axes[0].plot(best.metrics[1], best.metrics[high], "o", color=ACCENT, markersize=8, label="found cell")
            axes[0].legend(loc="lower right")
        axes[0].set(title=f"Level 1 against level {high}", xlabel=f"level 1: {metric_label(view)}")
        axes[0].set_ylabel(f"level {high}: {metric_label(view)}")
        _paint_intervals(axes[1], levels, pairs)

    return plot("agreement", title, caption, paint, columns=2)


def _paint_intervals(axis: Any, levels: int, pairs: Sequence[tuple[int, int, Agreement]]) -> None:
    axis.axvline(0, color=INK, linewidth=0.9)
    for row, (low, _, found) in enumerate(pairs):
        colour = level_colour(low, levels)
        if found.interval is not None:
            axis.plot(found.interval, [row, row], color=colour, linewidth=3.5, solid_capstyle="round", alpha=0.55)
        if found.rho is not None:
            axis.plot(found.rho, row, "o", color=colour, markersize=9, markeredgecolor="white")
            axis.text(found.rho, row - 0.16, words.number(found.rho), ha="center", fontsize=8.5)
    axis.set_yticks(range(len(pairs)), [f"level {low} → {high}\n(n = {found.n})" for low, high, found in pairs])
    axis.grid(axis="y", visible=False)
    axis.tick_params(axis="y", length=0)
    axis.set(xlim=(-1.05, 1.05), ylim=(len(pairs) - 0.4, -0.7))
    axis.set(title="Rank correlation with 95 % interval", xlabel="Spearman's rho")


def proxies_plot(view: RunView) -> PageSection:
    """Every train-free proxy against the ranking metric at level 1."""
    values, top = proxy_values(view), view.pyramid.levels
    title = "Did the train-free proxies know?"
    if not view.pool.scored:
        return missing("proxies", title, "n/a: proxy scoring (level 0) did not run.")
    if not values:
        return missing("proxies", title, "n/a: no candidate with a proxy score has completed level 1 yet.")
    links = {name: (_link(pairs, 1), _link(pairs, top)) for name, pairs in values.items()}
    texts = "; ".join(f"{name}: {first}, then {last}" for name, (first, last) in links.items())
    caption = (
        f"{words.counted(len(view.pool.scored), 'architecture')} scored without training in "
        f"{words.duration(view.pool.proxy_seconds)}. Spearman with the result at level 1, then at the top: {texts}. Most of "
        "these candidates were chosen for their proxy scores, which narrows the range and lowers the figures."
    )
    columns = min(len(values), 4)
    rows = -(-len(values) // columns)

    def paint(axes: Sequence[Any]) -> None:
        for axis in axes[len(values) :]:
            axis.set_axis_off()
        for axis, (name, pairs) in zip(axes, values.items(), strict=False):
            colour, shown = "#8a96a3" if name in ("params", "macs") else "#2b7bba", thin(pairs, MOST_POINTS // 2)
            x, y = [value for value, _ in shown], [c.metrics[1] for _, c in shown]
            axis.plot(x, y, "o", color=colour, markersize=4.5, alpha=0.85)
            axis.set_title(f"{name}   ρ = {words.number(links[name][0].rho)}")
            axis.xaxis.set_major_formatter(engineering())
            axis.xaxis.get_major_locator().set_params(nbins=4)
        for axis in axes[::columns]:
            axis.set_ylabel(f"level 1: {metric_label(view)}", fontsize=8.5)

    return plot("proxies", title, caption, paint, size=(WIDE, 2.9 * rows), columns=columns, rows=rows)


def _link(pairs: Sequence[tuple[float, Candidate]], level: int) -> Agreement:
    """A proxy against the metric at ``level``, over the candidates that completed it."""
    known = [(value, c.metrics[level]) for value, c in pairs if level in c.observations]
    return agreement([value for value, _ in known], [metric for _, metric in known])
