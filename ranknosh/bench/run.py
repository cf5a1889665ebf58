"""Runs of several methods on one table, with the same seeds."""

import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Any

from threadpoolctl import threadpool_limits

from ranknosh.bench.account import Account
from ranknosh.bench.ended import EndedRun, EndedRuns, conditions, ended_runs
from ranknosh.bench.methods import RIVALS, SCORED, checked, method_of
from ranknosh.bench.rows import MethodRow, as_json, method_row
from ranknosh.bench.scores import read_scores
from ranknosh.config.units import plural
from ranknosh.errors import ConfigError, unknown
from ranknosh.runs.events import Events, Message, Progress, silent
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

    Where rows are written, runs that end are written down too: after a kill the same call goes on (:mod:`ranknosh.bench.ended`).

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
        ConfigError: for a setting out of range, an unknown method, and a benchmark that began with others.
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
    points = sorted({point for point in checkpoints if point < budget} | {budget})
    out, settings = (
        None if json_out is None else Path(json_out),
        {"budget": budget, "seed": seed, "accounting": accounting},
    )
    functions = {name: RIVALS.load(name) for name in names}
    with ended_runs(out, conditions(loaded, known, functions, **settings)) as ended:
        _run(ended, make, {(name, number): seed for name in names for number, seed in enumerate(seeds)}, jobs, events)
        of = {name: [ended.known[name, number] for number in range(repeats)] for name in names}
        runs = {name: [each.trajectory(loaded) for each in of[name]] for name in names}
        rows = [method_row(name, points, runs[name], fmean(each.seconds for each in of[name])) for name in names]
        if out is not None:
            regret = {name: [[run.regret_at(point) for point in points] for run in runs[name]] for name in names}
            found = {**as_json(rows, loaded.data), "regret": regret, "proxies": list(known) if known else None}
            document = {"table": _described(loaded), "settings": {**settings, "repeats": repeats}, **found}
            write_atomic(out, (json.dumps(document, indent=1, allow_nan=False) + "\n").encode())
    return rows


def _described(table: Table) -> dict[str, Any]:
    return {
        "data": table.data,
        "space": table.space.name,
        "architectures": len(table),
        "best": table.best,
        "levels": list(table.epochs),
    }


Task = tuple[str, int]
"""The name of a method and the number of a seed, from 0."""
MakeAccount = Callable[[int], Account]
_MADE_BY: MakeAccount
"""What makes an account of a seed in a process of a benchmark."""


def _run(ended: EndedRuns, make: MakeAccount, seeds: Mapping[Task, int], jobs: int, events: Events) -> None:
    """Do the runs that have not ended yet.

    Args:
        ended: those that have, to which every further one is added.
        make: of a seed.
        seeds: of all runs.
        jobs: processes.
        events: hears of every run that is done.
    """
    left = {task: seed for task, seed in seeds.items() if task not in ended.known}
    total, done = Counter(name for name, _ in seeds), Counter(name for name, _ in seeds.keys() - left.keys())
    if len(left) < len(seeds):
        events(Message(f"{len(seeds) - len(left)} of {plural(len(seeds), 'run')} ended before; going on"))
    for each in _ended(make, left, jobs):
        ended.add(each)
        done[each.method] += 1
        events(Progress(each.method, done[each.method], total[each.method]))


def _ended(make: MakeAccount, seeds: Mapping[Task, int], jobs: int) -> Iterator[EndedRun]:
    """The runs of some seeds as they end."""
    processes = min(jobs, len(seeds))
    if processes <= 1:
        yield from (_one(task, seed, make) for task, seed in seeds.items())
        return
    with ProcessPoolExecutor(processes, get_context("spawn"), _open, (make,)) as pool:
        try:
            for future in as_completed([pool.submit(_one, task, seed) for task, seed in seeds.items()]):
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _open(make: MakeAccount) -> None:
    global _MADE_BY
    _MADE_BY = make
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """The queue of tasks never closes for a process whose parent was killed."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _one(task: Task, seed: int, make: MakeAccount | None = None) -> EndedRun:
    method, repeat = task
    account, started = (make or _MADE_BY)(seed), perf_counter()
    with threadpool_limits(1):
        method_of(method)(account)
    return EndedRun.of(method, repeat, account.trajectory(), perf_counter() - started)
