"""The table of results: one row for every architecture that was asked for, isomorphic ones sharing their scores."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ranknosh.workflows.score.journal import Entry
from ranknosh.workflows.score.request import Request

if TYPE_CHECKING:
    from ranknosh.data.table import Table


@dataclass(frozen=True)
class ScoreRow:
    """One architecture. ``values`` and ``reasons`` hold the proxies asked for, ``seconds`` the time of each.

    ``scored_as``: the other architecture of the same function and size whose network was scored, None where it is this one.
    ``accuracy``: mean over seeds at the top level of a table, a fraction.
    """

    architecture: str
    canonical: str
    values: Mapping[str, float | None]
    reasons: Mapping[str, str]
    seconds: Mapping[str, float]
    scored_as: str | None = None
    accuracy: float | None = None


@dataclass(frozen=True)
class Results:
    """What was asked for and what came of it. ``judged``: a table of accuracies was given. ``kept``: every proxy that the
    journal holds values of."""

    request: Request
    rows: tuple[ScoreRow, ...]
    judged: bool
    kept: tuple[str, ...]

    @property
    def functions(self) -> int:
        """Different functions among the rows."""
        return len({row.canonical for row in self.rows})

    @property
    def networks(self) -> int:
        """Networks that the rows have their scores of."""
        return len({row.scored_as or row.architecture for row in self.rows})

    def csv(self) -> str:
        """Columns: architecture, canonical, the proxies (empty where there is a reason), seconds of all proxies, accuracy where
        there is a table, reasons as a JSON object (empty where there are none). Numbers are written so that they read back
        equal."""
        proxies = self.request.proxies
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        accuracy = ["accuracy"] if self.judged else []
        writer.writerow(["architecture", "canonical", *proxies, "seconds", *accuracy, "reasons"])
        for row in self.rows:
            writer.writerow(
                [
                    row.architecture,
                    row.canonical,
                    *(_number(row.values[name]) for name in proxies),
                    f"{sum(row.seconds.values()):.6f}",
                    *([_number(row.accuracy)] if self.judged else []),
                    json.dumps(dict(row.reasons)) if row.reasons else "",
                ]
            )
        return file.getvalue()


def results_of(
    request: Request, shares: Mapping[str, str], entries: Mapping[str, Entry], table: Table | None = None
) -> Results:
    """Rows in the order asked for; architectures not scored yet are left out. ``shares``: see :meth:`Request.shares`."""
    kept = dict.fromkeys(name for entry in entries.values() for name in entry.values)
    rows = tuple(_rows(request, shares, entries, table))
    return Results(request, rows, table is not None, tuple(kept))


def _rows(
    request: Request, shares: Mapping[str, str], entries: Mapping[str, Entry], table: Table | None
) -> list[ScoreRow]:
    rows = []
    for architecture in request.architectures:
        key, text = request.space.canonical(architecture), request.space.format(architecture)
        entry = entries.get(shares[text])
        if entry is None or any(name not in entry.values for name in request.proxies):
            continue
        place = table.find(architecture) if table is not None else None
        rows.append(
            ScoreRow(
                text,
                key,
                {name: entry.values[name] for name in request.proxies},
                {name: entry.reasons[name] for name in request.proxies if name in entry.reasons},
                {name: entry.seconds[name] for name in request.proxies},
                None if entry.text == text else entry.text,
                float(table.truth[place]) if table is not None and place is not None else None,
            )
        )
    return rows


def row_dict(row: ScoreRow, with_accuracy: bool) -> dict[str, Any]:
    """A row for programs."""
    found: dict[str, Any] = {
        "architecture": row.architecture,
        "canonical": row.canonical,
        "scored_as": row.scored_as,
        "values": dict(row.values),
        "reasons": dict(row.reasons),
        "seconds": dict(row.seconds),
    }
    return {**found, "accuracy": row.accuracy} if with_accuracy else found


def _number(value: float | None) -> str:
    return "" if value is None else repr(float(value))
