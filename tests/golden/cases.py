"""Small searches whose every decision is frozen, and their records as lines of text.

Results come from a formula (a hash of the architecture's code, the level and the seed), so a search takes milliseconds and
depends on no machine. This is the one place of the golden decisions that knows the modules of the package.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from benchmarks.synthetic import synthetic_table
from ranknosh.core.budget import Limits
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import (
    Failed,
    Fitted,
    Interrupted,
    Job,
    JobResult,
    Observed,
    Promotion,
    Proposed,
    Record,
    Rerun,
    Scored,
    Speculated,
    Stopped,
    Tested,
)
from ranknosh.core.rules import Rules
from ranknosh.core.search import Search
from ranknosh.core.seeding import choose, draw
from ranknosh.errors import RankNoshError
from ranknosh.executors.base import Usage
from ranknosh.executors.simulated import Cluster, SimulatedExecutor
from ranknosh.executors.tabular import TabularExecutor
from ranknosh.predictors.catalog import make_predictor
from ranknosh.predictors.level_zero import LevelZero
from ranknosh.predictors.proposer import PredictorProposer
from ranknosh.runs.stop import StopRequest
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.flat import FlatSpace, choice, randint, uniform
from ranknosh.training.proxies import proxy_weights
from ranknosh.tune.state import Settings
from ranknosh.workflows.search.loop import drive

SEED = 5
Faults = Mapping[tuple[int, ...], str]
"""(candidate, level) or (candidate, level, replica) to what happens to its tries one after another, separated by blanks."""


def chance(*key: object) -> float:
    """A fixed number in [0, 1) for the key."""
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def quality(code: Sequence[int], level: int, replica: int) -> float:
    """A metric: what the choices are worth, more of it at higher levels, and noise that falls with the level."""
    worth = sum(chance("worth", slot, option) for slot, option in enumerate(code)) / len(code)
    worth += 0.3 * chance("pair", *code[:2])
    return 0.2 + 0.6 * worth * (1 - 0.5**level) + 0.12 * (chance("noise", *code, level, replica) - 0.5) / level


class FormulaExecutor:
    """Jobs answered by :func:`quality` and by ``faults``, one at a time, in an order drawn from ``shuffle`` (None: as asked)."""

    def __init__(self, faults: Faults, history: Sequence[Record] = (), workers: int = 1, shuffle: int | None = None):
        self.faults, self.workers, self.shuffle = faults, workers, shuffle
        self.now = 0.0
        self.stopping = False
        self.out: list[Job] = []
        self.ended = self.idle = 0
        tried = [record for record in history if isinstance(record, (Failed, Interrupted))]
        self.tries = Counter((record.candidate_id, record.level, record.replica) for record in tried)

    def free_slots(self) -> int:
        return self.workers - len(self.out)

    def running(self) -> int:
        return len(self.out)

    def submit(self, job: Job) -> None:
        self.out.append(job)

    def wait(self, timeout: float | None = None) -> list[JobResult]:
        self.idle = 0 if self.out else self.idle + 1
        assert self.idle < 5, "the search waits for nothing"
        if not self.out:
            return []
        place = 0 if self.shuffle is None else int(chance("order", self.shuffle, self.ended) * len(self.out))
        self.ended += 1
        job = self.out.pop(place)
        outcome = self.outcome(job)
        self.now += outcome.seconds / self.workers
        return [JobResult(job, outcome)]

    def outcome(self, job: Job) -> Observed | Interrupted | Failed:
        number, level, replica = key = (job.candidate_id, job.level, job.replica)
        script = self.faults.get(key if replica else key[:2], "").split()
        kind = script[self.tries[key]] if self.tries[key] < len(script) else None
        if self.stopping and job.epochs > 1:
            kind = "interrupted"
        size = 100 * level + sum(job.architecture.code)
        if kind is None:
            value = quality(job.architecture.code, level, replica)
            return Observed(
                number,
                level,
                value,
                value,
                1 - value,
                job.epochs,
                2.0 * job.epochs,
                checkpoint_bytes=size,
                replica=replica,
            )
        self.tries[key] += 1
        if kind == "interrupted":
            return Interrupted(number, level, job.start_epoch + 1, 1, 2.0, size, replica)
        epochs = 0 if kind == "invalid" else 1
        return Failed(number, level, kind, f"{kind} by plan", epochs, 1.0, job.attempt, replica=replica)  # type: ignore[arg-type]

    def request_stop(self) -> None:
        self.stopping = True

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        yield from ((index, function(item)) for index, item in enumerate(items))

    def usage(self) -> Usage:
        return Usage(self.workers, 0.0, 0.0)

    def close(self) -> None:
        self.out.clear()


@dataclass(frozen=True)
class Case:
    """One frozen search.

    make: the search over a pool. before: records that are there before it begins. stops: the search is asked to stop once it
    holds so many records, and resumed. resumable: cut anywhere and resumed it gives the same records. orderless: its
    decisions do not depend on workers.
    """

    about: str
    make: Callable[[Pool], Search]
    faults: Faults = field(default_factory=dict)
    before: tuple[Record, ...] = ()
    workers: int = 1
    shuffle: int | None = None
    stops: tuple[int, ...] = ()
    executor: Callable[[], Any] | None = None
    resumable: bool = True
    orderless: bool = True

    def records(
        self, history: Sequence[Record] | None = None, *, workers: int | None = None, shuffle: int | None = None
    ) -> list[Record]:
        """Every record from ``history`` to the end, a Stopped one last."""
        journal = list(self.before if history is None else history)
        for limit in (*self.stops, None):
            executor = self.executor() if self.executor else None
            executor = executor or FormulaExecutor(
                self.faults, journal, workers or self.workers, self.shuffle if shuffle is None else shuffle
            )
            stop = StopRequest()

            def write(records: Sequence[Record], stop: StopRequest = stop, limit: int | None = limit) -> None:
                journal.extend(kept(records))
                stop.requested = limit is not None and len(journal) >= limit

            search = self.make(Pool(journal))
            clock = lambda executor=executor: executor.now  # noqa: E731
            try:
                drive(search, executor, write=write, clock=clock, stop=stop)
            except KeyboardInterrupt:
                continue
            except RankNoshError as error:
                return [*journal, Stopped(type(error).__name__)]
        return [*journal, Stopped(search.stop_reason or "")]


def kept(records: Sequence[Record]) -> list[Record]:
    """What is a decision or a result; how many workers there were is neither."""
    return [record for record in records if line(record) is not None]


def decisions(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if isinstance(record, (Proposed, Promotion, Rerun))]


def text(case: Case, records: Sequence[Record]) -> str:
    """The golden file of a case: what it is, a line a record, and what they add up to."""
    pool = Pool(records)
    best = pool.best()
    reached: Counter[int] = Counter()
    for candidate in pool.candidates.values():
        reached.update(list(candidate.observations))
    levels = " ".join(f"{level}:{reached[level]}" for level in sorted(reached))
    end = (
        f"# {pool.count} candidates, levels {levels or 'none'}, {pool.epochs_spent} epochs, {pool.epochs_wasted} wasted, "
        f"best {None if best is None else best.id}"
    )
    lines = [line(record) for record in records]
    return "\n".join([f"# {case.about}", *(one for one in lines if one is not None), end]) + "\n"


def number(value: float | None) -> str:
    return "none" if value is None else f"{value + 0.0:.3g}"


def line(record: Record) -> str | None:
    """A record as one line without times; None where it is no decision and no result."""
    match record:
        case Scored():
            values = " ".join(f"{name}={number(record.values[name])}" for name in sorted(record.values))
            return f"scored {code(record)} {values}"
        case Fitted():
            weights = sorted((record.level0 or {}).items())
            return (
                f"fitted batch {record.batch} {record.predictor} members {record.members} pairs {record.pairs} "
                f"tau {number(record.prequential)} of {record.compared}"
                + "".join(f" {name}={value + 0.0:.2f}" for name, value in weights)
                + (f" fallback: {record.fallback}" if record.fallback else "")
            )
        case Proposed():
            return (
                f"propose {record.candidate_id} {code(record)} batch {record.batch} {record.origin} "
                f"score {number(record.score)} spread {number(record.spread)}"
            )
        case Promotion():
            return f"promote {record.candidate_id} to {record.to_level} {record.reason}"
        case Rerun():
            return f"rerun {record.candidate_id} replica {record.replica}"
        case Observed():
            return f"  observed {job(record)} metric {record.metric:.4f} epochs {record.epochs}"
        case Failed():
            end = "final" if record.final else "again"
            return f"  failed {job(record)} {record.kind} attempt {record.attempt} {end} epochs {record.epochs}"
        case Interrupted():
            return f"  interrupted {job(record)} at epoch {record.epoch} epochs {record.epochs}"
        case Speculated():
            return f"  speculated {job(record)} epochs {record.epochs}"
        case Tested():
            return f"tested {record.candidate_id} accuracy {number(record.test_accuracy)} epochs {record.epochs}"
        case Stopped():
            return f"stopped {record.reason}"
        case _:
            return None


def code(record: Proposed | Scored) -> str:
    return ",".join(map(str, record.architecture.code))


def job(record: Observed | Failed | Interrupted | Speculated) -> str:
    replica = f" replica {record.replica}" if record.replica else ""
    return f"{record.candidate_id} level {record.level}{replica}"


@cache
def small() -> FlatSpace:
    """480 configurations."""
    return FlatSpace(
        {
            "kind": choice(["a", "b", "c", "d"]),
            "depth": choice([1, 2, 3, 4, 6]),
            "act": choice(["relu", "gelu", "tanh", "none"]),
            "width": randint(8, 56, quantum=8),
        },
        name="small",
    )


@cache
def large() -> FlatSpace:
    """Too many configurations to list."""
    return FlatSpace(
        {"x": uniform(0, 1), "y": uniform(-1, 1), "kind": choice(list("abcde")), "n": randint(1, 9)}, name="large"
    )


@cache
def cells() -> Any:
    return get_space("nasbench201")


@cache
def table() -> Any:
    return synthetic_table()


def nosh(
    space: Callable[[], Any] = small,
    predictor: str = "linear",
    *,
    epochs: Sequence[int] = (1, 2, 4, 8),
    ratio: str | float = 0.5,
    initial: int = 8,
    batch: int = 4,
    limits: Limits = Limits(),
    options: Mapping[str, Any] | None = None,
    proposer: Mapping[str, Any] | None = None,
    follow: float | None = None,
    **search: Any,
) -> Callable[[Pool], Search]:
    """A search with a predictor. ``follow``: begin with the best of the scores in the pool, and follow them with this chance."""

    def make(pool: Pool) -> Search:
        pyramid = Pyramid.make(epochs, ratio, initial, batch)
        more = dict(proposer or {})
        if follow is None:
            more["seeds"] = [(architecture, "random", None) for architecture in draw(space(), initial, SEED)]
        else:
            more["seeds"] = choose(
                pool.scored, keep=initial, random_share=0.25, seed=SEED, directions=DIRECTIONS, combine="vote"
            )
            more["level_zero"] = LevelZero(pool.scored, DIRECTIONS, proxy_weights, combine="vote", seed=SEED)
            more["follow"] = follow
        chosen = PredictorProposer(space(), make_predictor(predictor, **(options or {})), pyramid, seed=SEED, **more)
        return Search(pyramid, limits, chosen, Rules(**search), seed=SEED, pool=pool)

    return make


DIRECTIONS = {"good": 1, "small": -1, "noise": 1}


@cache
def scores() -> tuple[Scored, ...]:
    """40 cells with a proxy that knows their worth, one that knows it with the sign turned, and one that knows nothing."""
    rows = []
    for place, cell in enumerate(draw(cells(), 40, SEED)):
        worth = quality(cell.code, 3, 0)
        values = {
            "good": worth + 0.1 * chance("proxy", place),
            "small": None if place % 9 == 4 else 1 - worth - 0.2 * chance("other", place),
            "noise": chance("nothing", place),
        }
        rows.append(Scored(cell, cells().canonical(cell), cells().format(cell), values, 1.0))
    return tuple(rows)


def tune(**settings: Any) -> Callable[[Pool], Search]:
    """A search as the Ray Tune pair makes it."""
    return lambda pool: Settings("score", "min", seed=SEED, **settings).search(large(), pool)


def simulated() -> SimulatedExecutor:
    """Four workers that die and straggle, results by formula."""
    formula = FormulaExecutor({})
    cluster = Cluster(workers=4, mtbf=60.0, repair=5.0, startup=1.0, stragglers=0.2, speculate=1.5, save_every=2.0)
    return SimulatedExecutor(cluster, lambda job: 2.0 * job.epochs, formula.outcome, seed=SEED)  # type: ignore[arg-type]


class Tabular(TabularExecutor):
    now = 0.0


EVERY_KIND: Faults = {
    (0, 1): "diverged",
    (1, 1): "out_of_memory",
    (2, 1): "out_of_memory out_of_memory",
    (3, 1): "raised",
    (4, 1): "invalid",
    (5, 1): "crashed hung",
    (6, 1): "crashed hung crashed",
    (7, 1): "lost lost checkpoint_damaged crashed lost",
    **{(number, 1): "diverged" for number in range(12, 16)},
    **{(number, 2): "interrupted diverged" for number in range(0, 60, 4)},
    **{(number, 3): "interrupted lost raised" for number in range(1, 60, 3)},
}
HALTED: Faults = {
    **{(number, 2): "interrupted diverged" for number in range(0, 90, 3)},
    **{(number, 3): "interrupted interrupted diverged" for number in range(1, 90, 2)},
}

CASES: dict[str, Case] = {
    "reproducible": Case("batch by batch, ratio 0.5, a number of candidates", nosh(candidates=30)),
    "ratio_auto": Case("ratio auto under an epoch budget", nosh(ratio="auto", limits=Limits(epochs=110))),
    "eager": Case("eager, one worker", nosh(schedule="eager", candidates=26), resumable=False, orderless=False),
    "eager_three_workers": Case(
        "eager, three workers that end in another order than they began",
        nosh(schedule="eager", limits=Limits(epochs=90)),
        workers=3,
        shuffle=1,
        resumable=False,
        orderless=False,
    ),
    "overlap_2": Case("two batches in flight", nosh(overlap=2, limits=Limits(epochs=120))),
    "overlap_3": Case(
        "three batches in flight, trainings that are interrupted and then fail, finalists",
        nosh(overlap=3, epochs=(1, 3, 7), limits=Limits(epochs=100), finalists=2),
        HALTED,
    ),
    "promote_predicted": Case(
        "promotions by the predictor, the promoted of some levels fail",
        nosh(predictor="kernel", promote="predicted", batch=2, limits=Limits(epochs=110)),
        {(number, 2): "diverged" for number in range(0, 90, 2)},
    ),
    "finalists": Case(
        "three finalists are trained again, one of them in vain",
        nosh(epochs=(1, 2, 4), limits=Limits(epochs=96), finalists=3),
        {(number, 3, 1): "crashed diverged" for number in range(0, 30, 3)},
    ),
    "closing": Case("a fifth of the budget for closing promotions", nosh(closing=0.2, limits=Limits(epochs=100))),
    "failures": Case(
        "failures of every kind", nosh(epochs=(1, 3, 6), retries=2, limits=Limits(epochs=110)), EVERY_KIND
    ),
    "failures_overlap": Case(
        "failures of every kind, two batches in flight",
        nosh(epochs=(1, 3, 6), retries=2, overlap=2, limits=Limits(epochs=110)),
        EVERY_KIND,
    ),
    "lost_again": Case(
        "one job is lost again and again",
        nosh(candidates=20),
        {(3, 1): "lost " * 6 + "checkpoint_damaged " * 4},
        resumable=False,
        orderless=False,
    ),
    "nothing_learned": Case(
        "every training diverges", nosh(candidates=12), {(number, 1): "diverged" for number in range(12)}
    ),
    "stopped_twice": Case(
        "stopped twice by its user and resumed, four workers",
        nosh(candidates=24),
        workers=4,
        shuffle=2,
        stops=(35, 70),
        resumable=False,
        orderless=False,
    ),
    "limit_wall": Case(
        "a wall time limit, two workers",
        nosh(limits=Limits(wall_seconds=60)),
        workers=2,
        resumable=False,
        orderless=False,
    ),
    "limit_device": Case(
        "a device time limit", nosh(limits=Limits(device_seconds=100)), resumable=False, orderless=False
    ),
    "limit_disk": Case("a disk limit", nosh(limits=Limits(disk_bytes=4300)), resumable=False),
    "space_exhausted": Case(
        "a space with fewer architectures than candidates",
        nosh(lambda: FlatSpace({"kind": choice(list("abcde")), "n": randint(1, 4)}, name="few"), candidates=40),
    ),
    "level_zero": Case(
        "proxy scores choose the first candidates and later random ones follow them",
        nosh(cells, follow=0.5, proposer={"exploration": 0.4}, candidates=30),
        before=scores(),
    ),
    "tune": Case(
        "the search of the Ray Tune pair on a space too large to list, with points of the user's own",
        tune(levels=(1, 3, 9), budget=120, closing=0.3, finalists=1, promote="predicted"),
    ),
    "tune_overlap": Case(
        "the Ray Tune pair with overlap, fixed ratios, few retries",
        tune(levels=(1, 2, 5), ratio=(0.5, 0.25), candidates=30, budget=90, overlap=2, retries=1, predictor="linear"),
        {(number, 1): "crashed crashed" for number in range(2, 30, 5)},
    ),
    "tabular": Case(
        "a table in place of training, finalists",
        nosh(
            cells,
            "kernel",
            epochs=(12, 200),
            ratio="auto",
            initial=10,
            batch=5,
            limits=Limits(epochs=3000),
            finalists=2,
        ),
        executor=lambda: Tabular(table(), SEED, "resume"),
        orderless=False,
    ),
    "simulated_cluster": Case(
        "workers in virtual time that die, straggle and are doubled",
        nosh(limits=Limits(epochs=110), overlap=2),
        executor=simulated,
        resumable=False,
        orderless=False,
    ),
    "predictor_random": Case("the random predictor", nosh(predictor="random", candidates=24)),
    "predictor_kernel_cells": Case(
        "the kernel on NAS-Bench-201, upper confidence bound",
        nosh(cells, "kernel", proposer={"acquisition": "ucb"}, candidates=30),
    ),
    "predictor_auto": Case(
        "the predictor chosen by cross-validation, mean prediction, pairs at the common level",
        nosh(predictor="auto", proposer={"acquisition": "mean", "rule": "common", "near_tie": 0.01}, candidates=36),
    ),
    "predictor_staged": Case("the staged predictor", nosh(predictor="staged", candidates=30)),
    "predictor_ensemble": Case(
        "a bootstrap ensemble of mixed kinds, pairs that agree, weights by level",
        nosh(predictor="ensemble", proposer={"rule": "agree", "level_weight": 0.5}, candidates=26),
    ),
    "predictor_large_space": Case("a space too large to list, grown candidates", nosh(large, "auto", candidates=26)),
}
