"""The page of a comparison: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import yaml

from ranknosh.config.units import human_duration
from ranknosh.errors import MissingDependency
from ranknosh.report.cell import describe, draw_cell, parse_edges
from ranknosh.report.style import STYLE
from ranknosh.report.tables import UNKNOWN
from ranknosh.report.words import percent
from ranknosh.workflows.compare.page_template import TEMPLATE
from ranknosh.workflows.compare.plots import accuracy_panel, cost_panel
from ranknosh.workflows.compare.rows import Row
from ranknosh.workflows.compare.text import HEAD, cells, found_lines, notes, title


def render(name: str, header: Mapping[str, Any], sessions: Sequence[Mapping[str, Any]], rows: Sequence[Row]) -> str:
    """The whole page; equal results give equal bytes. Raises MissingDependency without matplotlib or jinja2.

    name: of the comparison. header, sessions: those of its journal. rows: in the order they are shown.
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise MissingDependency("jinja2", "writing the page of a comparison") from error

    budget = rows[0].budget_seconds if rows else 0.0
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE).render(
        style=STYLE,
        name=name,
        title=title(budget, rows),
        head=HEAD,
        rows=[{"cells": cells(row), "finds": found_lines(row), "reference": row.method == "random"} for row in rows],
        notes=notes(rows, dict(header["settings"])),
        panels=[accuracy_panel(rows), cost_panel(rows, budget)],
        cells=_found(rows),
        runs=[_run(run) for row in rows for run in row.runs],
        facts=_facts(header, sessions, budget),
        commands=[header["command"], *(session["command"] for session in sessions[1:])],
        versions=sorted(header["versions"].items()),
        config=yaml.safe_dump(dict(header["config"]), sort_keys=False, default_flow_style=None, width=100),
        breakable=lambda text: escape(text).replace("|", "|<wbr>"),
        unknown=UNKNOWN,
    )


def _found(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Every architecture found, with who found it; drawn where its notation is one of nodes and edges."""
    finders: dict[str, list[str]] = {}
    for row in rows:
        for text, seeds in row.finds:
            if text is not None:
                finders.setdefault(text, []).append(
                    f"{row.method} (seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))})"
                )
    return [
        {
            "text": text,
            "by": ", ".join(who),
            "svg": draw_cell(text, f"cell{place}"),
            "words": describe(parse_edges(text)),
        }
        for place, (text, who) in enumerate(finders.items())
    ]


def _run(run: Any) -> dict[str, str]:
    outcome = run.outcome
    return {
        "method": run.method,
        "seed": str(run.seed),
        "validation": percent(run.validation),
        "test": percent(run.test),
        "truth": percent(run.truth),
        "cost": f"{outcome.cost.total:.1f} s",
        "wall": human_duration(outcome.wall_seconds),
        "work": f"{outcome.epochs} {'supernet' if outcome.epochs_of == 'supernet' else 'candidate'} epochs",
        "ended": outcome.ended,
        "folder": str(outcome.folder),
    }


def _facts(header: Mapping[str, Any], sessions: Sequence[Mapping[str, Any]], budget: float) -> list[tuple[str, str]]:
    images, config = header["data"]["images"], header["config"]
    last = sessions[-1] if sessions else {}
    return [
        ("search space", header["space"]),
        ("network", f"{config['network']['channels']} channels, {config['network']['cells']} cells in a stage"),
        ("images", f"{header['data']['name']}: " + ", ".join(f"{count} {part}" for part, count in images.items())),
        ("budget of a search", f"{budget:g} device seconds, the same for every method and seed"),
        ("final recipe", f"{header['settings']['final_epochs']} epochs from scratch with the train section below"),
        ("table", str(last.get("table") or UNKNOWN)),
        ("device", f"{last.get('device', UNKNOWN)}, {last.get('host_cores', UNKNOWN)} cores"),
        ("sessions", str(len(sessions))),
        ("git revision", str(header.get("git") or UNKNOWN)),
        ("started", str(header.get("created") or UNKNOWN)),
    ]
