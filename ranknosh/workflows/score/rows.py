"""The table of results: one row for every architecture that was asked for, isomorphic ones sharing their scores."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ranknosh.config.score import ScoreSettings
from ranknosh.config.screen import csv_text
from ranknosh.workflows.score.records import ScoreState

TABLE = "scores.csv"
"""The table in a run folder."""


@dataclass(frozen=True)
class ScoreRow:
    """One architecture. ``values`` and ``reasons`` hold the proxies asked for, ``seconds`` the time of each.

    ``scored_as``: the other architecture of the same function and size whose network was scored, None where it is this one.
    ``truth``: mean over seeds at the top level of a table, a fraction.
    """

    architecture: str
    canonical: str
    values: Mapping[str, float | None]
    reasons: Mapping[str, str]
    seconds: Mapping[str, float]
    scored_as: str | None = None
    truth: float | None = None


@dataclass(frozen=True)
class Results:
    """What was asked for and what came of it. ``judged``: a table of truths was given."""

    settings: ScoreSettings
    rows: tuple[ScoreRow, ...]
    judged: bool

    @property
    def directions(self) -> Mapping[str, int]:
        """+1 where larger is better, else -1, for every proxy asked for, in that order."""
        from ranknosh.training.proxies import directions

        return directions(self.settings.proxies)

    @property
    def functions(self) -> int:
        """Different functions among the rows."""
        return len({row.canonical for row in self.rows})

    @property
    def networks(self) -> int:
        """Networks that the rows have their scores of."""
        return len({row.scored_as or row.architecture for row in self.rows})

    def csv(self) -> str:
        """Columns: architecture, canonical, the proxies (empty where there is a reason), seconds of all proxies, truth where
        there is a table, reasons as a JSON object (empty where there are none). Numbers are written so that they read back
        equal."""
        truth = ["truth"] if self.judged else []
        columns = ["architecture", "canonical", *self.settings.proxies, "seconds", *truth, "reasons"]

        def line(row: ScoreRow) -> dict[str, Any]:
            reasons = json.dumps(dict(row.reasons)) if row.reasons else ""
            return {**vars(row), **row.values, "seconds": f"{sum(row.seconds.values()):.6f}", "reasons": reasons}

        return csv_text(columns, map(line, self.rows))


def results_of(settings: ScoreSettings, state: ScoreState) -> Results:
    """Rows in the order asked for; architectures that lack scores are left out."""
    asked = state.asked
    if asked is None:
        return Results(settings, (), False)
    truths = asked.truths or (None,) * len(asked.architectures)
    rows = []
    for text, scored_as, truth in zip(asked.architectures, asked.networks, truths, strict=True):
        known = state.networks.get(scored_as)
        if known is not None and all(name in known.values for name in settings.proxies):
            values = {name: known.values[name] for name in settings.proxies}
            reasons = {name: known.reasons[name] for name in settings.proxies if name in known.reasons}
            seconds = {name: known.seconds[name] for name in settings.proxies}
            other = None if scored_as == text else scored_as
            rows.append(ScoreRow(text, known.key, values, reasons, seconds, other, truth))
    return Results(settings, tuple(rows), asked.truths is not None)


def best_rows(results: Results, count: int) -> list[dict[str, Any]]:
    """The architectures with the best mean rank of all proxies, the best first, as flat rows.

    The worst has rank 1, and a missing value counts as the worst.
    """
    from zerocost.aggregate import combine

    ranked = combine([row.values for row in results.rows], results.directions) if results.rows else []
    best = sorted(zip(ranked, results.rows, strict=True), key=lambda pair: -pair[0])[:count]
    return [
        {"architecture": row.architecture, "mean_rank": rank, **row.values}
        | ({"truth": row.truth} if results.judged else {})
        for rank, row in best
    ]


def row_dict(row: ScoreRow, with_truth: bool) -> dict[str, Any]:
    """A row for programs."""
    return {name: value for name, value in vars(row).items() if with_truth or name != "truth"}
