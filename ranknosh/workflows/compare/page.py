"""The page of a comparison: its sections, from its results alone."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from ranknosh.config.search import ALWAYS, CompareSettings
from ranknosh.config.units import human_duration, plural
from ranknosh.core.records import Session
from ranknosh.report import charts
from ranknosh.report.drawing import drawings
from ranknosh.report.page import Figure, Gallery, Page, PageSection, PageTable, Text, images_text, missing, origin
from ranknosh.report.words import UNKNOWN, percent
from ranknosh.runs.journal import Header
from ranknosh.workflows.compare.rows import Row
from ranknosh.workflows.compare.text import HEAD, cells, notes, title

PARTS = {
    "proxies": ("train-free scores", "#74a9cf"),
    "predictor": ("predictor", charts.VIOLET),
    "training": ("training of candidates", "#0b4f8a"),
    "supernet": ("supernet", charts.GREEN),
    "failed": ("failed", charts.BAD),
    "other": ("everything else", "#9db0c3"),
}
RUNS = ("method", "seed", "validation", "test", "true accuracy", "device time", "wall time", "work", "ended", "folder")
ROW_HEIGHT, LEAST_ROWS = 0.42, 4
"""Inches of a method's row in plots, which have room for so many rows at least."""


def render(
    name: str, header: Header, sessions: Sequence[Session], settings: CompareSettings, rows: Sequence[Row]
) -> str:
    """The whole page; equal results give equal bytes. Raises MissingDependency without matplotlib or jinja2.

    Args:
        name: of the comparison's folder.
        header: of its journal.
        sessions: of the comparison, in order.
        settings: those in force.
        rows: a method each, in the order they are shown.
    """
    budget = settings.budget_seconds
    about = f"Search methods compared with RankNOSH: {title(budget, rows)}"
    facts = [
        ("search space", header.facts["space"]),
        ("network", f"{settings.network.channels} channels, {plural(settings.network.cells, 'cell')} in a stage"),
        ("images", images_text(header.data)),
        ("budget of a search", f"{budget:g} device seconds, the same for every method and seed"),
        ("final recipe", f"{settings.whole_epochs} epochs from scratch with the train section below"),
        ("table", settings.table or UNKNOWN),
    ]
    sections = [
        _methods(rows, settings.whole_epochs),
        _accuracy(rows),
        _cost(rows, budget),
        _cells(rows),
        PageSection("runs", "Every run", [_runs(rows)]),
        origin(facts, header, sessions, settings.to_dict()),
    ]
    return Page("Comparison", name, about, sections).render()


def _methods(rows: Sequence[Row], final_epochs: int) -> PageSection:
    if not rows:
        return missing("table", "Methods", f"{UNKNOWN}: no search has ended yet.")
    table = PageTable(HEAD, [cells(row) for row in rows], text=HEAD[:1])
    return PageSection("table", "Methods", [table, Text(notes(rows, final_epochs), "notes")])


def _accuracy(rows: Sequence[Row]) -> PageSection:
    """Final accuracies: a dot a seed, the mean with its standard error, random search as a line through all rows."""
    labels = {"validation": "validation accuracy (%)", "test": "test accuracy (%), read once"}
    if any(row.spread("truth").n for row in rows):
        labels["truth"] = "true accuracy (%) by the table"
    if not any(row.spread(name).n for row in rows for name in labels):
        return missing("accuracy", "Final accuracy", f"{UNKNOWN}: no final training has ended with a result yet.")
    caption = (
        "A dot is one seed: the found cell trained from scratch by the final recipe. Bars: mean and standard error over the "
        "seeds. Dashed line: the mean of random search; a method differs from it only where their bars do not overlap."
    )

    def panel(name: str) -> charts.Panel:
        known = {
            row.method: [100 * value for run in row.runs if (value := run.numbers[name]) is not None] for row in rows
        }
        groups = [(method, found, charts.MUTED if method == ALWAYS else charts.BLUE) for method, found in known.items()]

        def paint(axis: Any) -> None:
            charts.dot_rows(groups, labels[name], error=True)(axis)
            if always := known.get(ALWAYS):
                axis.axvline(fmean(always), color=charts.MUTED, linewidth=1.2, linestyle=charts.DASHED, zorder=1)

        return paint

    height = 1.3 + ROW_HEIGHT * max(len(rows), LEAST_ROWS)
    return charts.plot("accuracy", "Final accuracy", caption, *map(panel, labels), height=height)


def _cost(rows: Sequence[Row], budget_seconds: float) -> PageSection:
    """The mean device seconds of a search by what they went into, against the budget."""
    heading = "What the budget went into"
    used = [part for part in PARTS if any(row.part(part) > 0 for row in rows)]
    if not used:
        return missing("cost", heading, f"{UNKNOWN}: no search has ended yet.")
    caption = (
        "Device seconds of a search, the mean over seeds; the line is the budget, the same for every method. Epochs of a "
        f"supernet and of candidates are different goods and are not added: {'; '.join(f'{r.method} {r.work}' for r in rows)}."
    )
    scale, unit = charts.time_scale(budget_seconds)
    budget = budget_seconds / scale

    def paint(axis: Any) -> None:
        charts.name_rows(axis, [row.method for row in rows])
        ends = [0.0] * len(rows)
        for part in used:
            lengths, (label, colour) = [row.part(part) / scale for row in rows], PARTS[part]
            axis.barh(range(len(rows)), lengths, left=ends, height=0.62, color=colour, label=label, zorder=2)
            ends = [end + length for end, length in zip(ends, lengths, strict=True)]
        for place, (row, end) in enumerate(zip(rows, ends, strict=True)):
            charts.label_bar(axis, f"{100 * row.share:.0f} % of the budget", max(end, budget), place)
        axis.axvline(budget, color=charts.INK, linewidth=1.2, linestyle=charts.DASHED, zorder=3)
        axis.set(xlim=(0, 1.25 * max(budget, *ends)), xlabel=f"device time of a search ({unit})")
        axis.legend(loc="upper center", bbox_to_anchor=(0.45, 1.16), ncols=len(used))

    height = 1.25 + ROW_HEIGHT * max(len(rows), LEAST_ROWS)
    return charts.plot("cost", heading, caption, paint, height=height, above=charts.LEGEND_ROW)


def _cells(rows: Sequence[Row]) -> PageSection:
    """Who found which architecture under which seeds, and a drawing of each."""
    if not rows:
        return missing("cells", "Found cells", f"{UNKNOWN}: nothing was found yet.")
    finders: dict[str, list[str]] = {}
    for row in rows:
        for text, seeds in row.finds.items():
            if text is not None:
                finders.setdefault(text, []).append(f"{row.method} ({seeds})")
    figures: list[Figure] = []
    for place, (text, who) in enumerate(finders.items()):
        figures += [replace(figure, title=", ".join(who)) for figure in drawings(text, f"cell{place}")]
    finds = [(row.method, seeds, text or UNKNOWN) for row in rows for text, seeds in row.finds.items()]
    table = PageTable(("method", "seeds", "found"), finds, text=("method", "seeds"), code=("found",))
    return PageSection("cells", "Found cells", [table, Gallery(figures)])


def _runs(rows: Sequence[Row]) -> PageTable:
    lines = []
    for run in (run for row in rows for run in row.runs):
        search, scores = run.search, [percent(run.numbers[name]) for name in ("validation", "test", "truth")]
        times = (f"{search.cost.total:.1f} s", human_duration(search.wall_seconds))
        work = f"{search.epochs} {'supernet' if search.epochs_of == 'supernet' else 'candidate'} epochs"
        lines.append((search.method, search.seed, *scores, *times, work, search.ended, search.folder))
    return PageTable(RUNS, lines, text=("method", "folder"), prose=("ended",))
