"""Runs of several methods on one table, with the same seeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from time import perf_counter

from threadpoolctl import threadpool_limits

from ranknosh.bench.account import Account, Scores, Trajectory
from ranknosh.bench.methods import METHODS, SCORED, checked
from ranknosh.bench.rows import MethodRow, method_row
from ranknosh.bench.scores import read_scores
from ranknosh.data.table import ACCOUNTINGS, Accounting, Table
from ranknosh.errors import ConfigError, unknown
from ranknosh.runs.events import Events, Progress, silent
from ranknosh.runs.files import write_atomic
from ranknosh.runs.provenance import host_cores
from ranknosh.streams import stream

CHECKPOINTS = (1000, 2000, 3200, 4000, 8000, 20000, 40000)


def run_bench(
    table: str | Path | Table,
    methods: Sequence[str],
    budget: int = 3200,
    repeats: int = 100,
    seed: int = 0,
    accounting: Accounting = "resume",
    json_out: str | Path | None = None,
    events: Events = silent,
    jobs: int | None = None,
    scores: str | Path | None = None,
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
        events: hears of every run that is done.
        jobs: processes of one thread each, by default one a core.
        scores: a csv of train-free scores, for methods that start from them.
        proxies: which of them (see :func:`ranknosh.bench.scores.read_scores`).
        checkpoints: epochs at which the regret is given, besides the budget.

    Raises:
        ConfigError: for a setting out of range or an unknown method.
        DataError: for a table or scores that cannot be used.
    """
    names = checked(methods)
    jobs = host_cores() if jobs is None else jobs
    for name, value, least in (("budget", budget, 1), ("repeats", repeats, 1), ("seed", seed, 0), ("jobs", jobs, 1)):
        if value < least:
            raise ConfigError(f"the {name} is {value}; it must be {least} or more")
    if accounting not in ACCOUNTINGS:
        raise ConfigError(unknown("accounting", accounting, ACCOUNTINGS))
    loaded = table if isinstance(table, Table) else Table.load(table)
    if budget < loaded.epochs[-1]:
        raise ConfigError(
            f"the budget is {budget} epochs, which does not pay for one full training of {loaded.epochs[-1]}; raise --budget"
        )
    known = _scores(loaded, names, scores, proxies)
    seeds = [int(stream(seed, "bench run", number).integers(2**31)) for number in range(repeats)]
    make = partial(Account, loaded, budget=budget, accounting=accounting, scores=known)
    found: dict[str, dict[int, tuple[Trajectory, float]]] = {name: {} for name in names}
    for name, number, run in _all(make, names, seeds, jobs):
        found[name][number] = run
        events(Progress(name, len(found[name]), repeats))
    points = sorted({point for point in checkpoints if point < budget} | {budget})
    runs = {name: [by_number[number][0] for number in range(repeats)] for name, by_number in found.items()}
    seconds = {name: fmean(took for _, took in by_number.values()) for name, by_number in found.items()}
    rows = [method_row(name, points, runs[name], seconds[name]) for name in names]
    if json_out is not None:
        document = {
            "table": {"architectures": len(loaded), "best": loaded.best, "levels": list(loaded.epochs)},
            "settings": {"budget": budget, "repeats": repeats, "seed": seed, "accounting": accounting},
            "rows": [asdict(row) for row in rows],
            "regret": {name: [[run.regret_at(point) for point in points] for run in runs[name]] for name in names},
            "proxies": list(known) if known else None,
        }
        write_atomic(Path(json_out), (json.dumps(document, indent=1, allow_nan=False) + "\n").encode())
    return rows


def _scores(
    table: Table, names: Sequence[str], scores: str | Path | None, proxies: Sequence[str] | None
) -> Scores | None:
    """The scores that the methods need; None where none does, whatever was given."""
    needing = [name for name in names if name in SCORED]
    if not needing:
        return None
    if scores is None:
        raise ConfigError(
            f"{needing[0]} starts from train-free scores of all architectures; write them with: ranknosh score "
            f"{table.space.name} --all --csv scores.csv, and give them with --scores scores.csv"
        )
    return read_scores(scores, table, proxies)


MakeAccount = Callable[[int], Account]
_MADE_BY: MakeAccount
"""What makes an account of a seed in a process of a benchmark."""


def _all(
    make: MakeAccount, names: Sequence[str], seeds: Sequence[int], jobs: int
) -> Iterator[tuple[str, int, tuple[Trajectory, float]]]:
    """(method, number, how it went and the seconds) of every run, as they end."""
    tasks = [(name, number, seed) for name in names for number, seed in enumerate(seeds)]
    processes = min(jobs, len(tasks))
    if processes == 1:
        yield from ((name, number, _one(name, seed, make)) for name, number, seed in tasks)
        return
    with ProcessPoolExecutor(processes, get_context("spawn"), _open, (make,)) as pool:
        futures = {pool.submit(_one, name, seed): (name, number) for name, number, seed in tasks}
        try:
            yield from ((*futures[future], future.result()) for future in as_completed(futures))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _open(make: MakeAccount) -> None:
    global _MADE_BY
    _MADE_BY = make


def _one(method: str, seed: int, make: MakeAccount | None = None) -> tuple[Trajectory, float]:
    account, started = (make or _MADE_BY)(seed), perf_counter()
    with threadpool_limits(1):
        METHODS[method](account)
    return account.trajectory(), perf_counter() - started
