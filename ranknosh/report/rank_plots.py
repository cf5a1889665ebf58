"""Pictures of rank agreement: predictions, early levels and train-free proxies against what training said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
    Panel,
    draw,
    engineering,
    level_colour,
    say,
)
from ranknosh.report.plots import MOST_POINTS, thin
from ranknosh.report.series import correlate, level_agreement, predicted, proxy_values
from ranknosh.report.view import RunView


def metric_label(view: RunView) -> str:
    """The ranking metric in words; losses are negated so that higher is better."""
    name = str(view.setting("train", "metric") or "accuracy")
    averaged = " (EMA)" if name.startswith("ema") else ""
    return f"−validation loss{averaged}" if name.endswith("loss") else f"validation accuracy{averaged}"


def predictor_panel(view: RunView) -> Panel:
    """Rank correlation of predictions made before the result, per round; and those predictions against the results."""
    fits, pairs = view.pool.fits, predicted(view)
    title = "Did the predictor know?"
    if not fits and not pairs:
        return Panel(
            "predictor", title, "n/a: no predictor was fitted yet; the first candidates are chosen without one."
        )
    judged = [fit for fit in fits if fit.prequential is not None]
    fallbacks = [fit for fit in fits if fit.fallback]
    names = ", ".join(sorted({fit.predictor for fit in fits})) or "n/a"
    caption = f"{words.counted(len(fits), 'round')} with the predictor {names}. "
    if judged:
        last = judged[-1]
        caption += (
            "Kendall's tau between predictions made before a result was known and the results: "
            f"{last.prequential:+.2f} at the last round that could be judged (batch {last.batch}, "
            f"{words.counted(last.compared, 'candidate')}). "
        )
    else:
        caption += "No round had enough results to judge the predictions. "
    caption += f"{words.counted(len(fallbacks), 'round')} fell back to exploration"
    caption += f": {'; '.join(f'batch {fit.batch} ({fit.fallback})' for fit in fallbacks[:6])}. " if fallbacks else ". "
    link = correlate([score for score, _ in pairs], [candidate.metrics[1] for _, candidate in pairs])
    caption += (
        f"Score before training against the result at level 1, all rounds pooled: Spearman {words.correlation(link)}."
    )

    def paint(axes: Sequence[Any]) -> None:
        _paint_prequential(axes[0], fits)
        _paint_predicted(axes[1], view, thin(pairs, MOST_POINTS))

    return Panel("predictor", title, caption, draw("predictor", caption, paint, columns=2))


def _paint_prequential(axis: Any, fits: Sequence[Fitted]) -> None:
    if not fits:
        say(axis, "no predictor was fitted yet")
        return
    judged = [(fit, fit.prequential) for fit in fits if fit.prequential is not None]
    axis.axhline(0, color=INK, linewidth=0.9)
    axis.plot([f.batch for f, _ in judged], [tau for _, tau in judged], color=ACCENT, linewidth=1.6, zorder=2)
    used = [(f.batch, tau) for f, tau in judged if not f.fallback]
    axis.plot(
        [batch for batch, _ in used],
        [tau for _, tau in used],
        "o",
        color=ACCENT,
        markersize=6,
        label="predictor used",
        zorder=3,
    )
    back = [f for f in fits if f.fallback]
    x, y = [f.batch for f in back], [f.prequential or 0.0 for f in back]
    label = "fell back to exploration"
    axis.plot(x, y, "X", color=BAD, markersize=8, markeredgecolor="white", label=label, zorder=4)
    silent = [f.batch for f in fits if f.prequential is None and not f.fallback]
    if silent:
        axis.plot(
            silent, [0.0] * len(silent), "o", color=MUTED, markerfacecolor="white", label="not judged yet", zorder=3
        )
    axis.set_xlim(min(f.batch for f in fits) - 0.5, max(f.batch for f in fits) + 0.5)
    low = min([-0.25, *(tau - 0.1 for _, tau in judged)])
    axis.set_ylim(low, 1.0)
    axis.text(0.995, 0.02, "chance", transform=axis.get_yaxis_transform(), ha="right", fontsize=8.5, color=MUTED)
    axis.locator_params(axis="x", integer=True, min_n_ticks=1)
    axis.set_title("Prequential rank correlation per round")
    axis.set_xlabel("batch")
    axis.set_ylabel("Kendall's tau")
    axis.legend(loc="lower right", ncols=3, fontsize=8.5, columnspacing=1.2)


def _paint_predicted(axis: Any, view: RunView, pairs: Sequence[tuple[float, Candidate]]) -> None:
    for origin in sorted({candidate.origin for _, candidate in pairs}):
        here = [(score, candidate.metrics[1]) for score, candidate in pairs if candidate.origin == origin]
        x, y = [score for score, _ in here], [metric for _, metric in here]
        axis.plot(x, y, "o", color=ORIGIN_COLOURS[origin], markersize=4.5, alpha=0.85, label=origin)
    axis.set_title("Predicted before training, measured after")
    axis.set_xlabel("predicted score (standard deviations above a random cell)")
    axis.set_ylabel(f"level 1: {metric_label(view)}")
    if pairs:
        axis.legend(loc="lower right", title="proposed by")
    else:
        say(axis, "no scored candidate has a result yet")


def agreement_panel(view: RunView) -> Panel:
    """Whether the order at a lower level predicts the order at the highest one reached."""
    pairs = level_agreement(view)
    title = "Do early epochs predict the top?"
    if not pairs:
        return Panel("agreement", title, "n/a: no candidate has completed more than one level yet.")
    high = pairs[0][1]
    caption = f"Spearman between the order at a lower level and at level {high}: "
    caption += "; ".join(f"level {low}: {words.correlation(found)}" for low, _, found in pairs)
    caption += (
        ". Brackets: 95 % interval. Only promoted candidates can be compared; they were chosen for doing well at the lower "
        "level, so the agreement over all cells is likely to be higher than shown."
    )
    both = thin(view.pool.at_level(high), MOST_POINTS)
    best = view.pool.best()

    def paint(axes: Sequence[Any]) -> None:
        x, y = [c.metrics[1] for c in both], [c.metrics[high] for c in both]
        axes[0].plot(x, y, "o", color=level_colour(high, view.pyramid.levels), markersize=5.5, alpha=0.85)
        if best is not None and high in best.metrics and 1 in best.metrics:
            axes[0].plot(best.metrics[1], best.metrics[high], "o", color=ACCENT, markersize=8, label="found cell")
            axes[0].legend(loc="lower right")
        axes[0].set_title(f"Level 1 against level {high}")
        axes[0].set_xlabel(f"level 1: {metric_label(view)}")
        axes[0].set_ylabel(f"level {high}: {metric_label(view)}")
        _paint_intervals(axes[1], view, pairs)

    return Panel("agreement", title, caption, draw("agreement", caption, paint, columns=2))


def _paint_intervals(axis: Any, view: RunView, pairs: Sequence[Any]) -> None:
    axis.axvline(0, color=INK, linewidth=0.9)
    for row, (low, _, found) in enumerate(pairs):
        colour = level_colour(low, view.pyramid.levels)
        if found.low is not None:
            axis.plot(
                [found.low, found.high], [row, row], color=colour, linewidth=3.5, solid_capstyle="round", alpha=0.55
            )
        if found.rho is not None:
            axis.plot(found.rho, row, "o", color=colour, markersize=9, markeredgecolor="white")
            axis.text(found.rho, row - 0.16, words.number(found.rho), ha="center", fontsize=8.5)
    axis.set_yticks(range(len(pairs)), [f"level {low} → {high}\n(n = {found.n})" for low, high, found in pairs])
    axis.set_ylim(len(pairs) - 0.4, -0.7)
    axis.set_xlim(-1.05, 1.05)
    axis.grid(axis="y", visible=False)
    axis.tick_params(axis="y", length=0)
    axis.set_title("Rank correlation with 95 % interval")
    axis.set_xlabel("Spearman's rho")


def proxies_panel(view: RunView) -> Panel:
    """Every train-free proxy against the ranking metric at level 1."""
    values = proxy_values(view)
    title = "Did the train-free proxies know?"
    if not view.pool.scored:
        return Panel("proxies", title, "n/a: level 0 (train-free proxies) did not run.")
    if not values:
        return Panel("proxies", title, "n/a: no candidate with a proxy score has completed level 1 yet.")
    links = {}
    for name, pairs in values.items():
        tops = [(value, c) for value, c in pairs if view.pyramid.levels in c.observations]
        links[name] = (
            correlate([value for value, _ in pairs], [c.metrics[1] for _, c in pairs]),
            correlate([value for value, _ in tops], [c.metrics[view.pyramid.levels] for _, c in tops]),
        )
    caption = f"{words.counted(len(view.pool.scored), 'architecture')} scored without training in "
    caption += f"{words.duration(view.pool.proxy_seconds)}. "
    caption += "Spearman with the result at level 1, then at the top: " + "; ".join(
        f"{name}: {words.correlation(first)}, then {words.correlation(top)}" for name, (first, top) in links.items()
    )
    caption += (
        ". Most of these candidates were chosen for their proxy scores, which narrows the range and lowers the figures."
    )
    names = list(values)
    columns = min(len(names), 4)
    rows = -(-len(names) // columns)

    def paint(axes: Sequence[Any]) -> None:
        for axis in axes[len(names) :]:
            axis.set_axis_off()
        for axis, name in zip(axes, names, strict=False):
            pairs = thin(values[name], MOST_POINTS // 2)
            colour = "#8a96a3" if name in ("params", "macs") else "#2b7bba"
            x, y = [value for value, _ in pairs], [c.metrics[1] for _, c in pairs]
            axis.plot(x, y, "o", color=colour, markersize=4.5, alpha=0.85)
            rho = links[name][0].rho
            axis.set_title(f"{name}   ρ = {words.number(rho)}")
            axis.xaxis.set_major_formatter(engineering())
            axis.xaxis.get_major_locator().set_params(nbins=4)
        for axis in axes[::columns]:
            axis.set_ylabel(f"level 1: {metric_label(view)}", fontsize=8.5)

    svg = draw("proxies", caption, paint, size=(WIDE, 2.9 * rows), columns=columns, rows=rows)
    return Panel("proxies", title, caption, svg)
