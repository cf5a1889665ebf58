"""The page of a comparison: its sections, from its results alone."""

import itertools
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from ranknosh.config.search import ALWAYS, CompareSettings
from ranknosh.config.units import Quantity, human_duration, plural
from ranknosh.report import charts
from ranknosh.report.drawing import drawings
from ranknosh.report.page import Figure, Gallery, Page, PageSection, PageTable, Text, data_text, missing, origin
from ranknosh.report.words import UNKNOWN, percent
from ranknosh.runs.run import Run
from ranknosh.spaces.base import Space
from ranknosh.workflows.compare.anytime import mean_curve
from ranknosh.workflows.compare.records import CompareState
from ranknosh.workflows.compare.rows import Row, findings_of
from ranknosh.workflows.compare.statistics import Ranks, margin
from ranknosh.workflows.compare.text import (
    GAPS,
    columns,
    differences,
    differences_title,
    in_table,
    lines,
    notes,
    statistical_notes,
    title,
)

PARTS = {
    "proxies": ("train-free scores", "#74a9cf"),
    "predictor": ("predictor", charts.VIOLET),
    "training": ("training of candidates", "#0b4f8a"),
    "supernet": ("supernet", charts.GREEN),
    "failed": ("failed", charts.BAD),
    "other": ("everything else", "#9db0c3"),
}
RUNS = ("method", "seed", "validation", "test", "table", "device time", "wall time", "work", "ended", "folder")
LINES = (charts.BLUE, charts.ACCENT, charts.GREEN, charts.VIOLET, "#b8860b", "#0f8b8d", "#c2528b", "#6b4f3a", "#0b4f8a")
"""Colours of methods' lines; random search is grey."""
MOST_OPEN = 12
"""Drawings of architectures that are shown without being asked for."""


def render(run: Run[CompareState], settings: CompareSettings, rows: Sequence[Row]) -> str:
    """The whole page; equal results give equal bytes. Raises MissingDependency without matplotlib or jinja2.

    Args:
        run: the comparison.
        settings: those in force.
        rows: a method each, in the order they are shown.
    """
    budget, metric = settings.budget_seconds, Quantity.ranked(run.header.facts)
    about = f"Search methods compared with RankNOSH: {title(budget, rows)}"
    facts = [
        ("search space", settings.space.name),
        ("network", settings.space.words),
        ("data", data_text(run.header.data)),
        ("budget of a search", f"{budget:g} device seconds, the same for every method and seed"),
        ("final recipe", f"{plural(settings.whole_epochs, 'epoch')} from scratch with the train section below"),
        *([("table", settings.table)] if settings.table else []),
    ]
    sections = [
        _methods(rows, settings.whole_epochs, metric),
        _final(rows, metric),
        _differences(rows),
        _anytime(rows, metric, budget),
        _cost(rows, budget),
        _cells(rows, settings.space.make()),
        PageSection("runs", "Every run", [_runs(rows)], folded=True),
        origin(facts, run),
    ]
    return Page("Comparison", run.name, about, sections).render()


def _methods(rows: Sequence[Row], final_epochs: int, metric: Quantity) -> PageSection:
    if not rows:
        return missing("table", "Methods", f"{UNKNOWN}: no search has ended yet.")
    head = columns(rows, metric)
    table = PageTable(head, lines(rows), text=head[:1])
    return PageSection("table", "Methods", [table, Text(notes(rows, final_epochs), "notes")])


def _final(rows: Sequence[Row], metric: Quantity) -> PageSection:
    """What final trainings gave: a dot a seed, the mean with its standard error, random search as a line through all rows."""
    better = "" if metric.higher else ", lower is better"
    labels = {"validation": f"validation {metric.label}{better}", "test": f"test {metric.label}, read once{better}"}
    scales, heading = {"truth": 100.0}, f"Final {metric.name}"
    if in_table(rows):
        labels["truth"] = f"in the table of {rows[0].table} (%)"
    if not any(row.spread(name).n for row in rows for name in labels):
        return missing("final", heading, f"{UNKNOWN}: no final training has ended with a result yet.")
    caption = (
        "A dot is one seed: what was found, trained from scratch by the final recipe. Bars: mean and its 95 % t interval, each "
        "for itself. Dashed line: the mean of random search. Overlapping bars tell nothing of a difference; the tests below do."
    )

    def panel(name: str) -> charts.Panel:
        scale = scales.get(name, metric.scale)
        known = {
            row.method: [scale * value for run in row.runs if (value := run.numbers[name]) is not None] for row in rows
        }
        groups = [(method, found, charts.MUTED if method == ALWAYS else charts.BLUE) for method, found in known.items()]

        def paint(axis: Any) -> None:
            charts.dot_rows(groups, labels[name], margin=margin)(axis)
            if always := known.get(ALWAYS):
                axis.axvline(fmean(always), color=charts.MUTED, linewidth=1.2, linestyle=charts.DASHED, zorder=1)

        return paint

    return charts.plot("final", heading, caption, *map(panel, labels), height=charts.rows_height(len(rows)))


def _differences(rows: Sequence[Row]) -> PageSection:
    """Which methods are told apart by tests, and by their ranks."""
    heading, found = "Which differences are more than chance", findings_of(rows)
    if found is None or not found.differences:
        return missing("differences", heading, f"{UNKNOWN}: there are no results of two methods yet.")
    text = ("method", "against", "verdict")
    table = PageTable(GAPS, differences(rows), title=differences_title(rows), text=text)
    said = Text(statistical_notes(rows), "notes")
    if found.ranks is None:
        return PageSection("differences", heading, [table, said])
    drawn = _ranks(found.ranks)
    return PageSection("differences", heading, [*drawn.blocks, table, said])


def _ranks(ranks: Ranks) -> PageSection:
    """Mean ranks, and how far from the first one a method may be without being told apart from it."""
    ordered = sorted(ranks.mean.items(), key=lambda each: each[1])
    caption = (
        f"Mean rank over {ranks.seeds} seeds, 1 is best. Band: as far from the first as the critical difference of "
        f"{ranks.critical:.2f} reaches; a method inside it is not told apart from the first."
    )

    def paint(axis: Any) -> None:
        charts.name_rows(axis, [method for method, _ in ordered])
        axis.axvspan(ordered[0][1], ordered[0][1] + ranks.critical, color=charts.GRID, zorder=0)
        for place, (method, rank) in enumerate(ordered):
            charts.dots(axis, [(rank, place)], charts.MUTED if method == ALWAYS else charts.BLUE)
        axis.set(xlim=(0.8, max(len(ordered), ordered[0][1] + ranks.critical) + 0.2), xlabel="mean rank")

    return charts.plot("ranks", "Mean ranks", caption, paint, height=charts.rows_height(len(ordered)))


def _anytime(rows: Sequence[Row], metric: Quantity, budget_seconds: float) -> PageSection:
    """The metric of what a search would answer against the device seconds it took so far, and what became of its find."""
    heading = f"{metric.name[0].upper()}{metric.name[1:]} against device time"
    scale, unit = charts.time_scale(budget_seconds)
    curves = {row.method: mean_curve([run.curve for run in row.runs]) for row in rows}
    ends = {row.method: (row.spread("cost").mean, row.spread("validation").mean) for row in rows}
    if not any(curves.values()) and all(value is None for _, value in ends.values()):
        return missing("anytime", heading, f"{UNKNOWN}: no search has a result yet.")
    caption = (
        f"Lines: validation {metric.name} of the best candidate at the highest level reached so far, the mean over seeds from "
        "where all have one; it may fall where a level is reached first. Dots: what was found, trained by the final recipe. A "
        "supernet has no answer before its end, and a stock network no search: a dot alone."
    )
    colours = dict(zip((row.method for row in rows if row.method != ALWAYS), itertools.cycle(LINES), strict=False))
    colours[ALWAYS] = charts.MUTED

    def paint(axis: Any) -> None:
        for method, colour in colours.items():
            end, value = ends.get(method, (None, None))
            if curve := curves.get(method, ()):
                points = [*curve, (max(end or 0.0, curve[-1][0]), curve[-1][1])]
                seconds, values = zip(*points, strict=True)
                shown = [second / scale for second in seconds], [metric.scale * each for each in values]
                axis.plot(*shown, color=colour, drawstyle="steps-post", linewidth=1.8)
            if end is not None and value is not None:
                charts.dots(axis, [(end / scale, metric.scale * value)], colour)
        axis.axvline(budget_seconds / scale, color=charts.INK, linewidth=1.0, linestyle=charts.DASHED, zorder=1)
        axis.set(xlabel=f"device time of a search ({unit})", ylabel=f"validation {metric.label}")
        axis.set_xlim(left=-0.015 * axis.get_xlim()[1])  # the dot of a stock network is at 0, and shown whole

    legend = {row.method: colours[row.method] for row in rows}
    return charts.plot("anytime", heading, caption, paint, legend=legend)


def _cost(rows: Sequence[Row], budget_seconds: float) -> PageSection:
    """The mean device seconds of a search by what they went into, against the budget."""
    heading = "What the budget went into"
    used = [part for part in PARTS if any(row.part(part) > 0 for row in rows)]
    if not used:
        return missing("cost", heading, f"{UNKNOWN}: no search has ended yet.")
    caption = (
        "Device seconds of a search, the mean over seeds; the line is the budget, the same for every method. Epochs of a "
        f"supernet and of candidates cost differently and are not added: {'; '.join(f'{r.method} {r.work}' for r in rows)}."
    )
    scale, unit = charts.time_scale(budget_seconds)
    budget = budget_seconds / scale

    def paint(axis: Any) -> None:
        charts.name_rows(axis, [row.method for row in rows])
        ends = [0.0] * len(rows)
        for part in used:
            lengths = [row.part(part) / scale for row in rows]
            axis.barh(range(len(rows)), lengths, left=ends, height=0.62, color=PARTS[part][1], zorder=2)
            ends = [end + length for end, length in zip(ends, lengths, strict=True)]
        for place, (row, end) in enumerate(zip(rows, ends, strict=True)):
            charts.label_bar(axis, row.share_text + ("" if row.is_stock else " of the budget"), max(end, budget), place)
        axis.axvline(budget, color=charts.INK, linewidth=1.2, linestyle=charts.DASHED, zorder=3)
        axis.set(xlim=(0, 1.25 * max(budget, *ends)), xlabel=f"device time of a search ({unit})")

    legend = dict(map(PARTS.__getitem__, used))
    return charts.plot("cost", heading, caption, paint, height=charts.rows_height(len(rows)), legend=legend)


def _cells(rows: Sequence[Row], space: Space) -> PageSection:
    """Who found which architecture under which seeds, and a drawing of each."""
    if not rows:
        return missing("cells", "Found architectures", f"{UNKNOWN}: nothing was found yet.")
    finders: dict[str, list[str]] = {}
    for row in rows:
        for text, seeds in row.finds.items():
            if text is not None:
                finders.setdefault(text, []).append(f"{row.method} ({seeds})")
    figures: list[Figure] = []
    for place, (text, who) in enumerate(finders.items()):
        figures += [figure.named(", ".join(who)) for figure in drawings(space, text, f"cell{place}")]
    finds = [(row.method, seeds, text or UNKNOWN) for row in rows for text, seeds in row.finds.items()]
    table = PageTable(("method", "seeds", "found"), finds, text=("method", "seeds"), code=("found",))
    return PageSection("cells", "Found architectures", [table, Gallery(figures)], folded=len(figures) > MOST_OPEN)


def _runs(rows: Sequence[Row]) -> PageTable:
    written, known = [], in_table(rows)
    for metric, run in ((row.metric, run) for row in rows for run in row.runs):
        search, scores = run.search, [metric.text(run.numbers[name]) for name in ("validation", "test")]
        scores += [percent(run.truth)] if known else []
        times = (f"{search.cost.total:.1f} s", human_duration(search.wall_seconds))
        work = "no search" if search.is_stock else plural(search.epochs, f"{search.epochs_of.removesuffix('s')} epoch")
        written.append((search.method, search.seed, *scores, *times, work, search.ended, search.folder))
    head = [name for name in RUNS if known or name != "table"]
    return PageTable(head, written, text=("method", "folder"), prose=("ended",))
