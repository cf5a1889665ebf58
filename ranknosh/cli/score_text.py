"""The summary of scores: for people as a table, for programs with every row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ranknosh.cli.screen import facts, table
from ranknosh.config.units import UNKNOWN, human_duration, plural
from ranknosh.workflows.score.outputs import Outputs
from ranknosh.workflows.score.rows import Results, row_dict
from ranknosh.workflows.score.summary import Agreement, ProxySummary, seconds_each

MOST_REASONS = 3


def as_text(results: Results, files: Outputs, summaries: Sequence[ProxySummary]) -> str:
    """A row a proxy, the commonest reasons of missing values, and where the files are."""
    head = ["proxy", "better", "given", "without", "median", "time each", "with params"]
    head += ["with accuracy"] if results.judged else []
    cells = []
    for one in summaries:
        line = [
            one.name,
            "higher" if one.direction > 0 else "lower",
            str(one.given),
            str(one.missing),
            UNKNOWN if one.median is None else f"{one.median:.4g}",
            UNKNOWN if one.seconds is None else _short(one.seconds),
            _rho(one.with_params, False),
        ]
        cells.append([*line, _rho(one.with_accuracy, True)] if results.judged else line)
    parts = [table(head, cells, "ll".ljust(len(head), "r"))]
    reasons = [(one.name, f"{count} x {text}") for one in summaries for text, count in one.reasons[:MOST_REASONS]]
    if reasons:
        parts.append("no value because\n" + facts(reasons))
    parts.append(facts(_about(results, files)))
    return "\n\n".join(parts)


def _about(results: Results, files: Outputs) -> list[tuple[str, str]]:
    request, rows = results.request, results.rows
    scored = f"{plural(len(rows), 'architecture')} of {request.space.name}: {plural(results.functions, 'function')}"
    lines = [("scored", f"{scored}, {plural(results.networks, 'network')}")]
    shared = sum(row.scored_as is not None for row in rows)
    if shared:
        lines.append(
            (
                "shared",
                f"{shared} of them have the scores of another of the same function and size (scored_as in --json)",
            )
        )
    each = seconds_each(rows)
    if each is not None:
        lines.append(("time", f"{_short(each)} an architecture for all proxies together"))
    lines.append(
        ("columns", "Spearman correlations of the order, larger being better; a missing value counts as the worst")
    )
    if results.judged:
        known = sum(row.accuracy is not None for row in rows)
        lines.append(("accuracy", f"known of {known}; after ± the standard error"))
    others = [name for name in results.kept if name not in request.directions]
    if others:
        lines.append(("kept", f"{files.journal} also holds {', '.join(others)}; name them in --proxies to see them"))
    lines.append(("files", f"{files.table}  {files.journal}" + (f"  {files.page}" if files.page.exists() else "")))
    return lines


def _rho(found: Agreement | None, with_error: bool) -> str:
    if found is None or found.rho is None:
        return UNKNOWN
    error = f" ± {found.error:.2f}" if with_error and found.error is not None else ""
    return f"{found.rho:.2f}{error}"


def _short(seconds: float) -> str:
    return human_duration(seconds) if seconds >= 1 else f"{1000 * seconds:.3g} ms"


def as_dict(results: Results, files: Outputs, summaries: Sequence[ProxySummary]) -> dict[str, Any]:
    """For programs. Correlations and seconds are None where they are not known."""
    request = results.request
    return {
        "space": request.space.name,
        "network": {"channels": request.config.network.channels, "cells": request.config.network.cells},
        "batch": request.batch,
        "seed": request.config.seed,
        "functions": results.functions,
        "networks": results.networks,
        "files": {"table": str(files.table), "journal": str(files.journal), "page": str(files.page)},
        "proxies": [one.as_dict() for one in summaries],
        "rows": [row_dict(row, results.judged) for row in results.rows],
    }
