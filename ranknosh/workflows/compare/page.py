"""The page of a comparison: its sections, from its results alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ranknosh.report.drawing import drawings
from ranknosh.report.page import Figure, Gallery, Page, PageSection, PageTable, Text, missing, origin
from ranknosh.report.words import UNKNOWN, duration, percent
from ranknosh.workflows.compare.plots import accuracy_plot, cost_plot
from ranknosh.workflows.compare.rows import CompareView, Row, RunResult
from ranknosh.workflows.compare.text import HEAD, cells, found_lines, notes, title


def render(view: CompareView) -> str:
    """The whole page; equal results give equal bytes. Raises MissingDependency without matplotlib or jinja2."""
    about = f"Search methods compared with RankNOSH: {title(view.settings.budget_seconds, view.rows)}"
    return Page("Comparison", view.name, about, sections(view)).render()


def sections(view: CompareView) -> list[PageSection]:
    """Every section of the page, in reading order."""
    return [
        _methods(view),
        accuracy_plot(view.rows),
        cost_plot(view.rows, view.settings.budget_seconds),
        _found(view.rows),
        _runs(view.rows),
        _origin(view),
    ]


def _methods(view: CompareView) -> PageSection:
    rows = view.rows
    if not rows:
        return missing("table", "Methods", f"{UNKNOWN}: no search has ended yet.")
    table = PageTable(HEAD, [cells(row) for row in rows], text=HEAD[:1])
    return PageSection("table", "Methods", [table, Text(notes(rows, view.settings.whole_epochs), "notes")])


def _found(rows: Sequence[Row]) -> PageSection:
    """Who found which architecture under which seeds, and a drawing of each."""
    if not rows:
        return missing("cells", "Found cells", f"{UNKNOWN}: nothing was found yet.")
    finders: dict[str, list[str]] = {}
    for row in rows:
        for (seeds, _), (text, _) in zip(found_lines(row), row.finds, strict=True):
            if text is not None:
                finders.setdefault(text, []).append(f"{row.method} ({seeds})")
    figures: list[Figure] = []
    for place, (text, who) in enumerate(finders.items()):
        figures += [replace(figure, title=", ".join(who)) for figure in drawings(text, f"cell{place}")]
    finds = [(row.method, seeds, text) for row in rows for seeds, text in found_lines(row)]
    table = PageTable(("method", "seeds", "found"), finds, text=("method", "seeds"), code=("found",))
    return PageSection("cells", "Found cells", [table, Gallery(figures)])


def _runs(rows: Sequence[Row]) -> PageSection:
    runs = [_run(run) for row in rows for run in row.runs]
    head = (
        "method",
        "seed",
        "validation",
        "test",
        "true accuracy",
        "device time",
        "wall time",
        "work",
        "ended",
        "folder",
    )
    table = PageTable(head, runs, text=("method", "folder"), prose=("ended",))
    return PageSection("runs", "Every run", [table])


def _run(run: RunResult) -> tuple[object, ...]:
    outcome = run.outcome
    scores = (percent(run.validation), percent(run.test), percent(run.truth))
    times = (f"{outcome.cost.total:.1f} s", duration(outcome.wall_seconds))
    work = f"{outcome.epochs} {'supernet' if outcome.epochs_of == 'supernet' else 'candidate'} epochs"
    return (run.method, run.seed, *scores, *times, work, outcome.ended, outcome.folder)


def _origin(view: CompareView) -> PageSection:
    header, settings, sessions = view.header, view.settings, view.sessions
    network, last = settings.network, sessions[-1] if sessions else None
    images = ", ".join(f"{count} {part}" for part, count in header.data["images"].items())
    facts = [
        ("search space", header.facts["space"]),
        ("network", f"{network.channels} channels, {network.cells} cells in a stage"),
        ("images", f"{header.data['name']}: {images}"),
        ("budget of a search", f"{settings.budget_seconds:g} device seconds, the same for every method and seed"),
        ("final recipe", f"{settings.whole_epochs} epochs from scratch with the train section below"),
        ("table", settings.table or UNKNOWN),
        ("device", f"{last.device}, {last.host_cores} cores" if last else UNKNOWN),
        ("sessions", len(sessions)),
        ("git revision", header.git or UNKNOWN),
        ("started", header.created or UNKNOWN),
    ]
    commands = [header.command, *(session.command for session in sessions[1:])]
    return origin(facts, commands, header.versions, settings.to_dict())
