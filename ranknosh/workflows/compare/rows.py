"""The results of a comparison: what every run found, and what each method's runs add up to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ranknosh.config.search import CompareSettings
from ranknosh.core.records import Session
from ranknosh.runs.journal import Header
from ranknosh.spaces.catalog import get_space
from ranknosh.workflows.compare.records import COST_PARTS, TOLERANCE, CompareState, Final, SearchOutcome
from ranknosh.workflows.search.assembly import size_of

if TYPE_CHECKING:
    from ranknosh.data.table import Table

SPREADS = ("validation", "test", "truth", "cost", "params", "macs")
"""What a method's runs differ in, by the names of a run and of a row. Accuracies are fractions."""


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

    method: str
    seed: int
    outcome: SearchOutcome
    text: str | None = None
    key: str | None = None
    final: Final | None = None
    params: int | None = None
    macs: int | None = None
    truth: float | None = None
    shared: tuple[str, ...] = ()

    @property
    def validation(self) -> float | None:
        return self.final.validation if self.final else None

    @property
    def test(self) -> float | None:
        return self.final.test if self.final else None

    @property
    def cost(self) -> float:
        return self.outcome.cost.total


@dataclass(frozen=True)
class Row:
    """A method over its runs, and the spread of what :data:`SPREADS` names; ``cost`` is in device seconds of a search."""

    method: str
    runs: tuple[RunResult, ...]
    budget_seconds: float
    validation: Spread
    test: Spread
    truth: Spread
    cost: Spread
    params: Spread
    macs: Spread

    def spread(self, value: Callable[[RunResult], float | None]) -> Spread:
        return Spread.of(value(run) for run in self.runs)

    @property
    def share(self) -> float:
        """What a search cost, as a share of its budget."""
        return (self.cost.mean or 0.0) / self.budget_seconds

    @property
    def on_budget(self) -> bool:
        return abs(self.share - 1) <= TOLERANCE

    def part(self, name: str) -> float:
        """Mean device seconds of one part of the cost (a field of ``Cost``)."""
        return self.spread(lambda run: float(getattr(run.outcome.cost, name))).mean or 0.0

    @property
    def work(self) -> str:
        """``144 candidate epochs, 36 candidates`` or ``25 supernet epochs``: means over runs, in their own unit."""
        epochs = self.spread(lambda run: run.outcome.epochs).mean or 0.0
        if any(run.outcome.epochs_of == "supernet" for run in self.runs):
            return f"{epochs:.0f} supernet epochs"
        return f"{epochs:.0f} candidate epochs, {self.spread(lambda run: run.outcome.evaluations).mean or 0:.0f} candidates"

    @property
    def finds(self) -> tuple[tuple[str | None, tuple[int, ...]], ...]:
        """Every architecture found and the seeds that found it, in the order of seeds; None where a seed found none."""
        seeds: dict[str | None, list[int]] = {}
        for run in self.runs:
            seeds.setdefault(run.text, []).append(run.seed)
        return tuple((text, tuple(found)) for text, found in seeds.items())


@dataclass(frozen=True)
class CompareView:
    """A comparison for its page. ``name``: of its folder; ``rows``: a method each, in the order they are shown."""

    name: str
    header: Header
    settings: CompareSettings
    sessions: Sequence[Session]
    rows: Sequence[Row]


def results_of(
    state: CompareState, settings: CompareSettings, images: Mapping[str, Any], table: Table | None = None
) -> tuple[RunResult, ...]:
    """What is known of every method and seed that has a finished search, in the order they are run.

    Args:
        state: of the comparison.
        settings: of the comparison.
        images: what its header holds of them.
        table: finished trainings of the space's architectures, None where none is known.
    """
    import torch

    from ranknosh.spaces.nets import build_candidate, count_macs, count_params
    from ranknosh.training.surroundings import surroundings

    space, shape = get_space(settings.space.name), tuple(images["image_shape"])
    size = size_of(settings, images)
    found = {pair: outcome.architecture for pair, outcome in state.searched.items() if outcome.architecture is not None}
    keys = {pair: space.canonical(architecture) for pair, architecture in found.items()}
    runs = []
    for method, seed in settings.pairs:
        outcome, architecture = state.searched.get((method, seed)), found.get((method, seed))
        known: dict[str, Any] = {}
        if architecture is not None:
            with surroundings(torch.get_num_threads(), torch.device("cpu")):
                network = build_candidate(architecture, size)
                known.update(params=count_params(network), macs=count_macs(network, shape))
            key, row = keys[method, seed], None if table is None else table.find(architecture)
            known["truth"] = None if table is None or row is None else float(table.truth[row])
            known["shared"] = tuple(m for (m, s), other in keys.items() if s == seed and m != method and other == key)
            known.update(text=space.format(architecture), key=key, final=state.trained.get((key, seed)))
        if outcome is not None:
            runs.append(RunResult(method, seed, outcome, **known))
    return tuple(runs)


def rows_of(runs: Iterable[RunResult], budget_seconds: float) -> tuple[Row, ...]:
    """One row a method, the best mean validation accuracy first, methods without one last, names in order among equals."""
    by_method: dict[str, list[RunResult]] = {}
    for run in runs:
        by_method.setdefault(run.method, []).append(run)
    rows = []
    for method, found in by_method.items():
        spreads = {name: Spread.of(getattr(run, name) for run in found) for name in SPREADS}
        rows.append(Row(method, tuple(found), budget_seconds, **spreads))
    return tuple(sorted(rows, key=lambda row: (row.validation.mean is None, -(row.validation.mean or 0.0), row.method)))


def as_dict(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows as plain data: accuracies as fractions, times in seconds; null where unknown."""
    return [
        {
            "method": row.method,
            "repeats": len(row.runs),
            "validation": vars(row.validation),
            "test": vars(row.test),
            "true_accuracy": vars(row.truth),
            "search_device_seconds": vars(row.cost),
            "share_of_budget": row.share,
            "cost_parts_seconds": {part: row.part(part) for part in COST_PARTS},
            "params": vars(row.params),
            "macs": vars(row.macs),
            "work": row.work,
            "runs": [_run_dict(run) for run in row.runs],
        }
        for row in rows
    ]


def _run_dict(run: RunResult) -> dict[str, Any]:
    return {
        "seed": run.seed,
        "architecture": run.text,
        "canonical": run.key,
        "params": run.params,
        "macs": run.macs,
        "true_accuracy": run.truth,
        "final": asdict(run.final) if run.final else None,
        "final_shared_with": list(run.shared),
        "search": {
            **{k: v for k, v in asdict(run.outcome).items() if k != "architecture"},
            "folder": str(run.outcome.folder),
        },
    }
