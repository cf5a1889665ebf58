"""The results of a comparison: what every run found, and what each method's runs add up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from statistics import fmean
from typing import Any

import numpy as np

from ranknosh.config.search import CompareSettings
from ranknosh.data.table import Table
from ranknosh.spaces.catalog import get_space
from ranknosh.workflows.compare.records import TOLERANCE, CompareState, Cost, Searched, Trained


@dataclass(frozen=True)
class Spread:
    """Mean and standard error (sample standard deviation over the root of n) of ``n`` runs; None where too few are known."""

    n: int
    mean: float | None
    error: float | None

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Spread:
        known = np.array([value for value in values if value is not None], dtype=float)
        if not len(known):
            return cls(0, None, None)
        error = float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else None
        return cls(len(known), float(known.mean()), error)


@dataclass(frozen=True)
class RunResult:
    """One method under one seed. ``text``: the found architecture, ``key`` its canonical id; ``truth``: its mean accuracy in
    the table (fraction); None where there is none. ``shared``: the other methods whose find of this seed is the same function."""

    search: Searched
    text: str | None = None
    key: str | None = None
    final: Trained | None = None
    truth: float | None = None
    shared: tuple[str, ...] = ()

    @property
    def numbers(self) -> dict[str, float | None]:
        """What a method's runs differ in: accuracies (fractions), ``cost`` (device seconds of the search), size; None where
        unknown."""
        final = {name: getattr(self.final, name, None) for name in ("validation", "test", "params", "macs")}
        return {**final, "truth": self.truth, "cost": self.search.cost.total}


@dataclass(frozen=True)
class Row:
    """A method over its runs, one or more."""

    method: str
    runs: tuple[RunResult, ...]
    budget_seconds: float

    def spread(self, name: str) -> Spread:
        """Of one of the runs' :attr:`RunResult.numbers`."""
        return Spread.of(run.numbers[name] for run in self.runs)

    @property
    def share(self) -> float:
        """What a search cost, as a share of its budget."""
        return fmean(run.search.cost.total for run in self.runs) / self.budget_seconds

    @property
    def on_budget(self) -> bool:
        return abs(self.share - 1) <= TOLERANCE

    def part(self, name: str) -> float:
        """Mean device seconds of one part of the cost (a field of ``Cost``)."""
        return fmean(getattr(run.search.cost, name) for run in self.runs)

    @property
    def work(self) -> str:
        """``144 candidate epochs, 36 candidates`` or ``25 supernet epochs``: means over runs, in their own unit."""
        searches = [run.search for run in self.runs]
        epochs = fmean(search.epochs for search in searches)
        if any(search.epochs_of == "supernet" for search in searches):
            return f"{epochs:.0f} supernet epochs"
        return f"{epochs:.0f} candidate epochs, {fmean(search.evaluations for search in searches):.0f} candidates"

    @property
    def finds(self) -> dict[str | None, str]:
        """Every architecture found, with the ``seeds 0, 2`` that found it, in the order of seeds; None where one found none."""
        seeds: dict[str | None, list[str]] = {}
        for run in self.runs:
            seeds.setdefault(run.text, []).append(str(run.search.seed))
        return {text: f"seed{'s' if len(found) > 1 else ''} {', '.join(found)}" for text, found in seeds.items()}


def rows_of(state: CompareState, settings: CompareSettings, table: Table | None = None) -> tuple[Row, ...]:
    """One row a method that has a finished search, the best mean validation accuracy first, methods without one last, names in
    order among equals.

    Args:
        state: of the comparison.
        settings: of the comparison.
        table: finished trainings of the space's architectures, None where none is known.
    """
    space = get_space(settings.space.name)
    searches = [state.searched[pair] for pair in settings.pairs if pair in state.searched]
    finders: dict[tuple[str, int], list[str]] = {}
    for search in searches:
        if search.architecture is not None:
            finders.setdefault((space.canonical(search.architecture), search.seed), []).append(search.method)
    by_method: dict[str, list[RunResult]] = {}
    for search in searches:
        found, result = search.architecture, RunResult(search)
        if found is not None:
            key, place = space.canonical(found), None if table is None else table.find(found)
            truth = None if table is None or place is None else float(table.truth[place])
            shared = tuple(method for method in finders[key, search.seed] if method != search.method)
            result = RunResult(search, space.format(found), key, state.final(search), truth, shared)
        by_method.setdefault(search.method, []).append(result)
    rows = [Row(method, tuple(runs), settings.budget_seconds) for method, runs in by_method.items()]
    means = {row.method: row.spread("validation").mean for row in rows}
    return tuple(sorted(rows, key=lambda row: (means[row.method] is None, -(means[row.method] or 0.0), row.method)))


def as_dict(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows as plain data: accuracies as fractions, times in seconds; null where unknown."""
    return [
        {
            "method": row.method,
            "repeats": len(row.runs),
            "validation": vars(row.spread("validation")),
            "test": vars(row.spread("test")),
            "true_accuracy": vars(row.spread("truth")),
            "search_device_seconds": vars(row.spread("cost")),
            "share_of_budget": row.share,
            "cost_parts_seconds": {part.name: row.part(part.name) for part in fields(Cost)},
            "params": vars(row.spread("params")),
            "macs": vars(row.spread("macs")),
            "work": row.work,
            "runs": [_run_dict(run) for run in row.runs],
        }
        for row in rows
    ]


def _run_dict(run: RunResult) -> dict[str, Any]:
    final, search, numbers = asdict(run.final) if run.final else None, asdict(run.search), run.numbers
    return {
        "seed": search["seed"],
        "architecture": run.text,
        "canonical": run.key,
        "params": numbers["params"],
        "macs": numbers["macs"],
        "true_accuracy": run.truth,
        "final": final and {name: final[name] for name in ("validation", "test", "epochs", "seconds", "failed")},
        "final_shared_with": list(run.shared),
        "search": {
            **{name: search[name] for name in search if name not in ("method", "seed", "architecture")},
            "folder": str(run.search.folder),
        },
    }
