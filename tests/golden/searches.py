"""The searches that are frozen: their parts, how they are run, and the formula in place of training.

Results come from a formula (a hash of the architecture's code, the level and the seed), so a search takes milliseconds and
depends on no machine. Together with :mod:`tests.golden.lines` (records) and :mod:`tests.golden.trainings`
this is all that knows the modules of the package.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from benchmarks.synthetic import synthetic_table
from ranknosh.bench.account import Account
from ranknosh.core.brackets import Brackets
from ranknosh.core.budget import Limits
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import Failed, Interrupted, Job, JobResult, Observed, Record, Scored, Stopped
from ranknosh.core.schedules import Proposal, Proposer
from ranknosh.core.search import Search
from ranknosh.core.seeding import LevelZero, draw
from ranknosh.errors import RankNoshError
from ranknosh.executors.base import Usage
from ranknosh.executors.simulated import Cluster, SimulatedExecutor
from ranknosh.predictors.making import make_predictor
from ranknosh.predictors.proposer import PredictorProposer
from ranknosh.runs.session import StopRequest
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.parameters import choice, randint, uniform
from ranknosh.training.proxies import proxy_weights
from ranknosh.tune.state import TuneSettings
from ranknosh.workflows.search.loop import drive
from tests.golden.lines import kept

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
                {"accuracy": value, "loss": 1 - value},
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
    holds so many records, and resumed.
    """

    about: str
    make: Callable[[Pool], Search]
    faults: Faults = field(default_factory=dict)
    before: tuple[Record, ...] = ()
    workers: int = 1
    shuffle: int | None = None
    stops: tuple[int, ...] = ()
    executor: Callable[[], Any] | None = None

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
                if limit is not None and len(journal) >= limit:
                    stop.request()

            search = self.make(Pool(journal))
            clock = lambda executor=executor: executor.now  # noqa: E731
            try:
                drive(search, executor, write=write, clock=clock, stop=stop)
            except KeyboardInterrupt:
                continue
            except RankNoshError as error:
                return [*journal, Stopped(type(error).__name__)]
        return [*journal, Stopped(search.stop_reason or "")]


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
        label="small",
    )


@cache
def large() -> FlatSpace:
    """Too many configurations to list."""
    return FlatSpace(
        {"x": uniform(0, 1), "y": uniform(-1, 1), "kind": choice(list("abcde")), "n": randint(1, 9)}, label="large"
    )


@cache
def cells() -> Any:
    return get_space("nasbench201")


@cache
def table() -> Any:
    return synthetic_table()


def nosh(
    space: Callable[[], Any] = small,
    predictor: str = "kernel",
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
    """A search with a predictor; in the schedule hyperband ``ratio``, ``initial`` and ``batch`` are those of its brackets.
    ``follow``: begin with the best of the scores in the pool, and follow them with this chance."""

    def make(pool: Pool) -> Search:
        is_bracketed = search.get("schedule") == "hyperband"
        pyramid = Brackets.of(epochs) if is_bracketed else Pyramid.make(epochs, ratio, initial, batch)
        more = dict(proposer or {})
        if follow is None:
            more["seeds"] = [(architecture, "random", None) for architecture in draw(space(), initial, SEED)]
        else:
            level_zero = LevelZero(pool.scored, DIRECTIONS, proxy_weights, combine="vote", seed=SEED)
            more["seeds"], more["level_zero"] = level_zero.choose(initial, 0.25), level_zero
            more["follow"] = follow
        chosen = PredictorProposer(space(), make_predictor(predictor, **(options or {})), pyramid, seed=SEED, **more)
        if limits.device_seconds is not None:
            chosen = Unclocked(chosen)
        return Search(pyramid, limits, chosen, Rules(**search), seed=SEED, pool=pool)

    return make


@dataclass
class Unclocked:
    """A proposer whose refits take no time, so that a limit of device time is reached after the same trainings on any machine."""

    proposer: Proposer

    def propose(self, pool: Pool, ids: Sequence[int], batch: int) -> Proposal:
        found = self.proposer.propose(pool, ids, batch)
        return found if found.fit is None else found._replace(fit=replace(found.fit, seconds=0.0))


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


def tune(points: int = 0, **settings: Any) -> Callable[[Pool], Search]:
    """A search as the Ray Tune pair makes it, with so many points of the user's own."""
    texts = tuple(large().format(architecture) for architecture in draw(large(), points, SEED + 1))
    return lambda pool: TuneSettings(metric="score", mode="min", seed=SEED, points=texts, **settings).search(
        large(), pool
    )


def simulated() -> SimulatedExecutor:
    """Four workers that die and straggle, results by formula."""
    formula = FormulaExecutor({})
    cluster = Cluster(mtbf=60.0, repair=5.0, startup=1.0, stragglers=0.2, speculate=1.5, save_every=2.0)
    return SimulatedExecutor(formula.outcome, cluster, 4, seed=SEED)  # type: ignore[arg-type]


def tabular() -> SimulatedExecutor:
    """A table of NAS-Bench-201 in place of training."""
    return SimulatedExecutor(Account(table(), SEED).train)
