"""What the engine costs a decision as a search grows, and how busy workers are, in simulated time.

    python -m benchmarks scale [--candidates 5000] [--workers 1,8,64,512] [--plot FILE.svg]

A search of codes of the NAS-Bench-201 shape at levels (1, 3, 9, 27) without refits, under a candidate and an epoch limit, on a
simulated cluster: an epoch takes 60 s times a log-normal factor of the candidate (sigma 0.4), nothing fails. For each schedule
and number of workers: processor time inside ``Search.ask`` and ``Search.tell`` alone, per job (handed out and its result taken
in), for each tenth of the search, the least of three runs; how it grows with the candidates proposed by then; utilisation.
The reproducible schedule cannot keep more workers busy than it has jobs to hand out between two decisions, so it is run with
batches of 64, of as many as the largest cluster has workers, and of 64 with 16 batches in flight.

Goals: the cost of a decision does not grow with workers, and with candidates no faster than their logarithm.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import thread_time
from typing import NamedTuple

import numpy as np

from ranknosh.bench.simulation import play
from ranknosh.core.budget import Limits
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules, ScheduleName
from ranknosh.core.records import Job, JobResult, Observed, Proposed, Record
from ranknosh.core.schedules import Proposal
from ranknosh.core.search import Asked, Search
from ranknosh.executors.simulated import SimulatedExecutor
from ranknosh.spaces.base import Architecture
from ranknosh.streams import stream

LEVELS = (1, 3, 9, 27)
EPOCH_SECONDS = 60.0
SPREAD = 0.4
BINS = 10
REPEATS = 3
NOISE = 1.25
"""What timing on a shared machine may add before a goal counts as missed."""
PLOT = Path(__file__).parent / "scale.svg"


class Mode(NamedTuple):
    """A schedule, the candidates of a batch, and the batches in flight."""

    schedule: ScheduleName
    batch: int
    overlap: int = 1

    def __str__(self) -> str:
        return f"{self.schedule}, batch {self.batch}" + (f", overlap {self.overlap}" if self.overlap > 1 else "")


class Codes:
    """Proposes every code of the space's shape once, in a random order; a proposal costs a look-up."""

    def __init__(self, candidates: int, pyramid: Pyramid) -> None:
        numbers = stream(0, "codes").permutation(5**6)[:candidates]
        if candidates > 5**6:
            raise SystemExit(f"--candidates is {candidates}; the space holds {5**6} codes")
        self.records = []
        for number, code in enumerate(np.stack(np.unravel_index(numbers, (5,) * 6), axis=1).tolist()):
            text = "".join(map(str, code))
            architecture = Architecture("nasbench201", tuple(code))
            batch = pyramid.batch_of(number)
            self.records.append(Proposed(number, architecture, text, text, batch, "random"))

    def propose(self, pool: Pool, ids: Sequence[int], batch: int) -> Proposal:
        return Proposal(tuple(self.records[ids[0] : ids[-1] + 1]))


class TimedSearch(Search):
    """Adds up the processor time of the engine, by tenths of the search. A job handed out is half of it and its
    result the other: in the first tenth more go out than come back, in the last one the other way round."""

    def watch(self, jobs: int) -> None:
        """Start counting; ``jobs`` are expected in all."""
        self.expected = jobs
        self.seconds, self.jobs, self.known = np.zeros(BINS), np.zeros(BINS), np.zeros(BINS)

    def ask(self, slots: int, wall_seconds: float = 0.0) -> Asked:
        began = thread_time()
        asked = super().ask(slots, wall_seconds)
        self._note(thread_time() - began, len(asked.jobs) / 2)
        return asked

    def tell(self, result: JobResult) -> tuple[Record, ...]:
        began = thread_time()
        records = super().tell(result)
        self._note(thread_time() - began, 1 / 2)
        return records

    def _note(self, seconds: float, jobs: float) -> None:
        place = min(int(self.jobs.sum() * BINS / self.expected), BINS - 1)
        self.seconds[place] += seconds
        self.jobs[place] += jobs
        self.known[place] += jobs * self.pool.count


@dataclass(frozen=True)
class Measured:
    """One simulated search. By its tenths, (BINS,): ``micros``, microseconds of the engine a job, and ``known``, the
    candidates proposed by then."""

    mode: Mode
    workers: int
    micros: np.ndarray
    known: np.ndarray
    utilisation: float
    hours: float
    jobs: int

    @property
    def growth(self) -> float:
        """Cost of a decision in the last tenth over that in the first."""
        return float(self.micros[-1] / self.micros[0])

    @property
    def allowed(self) -> float:
        """The same, had the cost grown with the logarithm of the candidates."""
        return float(np.log(self.known[-1]) / np.log(self.known[0]))

    @property
    def power(self) -> float:
        """Exponent of the power law through the tenths: 0 is constant, 1 is linear."""
        return float(np.polyfit(np.log(self.known), np.log(self.micros), 1)[0])


def measure(mode: Mode, workers: int, candidates: int) -> Measured:
    """The least of ``REPEATS`` runs, tenth by tenth: they decide the same, so that more time was somebody else's."""
    runs = [one_run(mode, workers, candidates) for _ in range(REPEATS)]
    return replace(runs[0], micros=np.min([one.micros for one in runs], axis=0))


def one_run(mode: Mode, workers: int, candidates: int) -> Measured:
    pyramid = Pyramid.make(LEVELS, "auto", initial=mode.batch, batch=mode.batch)
    limits = Limits(epochs=pyramid.cost(candidates) + LEVELS[-1])
    search = TimedSearch(
        pyramid,
        limits,
        Codes(candidates, pyramid),
        Rules(schedule=mode.schedule, overlap=mode.overlap, candidates=candidates),
        seed=0,
    )
    search.watch(sum(pyramid.sizes(candidates)))
    rng = stream(0, "scale")
    factor, quality = np.exp(SPREAD * rng.standard_normal(candidates)), rng.standard_normal(candidates)
    noise = rng.standard_normal((candidates, len(LEVELS))) / np.sqrt(LEVELS)

    def outcome(job: Job) -> Observed:
        metric = float(quality[job.candidate_id] + noise[job.candidate_id, job.level - 1])
        seconds = job.epochs * EPOCH_SECONDS * float(factor[job.candidate_id])
        return Observed(job.candidate_id, job.level, metric, {}, job.epochs, seconds)

    executor = SimulatedExecutor(outcome, workers=workers)
    play(search, executor)
    used = executor.usage()
    filled = search.jobs > 0  # a batch larger than a tenth of the search leaves none to the next
    return Measured(
        mode,
        workers,
        1e6 * search.seconds[filled] / search.jobs[filled],
        search.known[filled] / search.jobs[filled],
        used.busy_seconds / used.slot_seconds,
        executor.now / 3600,
        int(search.jobs.sum()),
    )


def plot(found: Sequence[Measured], path: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams |= {"svg.hashsalt": "scale", "svg.fonttype": "none"}
    modes = list(dict.fromkeys(one.mode for one in found))
    figure, axes = plt.subplots(1, len(modes), figsize=(3.2 * len(modes), 3.4), sharey=True, squeeze=False)
    for axis, mode in zip(axes[0], modes, strict=True):
        for one in found:
            if one.mode == mode:
                axis.plot(one.known, one.micros, marker=".", label=f"{one.workers} workers")
        axis.set_xlabel("candidates so far")
        axis.set_title(str(mode), fontsize="small")
        axis.grid(alpha=0.3)
    axes[0][0].legend(fontsize="x-small")
    axes[0][0].set_ylim(0, 1.1 * max(one.micros.max() for one in found))
    axes[0][0].set_ylabel("engine, microseconds a job")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def judge(rows: Sequence[Measured]) -> None:
    """Print how the cost of a decision grows with workers (slope on log-log axes) and with candidates."""
    medians = [float(np.median(one.micros)) for one in rows]
    workers = np.polyfit(np.log([one.workers for one in rows]), np.log(medians), 1)[0] if len(rows) > 1 else 0.0
    worst = max(rows, key=lambda one: one.growth / one.allowed)
    holds = medians[-1] <= NOISE * medians[0] and worst.growth <= NOISE * worst.allowed
    print(
        f"{rows[0].mode}: {rows[-1].workers} workers cost {medians[-1] / medians[0]:.2f} times what "
        f"{rows[0].workers} cost a decision (power {workers:.2f}); worst growth over candidates {worst.growth:.2f} against "
        f"{worst.allowed:.2f} ({worst.workers} workers): {'goal holds' if holds else 'goal missed'}"
    )


def numbers(text: str) -> list[int]:
    """``1,8,64`` as numbers."""
    found = [int(word) for word in text.split(",")]
    if min(found) < 1:
        raise ValueError(text)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=5000)
    parser.add_argument("--workers", type=numbers, default=[1, 8, 64, 512], metavar="N,N")
    parser.add_argument("--plot", type=Path, default=PLOT, help=f"default: {PLOT.name} beside this file")
    options = parser.parse_args(arguments)
    modes = [
        Mode("reproducible", 64),
        Mode("reproducible", max(64, *options.workers)),
        Mode("reproducible", 64, overlap=16),
        Mode("eager", 64),
    ]
    measure(modes[0], 4, 300)  # the first search pays for what later ones find ready
    found: list[Measured] = []
    print(
        f"{'':36}  workers {'jobs':>6}  us/job  first tenth  last tenth  ratio (log n)  power  busy      wall",
        flush=True,
    )
    for mode in dict.fromkeys(modes):
        for workers in options.workers:
            one = measure(mode, workers, options.candidates)
            found.append(one)
            print(
                f"{mode!s:36}  {workers:7}  {one.jobs:5}  {np.median(one.micros):6.0f}  {one.micros[0]:11.0f}  "
                f"{one.micros[-1]:10.0f}  {one.growth:5.2f}  ({one.allowed:4.2f})  {one.power:5.2f}  "
                f"{one.utilisation:4.0%}  {one.hours:6.1f} h",
                flush=True,
            )
    print(
        "ratio: last tenth over first; (log n): what it would be if the cost grew with the logarithm of the candidates"
    )
    for mode in dict.fromkeys(modes):
        judge([one for one in found if one.mode == mode])
    plot(found, options.plot)
    print(f"plot: {options.plot}")


if __name__ == "__main__":
    main()
