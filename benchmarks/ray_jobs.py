"""What the Ray executor costs and how busy it keeps its workers, with jobs that only sleep.

    python -m benchmarks ray_jobs [--candidates 48] [--zero 1500]

Two workers on a cluster of its own, the real loop and an fsynced journal. First jobs without work, for the overhead (goal: 2,000
a minute); then searches whose jobs take 0.25 to 1.5 s (levels of 1, 3 and 9 epochs of a quarter of a second), for how busy the
workers are in each schedule (goal: 80 % of the time). The clock runs from the first job to the last; starting the cluster and
its workers is timed apart and in no other figure. ``ideal`` is the sum of the jobs' own times over two workers that never wait.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.overhead import Listed
from ranknosh.core.budget import Limits
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import EpochPoint, Job, JobResult, Observed, Record
from ranknosh.core.search import Search
from ranknosh.core.seeding import draw
from ranknosh.executors.ray_cluster import connected
from ranknosh.runs.journal import FORMAT, Header, Journal
from ranknosh.runs.session import StopRequest
from ranknosh.spaces.catalog import get_space
from ranknosh.streams import stream
from ranknosh.workflows.search.loop import drive

WORKERS = 2
JOBS_GOAL, BUSY_GOAL = 2000, 0.8
MODES: tuple[tuple[str, Literal["reproducible", "eager"], int, int], ...] = (
    ("reproducible", "reproducible", 1, 6),
    ("reproducible", "reproducible", 1, 24),
    ("reproducible, overlap 2", "reproducible", 2, 6),
    ("reproducible, overlap 4", "reproducible", 4, 6),
    ("eager", "eager", 1, 6),
)


@dataclass(frozen=True)
class Sleep:
    """A job that sleeps ``seconds`` an epoch and gives a metric drawn from candidate and level."""

    seconds: float

    def __call__(self, job: Job, stop: Callable[[], bool], on_epoch: Callable[[Job, EpochPoint], None]) -> JobResult:
        time.sleep(self.seconds * job.epochs)
        metric = float(stream(0, "metric", job.candidate_id, job.level).random())
        return JobResult(job, Observed(job.candidate_id, job.level, metric, {"accuracy": metric}, job.epochs, 0.0))


@dataclass(frozen=True)
class Measured:
    """``seconds`` from the first job to the last; ``work`` seconds of the jobs themselves; ``busy`` by the executor's account."""

    jobs: int
    seconds: float
    work: float
    busy: float

    @property
    def ideal(self) -> float:
        return self.work / (WORKERS * self.seconds)


HEADER = Header(FORMAT, "search", "benchmark", "", "", {}, {}, {}, {})


def measure(
    seconds: float, epochs: Sequence[int], candidates: int, batch: int, schedule: str = "reproducible", overlap: int = 1
) -> Measured:
    """One search on the cluster this process is connected to."""
    from ranknosh.executors.ray_tasks import RayExecutor

    space = get_space("nasbench201")
    pyramid = Pyramid.make(epochs, "auto", initial=batch, batch=batch)
    search = Search(
        pyramid,
        Limits(),
        Listed(space, draw(space, candidates, seed=0)),
        Rules(candidates=candidates, schedule=schedule, overlap=overlap),
        seed=0,
    )
    jobs = 0

    def write(records: Sequence[Record]) -> None:
        nonlocal jobs
        jobs += sum(isinstance(record, Observed) for record in records)
        journal.append(records)

    executor = RayExecutor(Sleep(seconds), workers=WORKERS)
    with tempfile.TemporaryDirectory() as folder, Journal.create(Path(folder), HEADER) as journal:
        executor.get_ready()
        began = time.monotonic()
        drive(search, executor, write=write, clock=lambda: journal.seconds, stop=StopRequest())
        took = time.monotonic() - began
        used = executor.usage()
        executor.close()
    work = seconds * search.pool.epochs_spent
    return Measured(jobs, took, work, used.busy_seconds / max(used.slot_seconds, 1e-9))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=48, help="of each search with jobs that take time")
    parser.add_argument("--zero", type=int, default=1500, help="candidates of the search without work")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with connected("local"):
        print(f"cluster started in {time.monotonic() - began:.1f} s, {WORKERS} workers")
        found = measure(0.0, (1, 3, 9), options.zero, 64)
        rate = found.jobs / found.seconds * 60
        verdict = "" if rate >= JOBS_GOAL else f"  (goal missed: {JOBS_GOAL})"
        print(f"no work: {found.jobs} jobs in {found.seconds:.1f} s = {rate:.0f} a minute{verdict}")
        for name, schedule, overlap, batch in MODES:
            found = measure(0.25, (1, 3, 9), options.candidates, batch, schedule, overlap)
            verdict = "" if found.ideal >= BUSY_GOAL else f"  (goal missed: {BUSY_GOAL:.0%})"
            print(
                f"{name}, batch {batch}: {found.jobs} jobs in {found.seconds:.1f} s, {found.ideal:.1%} of the ideal, busy "
                f"{found.busy:.1%}{verdict}",
                flush=True,
            )


if __name__ == "__main__":
    main()
