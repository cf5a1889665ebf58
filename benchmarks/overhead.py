"""How many jobs the engine decides a second, with a table look-up in place of training and no predictor.

    python -m benchmarks overhead [--candidates 1000] [--more 500] [--folder DIR]

A search of the NAS-Bench-201 space at levels (12, 200) is filled to ``--candidates`` candidates; then the time of the jobs of
``--more`` further ones is taken, once in memory and once with the journal of a run, fsynced before every job, in ``--folder``
(a temporary one by default). Goal: at least 200 jobs a second.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

from benchmarks.synthetic import synthetic_table
from ranknosh.bench.account import Account
from ranknosh.bench.simulation import Listed
from ranknosh.core.budget import Limits
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import Observed, Record
from ranknosh.core.search import Search
from ranknosh.core.seeding import draw
from ranknosh.executors.simulated import SimulatedExecutor
from ranknosh.runs.journal import FORMAT, Header, Journal
from ranknosh.runs.session import StopRequest
from ranknosh.tasks.data.table import Table
from ranknosh.workflows.search.loop import drive

Write = Callable[[Sequence[Record]], None]
GOAL = 200


HEADER = Header(FORMAT, "search", "benchmark", "", "", {}, {}, {}, {})


def jobs_per_second(table: Table, candidates: int, more: int, write: Write) -> tuple[int, float]:
    """(jobs, seconds) of going from ``candidates`` to ``candidates + more`` candidates."""
    proposer = Listed(table.space, draw(table.space, candidates + more, seed=0))
    pyramid = Pyramid.make(table.epochs, "auto", initial=20, batch=10)
    pool, jobs, seconds = Pool(), 0, 0.0
    for total in (candidates, candidates + more):
        limits = Limits(epochs=pyramid.cost(candidates + more))
        search = Search(pyramid, limits, proposer, Rules(candidates=total), seed=0, pool=pool)
        counted = _Counting(write)
        began = perf_counter()
        drive(
            search,
            SimulatedExecutor(Account(table, seed=0).train),
            write=counted,
            clock=lambda: 0.0,
            stop=StopRequest(),
        )
        jobs, seconds = counted.jobs, perf_counter() - began
    return jobs, seconds


class _Counting:
    def __init__(self, write: Write) -> None:
        self.write, self.jobs = write, 0

    def __call__(self, records: Sequence[Record]) -> None:
        self.jobs += sum(isinstance(record, Observed) for record in records)
        self.write(records)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=1000)
    parser.add_argument("--more", type=int, default=500)
    parser.add_argument("--folder", type=Path, help="where the journal is written; a temporary folder by default")
    options = parser.parse_args(arguments)
    table = synthetic_table()
    jobs, seconds = jobs_per_second(table, options.candidates, options.more, lambda records: None)
    _report("in memory", jobs, seconds, options.candidates)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        with Journal.create(Path(folder), HEADER) as journal:
            jobs, seconds = jobs_per_second(table, options.candidates, options.more, journal.append)
        _report("with a journal, fsynced", jobs, seconds, options.candidates)


def _report(how: str, jobs: int, seconds: float, candidates: int) -> None:
    verdict = "" if jobs / seconds >= GOAL else f"  (goal missed: {GOAL})"
    print(
        f"{how}: {jobs} jobs in {seconds:.2f} s = {jobs / seconds:.0f} jobs/s beyond {candidates} candidates{verdict}"
    )


if __name__ == "__main__":
    main()
