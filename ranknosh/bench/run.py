"""Runs of several methods on one table, with the same seeds."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from time import perf_counter

from threadpoolctl import threadpool_limits

from ranknosh.bench.account import Account, Trajectory
from ranknosh.bench.methods import SCORED, checked, method_of
from ranknosh.bench.rows import MethodRow, as_json, method_row
from ranknosh.bench.scores import read_scores
from ranknosh.errors import ConfigError, unknown
from ranknosh.runs.events import Events, Progress, silent
from ranknosh.runs.files import write_atomic
from ranknosh.runs.provenance import host_cores
from ranknosh.streams import stream
from ranknosh.tasks.data.table import ACCOUNTINGS, Accounting, Table

CHECKPOINTS = (1000, 2000, 3200, 4000, 8000, 20000, 40000)


def run_bench(
    table: str | Path | Table,
    methods: Sequence[str],
    budget: int = 3200,
    repeats: int = 100,
    seed: int = 0,
    accounting: Accounting | None = None,
    json_out: str | Path | None = None,
    events: Events = silent,
    jobs: int | None = None,
    scores: str | Path | None = None,
    proxies: Sequence[str] | None = None,
    checkpoints: Sequence[int] = CHECKPOINTS,
    levels: Sequence[int] = (),
) -> list[MethodRow]:
    """Runs of search methods on a table; repeat i has the same seed for every method.

    Args:
        table: or its file.
        methods: names.
        budget: epochs of each run.
        repeats: runs of each method.
        seed: of all of them.
        accounting: see :meth:`ranknosh.tasks.data.table.Table.schedule`; None for the table's own.
        json_out: where the rows, the settings and every single regret are written.
        events: hears of every run that is done.
        jobs: processes of one thread each, by default one a core.
        scores: a csv of train-free scores, for methods that start from them.
        proxies: which of them (see :func:`ranknosh.bench.scores.read_scores`).
        checkpoints: epochs at which the regret is given, besides the budget.
        levels: numbers of epochs, see :meth:`ranknosh.tasks.data.table.Table.load`; not for a table that is given as such.

    Raises:
        ConfigError: for a setting out of range or an unknown method.
        DataError: for a table or scores that cannot be used.
    """
    names = checked(methods)
    jobs = host_cores() if jobs is None else jobs
    for name, value, least in (("budget", budget, 1), ("repeats", repeats, 1), ("seed", seed, 0), ("jobs", jobs, 1)):
        if value < least:
            raise ConfigError(f"the {name} is {value}; it must be {least} or more")
    if accounting is not None and accounting not in ACCOUNTINGS:
        raise ConfigError(unknown("accounting", accounting, ACCOUNTINGS))
    loaded = table if isinstance(table, Table) else Table.load(table, levels=levels)
    accounting = accounting or loaded.accounting
    if budget < loaded.epochs[-1]:
        raise ConfigError(
            f"the budget is {budget} epochs, which does not pay for one full training of {loaded.epochs[-1]}; raise --budget"
        )
    needing = next((name for name in names if name in SCORED), None)
    known = read_scores(scores, loaded, proxies, needing) if needing else None
    seeds = [int(stream(seed, "bench run", number).integers(2**31)) for number in range(repeats)]
    make = partial(Account, loaded, budget=budget, accounting=accounting, scores=known)
    tasks = [(name, seed) for name in names for seed in seeds]
    runs: dict[str, list[Trajectory]] = {name: [] for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for (name, _), (trajectory, took) in zip(tasks, _all(make, tasks, jobs), strict=True):
        runs[name].append(trajectory)
        seconds[name].append(took)
        events(Progress(name, len(runs[name]), repeats))
    points = sorted({point for point in checkpoints if point < budget} | {budget})
    rows = [method_row(name, points, runs[name], fmean(seconds[name])) for name in names]
    if json_out is not None:
        document = {
            "table": {
                "data": loaded.data,
                "space": loaded.space.name,
                "architectures": len(loaded),
                "best": loaded.best,
                "levels": list(loaded.epochs),
            },
            "settings": {"budget": budget, "repeats": repeats, "seed": seed, "accounting": accounting},
            **as_json(rows, loaded.data),
            "regret": {name: [[run.regret_at(point) for point in points] for run in runs[name]] for name in names},
            "proxies": list(known) if known else None,
        }
        write_atomic(Path(json_out), (json.dumps(document, indent=1, allow_nan=False) + "\n").encode())
    return rows


MakeAccount = Callable[[int], Account]
_MADE_BY: MakeAccount
"""What makes an account of a seed in a process of a benchmark."""


def _all(make: MakeAccount, tasks: Sequence[tuple[str, int]], jobs: int) -> Iterator[tuple[Trajectory, float]]:
    """How each (method, seed) went and the seconds it took, in order."""
    processes = min(jobs, len(tasks))
    if processes == 1:
        yield from (_one(task, make) for task in tasks)
        return
    with ProcessPoolExecutor(processes, get_context("spawn"), _open, (make,)) as pool:
        yield from pool.map(_one, tasks)


def _open(make: MakeAccount) -> None:
    global _MADE_BY
    _MADE_BY = make


def _one(task: tuple[str, int], make: MakeAccount | None = None) -> tuple[Trajectory, float]:
    method, seed = task
    account, started = (make or _MADE_BY)(seed), perf_counter()
    with threadpool_limits(1):
        method_of(method)(account)
    return account.trajectory(), perf_counter() - started
