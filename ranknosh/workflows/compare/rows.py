"""The results of a comparison: what every run found, and what each method's runs add up to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from statistics import fmean
from typing import Any

import numpy as np

from ranknosh.config.search import ALWAYS, CompareSettings
from ranknosh.config.units import Quantity, plural
from ranknosh.spaces.stock import home_of
from ranknosh.tasks.data.table import Table
from ranknosh.workflows.compare.anytime import Curve
from ranknosh.workflows.compare.records import TOLERANCE, CompareState, Cost, Searched, Trained
from ranknosh.workflows.compare.statistics import Findings, findings, margin


@dataclass(frozen=True)
class Spread:
    """Mean of ``n`` runs, its standard error (sample standard deviation over the root of n), and half its 95 % t interval; None
    where too few are known."""

    n: int
    mean: float | None
    error: float | None
    margin: float | None

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Spread:
        known = np.array([value for value in values if value is not None], dtype=float)
        if not len(known):
            return cls(0, None, None, None)
        error = float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else None
        return cls(len(known), float(known.mean()), error, margin(known.tolist()))


@dataclass(frozen=True)
class RunResult:
    """One method under one seed. ``text``: the found architecture, ``key`` its canonical id; ``truth``: its mean in the
    table (fraction); None where there is none. ``shared``: the other methods whose find of this seed is the same function.
    ``curve``: what the search would have answered earlier, see :mod:`ranknosh.workflows.compare.anytime`."""

    search: Searched
    text: str | None = None
    key: str | None = None
    final: Trained | None = None
    truth: float | None = None
    shared: tuple[str, ...] = ()
    curve: Curve = ()

    @property
    def numbers(self) -> dict[str, float | None]:
        """What a method's runs differ in: the metric (shares as fractions), ``cost`` (device seconds of the search), size; None
        where unknown."""
        final = {name: getattr(self.final, name, None) for name in ("validation", "test", "params", "macs")}
        return {**final, "truth": self.truth, "cost": self.search.cost.total}


@dataclass(frozen=True)
class Row:
    """A method over its runs, one or more. ``metric``: what they are judged by; ``table``: the data set of the table of finished
    trainings, where there is one."""

    method: str
    runs: tuple[RunResult, ...]
    budget_seconds: float
    metric: Quantity
    table: str = ""

    def spread(self, name: str) -> Spread:
        """Of one of the runs' :attr:`RunResult.numbers`."""
        return Spread.of(run.numbers[name] for run in self.runs)

    def by_seed(self, name: str) -> dict[int, float]:
        """One of the runs' :attr:`RunResult.numbers` where it is known."""
        known = {run.search.seed: run.numbers[name] for run in self.runs}
        return {seed: value for seed, value in known.items() if value is not None}

    @property
    def share(self) -> float:
        """What a search cost, as a share of its budget."""
        return fmean(run.search.cost.total for run in self.runs) / self.budget_seconds

    @property
    def share_text(self) -> str:
        """``95 %``; ``no search`` of a stock network."""
        return "no search" if self.is_stock else f"{100 * self.share:.0f} %"

    @property
    def is_stock(self) -> bool:
        """Whether it is a stock network, which needs no search and no budget."""
        return all(run.search.is_stock for run in self.runs)

    @property
    def on_budget(self) -> bool:
        return self.is_stock or abs(self.share - 1) <= TOLERANCE

    def part(self, name: str) -> float:
        """Mean device seconds of one part of the cost (a field of ``Cost``)."""
        return fmean(getattr(run.search.cost, name) for run in self.runs)

    @property
    def work(self) -> str:
        """``144 candidate epochs, 36 candidates``, ``25 supernet epochs``: means over runs, in their own unit; ``no search``."""
        searches = [run.search for run in self.runs]
        if self.is_stock:
            return "no search"
        epochs = fmean(search.epochs for search in searches)
        if any(search.epochs_of == "supernet" for search in searches):
            return plural(round(epochs), "supernet epoch")
        candidates = fmean(search.evaluations for search in searches)
        return f"{plural(round(epochs), 'candidate epoch')}, {plural(round(candidates), 'candidate')}"

    @property
    def finds(self) -> dict[str | None, str]:
        """Every architecture found, with the ``seeds 0, 2`` that found it, in the order of seeds; None where one found none."""
        seeds: dict[str | None, list[str]] = {}
        for run in self.runs:
            seeds.setdefault(run.text, []).append(str(run.search.seed))
        return {text: f"seed{'s' if len(found) > 1 else ''} {', '.join(found)}" for text, found in seeds.items()}


def rows_of(
    state: CompareState,
    settings: CompareSettings,
    metric: Quantity,
    table: Table | None = None,
    curve_of: Callable[[Searched], Curve] = lambda search: (),
) -> tuple[Row, ...]:
    """One row a method that has a finished search, the best mean on validation first, methods without one last, names in
    order among equals.

    Args:
        state: of the comparison.
        settings: of the comparison.
        metric: what methods are judged by.
        table: finished trainings of the space's architectures, None where none is known.
        curve_of: what a search would have answered earlier.
    """
    space = settings.space.make()
    searches = [state.searched[pair] for pair in settings.pairs if pair in state.searched]
    finders: dict[tuple[str, int], list[str]] = {}
    for search in searches:
        if search.architecture is not None:
            key = home_of(search.architecture, space).canonical(search.architecture)
            finders.setdefault((key, search.seed), []).append(search.method)
    by_method: dict[str, list[RunResult]] = {}
    for search in searches:
        found, result = search.architecture, RunResult(search, curve=curve_of(search))
        if found is not None:
            home = home_of(found, space)
            key, place = home.canonical(found), None if table is None else table.find(found)
            truth = None if table is None or place is None else float(table.truth[place])
            shared = tuple(method for method in finders[key, search.seed] if method != search.method)
            final = state.final(search, space)
            result = RunResult(search, home.format(found), key, final, truth, shared, result.curve)
        by_method.setdefault(search.method, []).append(result)
    known = "" if table is None else table.data
    rows = [Row(method, tuple(runs), settings.budget_seconds, metric, known) for method, runs in by_method.items()]
    means = {row.method: row.spread("validation").mean for row in rows}
    sign = -1 if metric.higher else 1
    return tuple(
        sorted(rows, key=lambda row: (means[row.method] is None, sign * (means[row.method] or 0.0), row.method))
    )


def findings_of(rows: Sequence[Row]) -> Findings | None:
    """Whether the methods differ by more than chance from random search and from the best; None before any final result.

    The best is the first by validation; what is compared is test, so that being chosen does not favour it.
    """
    judged = [row for row in rows if row.by_seed("validation")]
    if not judged:
        return None
    part = "test" if any(row.by_seed("test") for row in judged) else "validation"
    results = {row.method: row.by_seed(part) for row in judged}
    best = judged[0].method
    return findings(part, results, best, (ALWAYS, best), judged[0].metric.higher)


def as_dict(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows as plain data: shares as fractions, times in seconds; null where unknown."""
    return [
        {
            "method": row.method,
            "repeats": len(row.runs),
            "validation": vars(row.spread("validation")),
            "test": vars(row.spread("test")),
            "truth": vars(row.spread("truth")),
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
        "truth": run.truth,
        "final": final and {name: final[name] for name in ("validation", "test", "epochs", "seconds", "failed")},
        "final_shared_with": list(run.shared),
        "anytime": [list(point) for point in run.curve],
        "search": {
            **{name: search[name] for name in search if name not in ("method", "seed", "architecture")},
            "folder": str(run.search.folder),
        },
    }
