"""The summary of scores: for people as a table, for programs with every row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ranknosh.config.screen import facts, table
from ranknosh.config.units import UNKNOWN, human_duration, plural
from ranknosh.runs.run import REPORT
from ranknosh.workflows.score.rows import TABLE, row_dict
from ranknosh.workflows.score.summary import rho_text, seconds_each, summarise

if TYPE_CHECKING:
    from ranknosh.workflows.score.run import ScoreRun

MOST_REASONS = 3


def as_text(run: ScoreRun) -> str:
    """A row a proxy, the commonest reasons of missing values, and where the files are."""
    results = run.results
    summaries = summarise(results.rows, results.directions)
    head = ["proxy", "better", "given", "without", "median", "time each", "with params"]
    head += ["with accuracy"] if results.judged else []
    cells = []
    for one in summaries:
        line = [one.name, "higher" if one.direction > 0 else "lower", str(one.given), str(one.missing)]
        line.append(UNKNOWN if one.median is None else f"{one.median:.4g}")
        line.append(UNKNOWN if one.seconds is None else _short(one.seconds))
        line.append(rho_text(one.with_params, False))
        cells.append([*line, rho_text(one.with_accuracy, True)] if results.judged else line)
    parts = [table(head, cells, "ll".ljust(len(head), "r"))]
    reasons = [(one.name, f"{count} x {text}") for one in summaries for text, count in one.reasons[:MOST_REASONS]]
    if reasons:
        parts.append("no value because\n" + facts(reasons))
    parts.append(facts(_about(run)))
    return "\n\n".join(parts)


def _about(run: ScoreRun) -> list[tuple[str, str]]:
    results, rows = run.results, run.results.rows
    space = run.settings.space.name
    scored = f"{plural(len(rows), 'architecture')} of {space}: {plural(results.functions, 'function')}"
    lines = [("scored", f"{scored}, {plural(results.networks, 'network')}")]
    shared = sum(row.scored_as is not None for row in rows)
    if shared:
        text = f"{shared} of them have the scores of another of the same function and size (scored_as in --json)"
        lines.append(("shared", text))
    each = seconds_each(rows)
    if each is not None:
        lines.append(("time", f"{_short(each)} an architecture for all proxies together"))
    about = "Spearman correlations of the order, larger being better; a missing value counts as the worst"
    lines.append(("columns", about))
    if results.judged:
        known = sum(row.accuracy is not None for row in rows)
        lines.append(("accuracy", f"known of {known}; after ± the standard error"))
    page = run.folder / REPORT
    lines.append(("files", f"{run.folder / TABLE}" + (f"  {page}" if page.exists() else "")))
    return lines


def _short(seconds: float) -> str:
    return human_duration(seconds) if seconds >= 1 else f"{1000 * seconds:.3g} ms"


def as_dict(run: ScoreRun) -> dict[str, Any]:
    """For programs. Correlations and seconds are None where they are not known."""
    results, settings = run.results, run.settings
    return {
        "run": str(run.folder),
        "space": settings.space.name,
        "network": {"channels": settings.network.channels, "cells": settings.network.cells},
        "batch": settings.batch,
        "seed": settings.seed,
        "functions": results.functions,
        "networks": results.networks,
        "files": {"table": str(run.folder / TABLE), "page": str(run.folder / REPORT)},
        "proxies": [one.as_dict() for one in summarise(results.rows, results.directions)],
        "rows": [row_dict(row, results.judged) for row in results.rows],
    }
