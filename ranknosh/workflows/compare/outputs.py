"""The files that a comparison leaves beside its journal, all made again from it: table.md, results.json, report.html."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ranknosh.runs.files import write_atomic
from ranknosh.workflows.compare.page import render
from ranknosh.workflows.compare.rows import Row, as_dict
from ranknosh.workflows.compare.text import markdown

TABLE, RESULTS, PAGE = "table.md", "results.json", "report.html"


def document(
    folder: Path, header: Mapping[str, Any], sessions: Sequence[Mapping[str, Any]], rows: Sequence[Row]
) -> dict[str, Any]:
    """Everything as plain data: what ``results.json`` holds and ``--json`` prints."""
    return {
        "folder": str(folder),
        "settings": dict(header["settings"]),
        "methods": list(sessions[-1]["methods"]) if sessions else [],
        "seeds": sessions[-1]["seeds"] if sessions else 0,
        "table": sessions[-1]["table"] if sessions else None,
        "space": header["space"],
        "data": dict(header["data"]),
        "rows": as_dict(rows),
    }


def write_outputs(
    folder: Path, header: Mapping[str, Any], sessions: Sequence[Mapping[str, Any]], rows: Sequence[Row]
) -> None:
    """Write all three. Raises StoreFull or StoreError, and MissingDependency, the first two written, without what pages need."""
    budget = rows[0].budget_seconds if rows else 0.0
    found = document(folder, header, sessions, rows)
    write_atomic(folder / RESULTS, (json.dumps(found, indent=1, allow_nan=False) + "\n").encode())
    write_atomic(folder / TABLE, markdown(rows, budget, dict(header["settings"])).encode())
    write_atomic(folder / PAGE, render(folder.resolve().name, header, sessions, rows).encode())
