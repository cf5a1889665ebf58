"""The page of a comparison: its sections, from its results alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ranknosh.report.drawing import drawings
from ranknosh.report.page import Figure, Gallery, Page, PageSection, PageTable, Text, missing, origin
from ranknosh.report.words import UNKNOWN, duration, percent
from ranknosh.workflows.compare.plots import accuracy_plot, cost_plot
from ranknosh.workflows.compare.rows import Row, RunResult
from ranknosh.workflows.compare.text import HEAD, cells, found_lines, notes, title


def render(name: str, header: Mapping[str, Any], sessions: Sequence[Mapping[str, Any]], rows: Sequence[Row]) -> str:
    """The whole page; equal results give equal bytes.

    Args:
        name: of the comparison.
        header: see :func:`sections`, as for the others.
        sessions: of the journal.
        rows: of the table.

    Raises:
        MissingDependency: matplotlib or jinja2 is not installed.
    """
    about = f"Search methods compared with RankNOSH: {title(_budget(rows), rows)}"
    return Page("Comparison", name, about, sections(header, sessions, rows)).render()


def sections(
    header: Mapping[str, Any], sessions: Sequence[Mapping[str, Any]], rows: Sequence[Row]
) -> list[PageSection]:
    """Every section of the page, in reading order.

    Args:
        header: that of the comparison's journal.
        sessions: those of its journal.
        rows: a method each, in the order they are shown.
    """
    return [
        _methods(header, rows),
        accuracy_plot(rows),
        cost_plot(rows, _budget(rows)),
        _found(rows),
        _runs(rows),
        _origin(header, sessions, _budget(rows)),
    ]


def _budget(rows: Sequence[Row]) -> float:
    return rows[0].budget_seconds if rows else 0.0


def _methods(header: Mapping[str, Any], rows: Sequence[Row]) -> PageSection:
    if not rows:
        return missing("table", "Methods", f"{UNKNOWN}: no search has ended yet.")
    table = PageTable(HEAD, [cells(row) for row in rows], text=HEAD[:1])
    return PageSection("table", "Methods", [table, Text(notes(rows, dict(header["settings"])), "notes")])


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


def _origin(header: Mapping[str, Any], sessions: Sequence[Mapping[str, Any]], budget: float) -> PageSection:
    images, config = header["data"]["images"], header["config"]
    last = sessions[-1] if sessions else {}
    facts = [
        ("search space", header["space"]),
        ("network", f"{config['network']['channels']} channels, {config['network']['cells']} cells in a stage"),
        ("images", f"{header['data']['name']}: " + ", ".join(f"{count} {part}" for part, count in images.items())),
        ("budget of a search", f"{budget:g} device seconds, the same for every method and seed"),
        ("final recipe", f"{header['settings']['final_epochs']} epochs from scratch with the train section below"),
        ("table", last.get("table") or UNKNOWN),
        ("device", f"{last.get('device', UNKNOWN)}, {last.get('host_cores', UNKNOWN)} cores"),
        ("sessions", len(sessions)),
        ("git revision", header.get("git") or UNKNOWN),
        ("started", header.get("created") or UNKNOWN),
    ]
    commands = [header["command"], *(session["command"] for session in sessions[1:])]
    return origin(facts, commands, header["versions"], config)
