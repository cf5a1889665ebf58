"""Runs of several methods on one table, with the same seeds, and what they add up to."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np

from ranknosh.bench.account import Curve, curve_of, epochs_to, interval_to
from ranknosh.bench.methods import METHODS, SCORED_METHODS, checked
from ranknosh.bench.scores import TableScores, read_scores
from ranknosh.config.screen import table
from ranknosh.data.table import ACCOUNTINGS, Accounting, Table
from ranknosh.errors import ConfigError
from ranknosh.runs.files import write_atomic
from ranknosh.runs.provenance import host_cores
from ranknosh.streams import stream

CHECKPOINTS = (1000, 2000, 3200, 4000, 8000, 20000, 40000)
TARGETS = (1.0, 0.5, 0.3, 0.2, 0.1)
Progress = Callable[[str, int, int], None]
_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_HIT = 1e-9


@dataclass(frozen=True)
class At:
    """Regret (percentage points) over the repeats once ``epochs`` were spent. p_optimum: share that held the best cell.

    The numbers are None where a repeat had not paid for its first observation yet.
    """

    epochs: int
    mean: float | None
    standard_error: float | None
    median: float | None
    p_optimum: float | None


@dataclass(frozen=True)
class To:
    """``epochs``: the first at which the mean regret over the repeats is ``target`` or less. low, high: the middle 90 % of that
    over bootstrap samples of the repeats. None for never within the budget."""

    target: float
    epochs: int | None
    low: int | None
    high: int | None


@dataclass(frozen=True)
class MethodRow:
    """One method. ``seconds`` are processor seconds of a run, the mean over repeats."""

    method: str
    repeats: int
    seconds: float
    at: tuple[At, ...]
    to: tuple[To, ...]


def run_bench(
    table: str | Path | Table,
    methods: Sequence[str],
    budget: int = 3200,
    repeats: int = 100,
    seed: int = 0,
    accounting: Accounting = "resume",
    json_out: str | Path | None = None,
    progress: Progress | None = None,
    jobs: int | None = None,
    scores: str | Path | TableScores | None = None,
    proxies: Sequence[str] | None = None,
    checkpoints: Sequence[int] = CHECKPOINTS,
) -> list[MethodRow]:
    """Runs of search methods on a table; repeat i has the same seed for every method.

    Args:
        table: or its file.
        methods: names.
        budget: epochs of each run.
        repeats: runs of each method.
        seed: of all of them.
        accounting: see :meth:`ranknosh.data.table.Table.schedule`.
        json_out: where the rows, the settings and every single regret are written.
        progress: called with (method, runs done, runs in all) after every run.
        jobs: processes of one thread each, by default one a core.
        scores: values of train-free proxies for ``SCORED_METHODS``, or their file.
        proxies: which of them (see :func:`ranknosh.bench.scores.read_scores`).
        checkpoints: epochs at which the regret is given, besides the budget.

    Raises:
        ConfigError: for a setting out of range or an unknown method.
        DataError: for a table or scores that cannot be used.
    """
    names = checked(methods)
    for holds, text in (
        (budget >= 1, f"the budget is {budget} epochs; it must be 1 or more"),
        (repeats >= 1, f"repeats is {repeats}; it must be 1 or more"),
        (seed >= 0, f"the seed is {seed}; it must be 0 or more"),
        (accounting in ACCOUNTINGS, f"unknown accounting {accounting!r}; known are {', '.join(ACCOUNTINGS)}"),
        (jobs is None or jobs >= 1, f"jobs is {jobs}; it must be 1 or more"),
    ):
        if not holds:
            raise ConfigError(text)
    loaded = table if isinstance(table, Table) else Table.load(table)
    if budget < loaded.epochs[-1]:
        raise ConfigError(
            f"the budget is {budget} epochs, which does not pay for one full training of {loaded.epochs[-1]}; raise --budget"
        )
    known = _scores(loaded, names, scores, proxies)
    points = sorted({point for point in checkpoints if point < budget} | {budget})
    seeds = [int(stream(seed, "bench run", number).integers(2**31)) for number in range(repeats)]
    tasks = [_Task(name, number, budget, seeds[number], accounting) for name in names for number in range(repeats)]
    found: dict[str, dict[int, _Outcome]] = {name: {} for name in names}
    for task, outcome in _all((loaded, known), tasks, points, jobs):
        found[task.method][task.number] = outcome
        if progress:
            progress(task.method, len(found[task.method]), repeats)
    outcomes = {name: [by_number[number] for number in range(repeats)] for name, by_number in found.items()}
    rows = [_row(name, points, outcomes[name]) for name in names]
    if json_out is not None:
        settings = {"budget": budget, "repeats": repeats, "seed": seed, "accounting": accounting}
        facts = {"architectures": len(loaded), "best": loaded.best, "levels": list(loaded.epochs)}
        every = {name: [one.regrets for one in outcomes[name]] for name in names}
        document = {"table": facts, "settings": settings, "rows": [asdict(row) for row in rows], "regret": every}
        document["proxies"] = list(known.values) if known else None
        write_atomic(Path(json_out), (json.dumps(document, indent=1, allow_nan=False) + "\n").encode())
    return rows


def format_rows(rows: Sequence[MethodRow]) -> str:
    """The rows as text: mean +- standard error (median; share of runs at the optimum) of the regret at each budget, and the
    epochs at which the mean reaches each target."""
    if not rows:
        return ""
    targets = [f"to {to.target:g}" for to in rows[0].to]
    head = ["method", "repeats", *(f"{at.epochs} epochs" for at in rows[0].at), *targets, "s/run"]
    cells = []
    for row in rows:
        reached = ["never" if to.epochs is None else str(to.epochs) for to in row.to]
        cells.append([row.method, str(row.repeats), *(_cell(at) for at in row.at), *reached, f"{row.seconds:.2f}"])
    return (
        "regret in percentage points: mean ± standard error (median; share of runs that hold the best cell); epochs to a mean "
        f"regret of so much\n{table(head, cells)}"
    )


def _cell(at: At) -> str:
    if at.mean is None or at.median is None or at.p_optimum is None:
        return "n/a"
    error = "n/a" if at.standard_error is None else f"{at.standard_error:.3f}"
    return f"{at.mean:.3f} ± {error} ({at.median:.2f}; {100 * at.p_optimum:.0f}%)"


def _scores(
    table: Table, names: Sequence[str], scores: str | Path | TableScores | None, proxies: Sequence[str] | None
) -> TableScores | None:
    """The scores that the methods need; None where none does, whatever was given."""
    needing = [name for name in names if name in SCORED_METHODS]
    if not needing:
        return None
    if scores is None:
        raise ConfigError(
            f"{needing[0]} starts from train-free scores of all architectures; write them with: ranknosh score "
            f"{table.space.name} --all --csv scores.csv, and give them with --scores scores.csv"
        )
    return scores if isinstance(scores, TableScores) else read_scores(scores, table, proxies)


def _row(name: str, points: Sequence[int], outcomes: Sequence[_Outcome]) -> MethodRow:
    at = []
    for epochs, reached in zip(points, zip(*(one.regrets for one in outcomes), strict=True), strict=True):
        if None in reached:
            at.append(At(epochs, None, None, None, None))
            continue
        values = np.array(reached, dtype=float)
        error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
        at.append(At(epochs, float(values.mean()), error, float(np.median(values)), float((values <= _HIT).mean())))
    curves = [one.curve for one in outcomes]
    to = tuple(To(target, epochs_to(target, curves), *interval_to(target, curves)) for target in TARGETS)
    return MethodRow(name, len(outcomes), sum(one.seconds for one in outcomes) / len(outcomes), tuple(at), to)


Known = tuple[Table, TableScores | None]
_KNOWN: Known | None = None
"""What this process of a benchmark was started with."""


class _Task(NamedTuple):
    """One run of a method, the ``number``-th with that name."""

    method: str
    number: int
    budget: int
    seed: int
    accounting: Accounting


class _Outcome(NamedTuple):
    """``regrets`` at the checkpoints, None before the first observation."""

    regrets: list[float | None]
    curve: Curve
    seconds: float


def _all(known: Known, tasks: Sequence[_Task], points: list[int], jobs: int | None) -> Iterator[tuple[_Task, _Outcome]]:
    """Every task with its outcome, as they end."""
    processes = min(jobs or host_cores(), len(tasks))
    with _single_threaded():
        if processes == 1:
            yield from ((task, _one(task, points, known)) for task in tasks)
            return
        with ProcessPoolExecutor(
            processes, mp_context=get_context("spawn"), initializer=_open, initargs=(known,)
        ) as pool:
            futures = {pool.submit(_one, task, points): task for task in tasks}
            try:
                yield from ((futures[future], future.result()) for future in as_completed(futures))
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _open(known: Known) -> None:
    global _KNOWN
    _KNOWN = known


def _one(task: _Task, points: list[int], known: Known | None = None) -> _Outcome:
    known = known or _KNOWN
    assert known is not None
    (table, scores), started = known, perf_counter()
    given = (table, task.budget, task.seed, task.accounting)
    found = METHODS[task.method](*given) if task.method in METHODS else SCORED_METHODS[task.method](*given, scores)
    took = perf_counter() - started
    reached = [found.regret_at(point) for point in points]
    return _Outcome([None if np.isnan(regret) else regret for regret in reached], curve_of(found), took)


@contextmanager
def _single_threaded() -> Iterator[None]:
    """One thread for every numerical library, here and in processes started meanwhile."""
    from threadpoolctl import threadpool_limits

    before = {name: os.environ.get(name) for name in _THREAD_LIMITS}
    os.environ.update(dict.fromkeys(_THREAD_LIMITS, "1"))
    try:
        with threadpool_limits(1):
            yield
    finally:
        for name in _THREAD_LIMITS:
            del os.environ[name]
        os.environ.update({name: value for name, value in before.items() if value is not None})
