"""Searches in simulated time: the engine, its schedules and its budget are the real ones, trainings are answered.

``plan --simulate`` plays the search of a config on clusters, before anybody pays for one. Its proposals are random ones: a
refit costs real time and changes which architectures are trained, not how many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice, product
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any

from pydantic import BeforeValidator, model_validator

from ranknosh.bench.trainings import RecordedTrainings, TableTrainings, Trainings
from ranknosh.config.fields import RuleBroken, setting
from ranknosh.config.search import SearchSettings
from ranknosh.core.pool import Pool
from ranknosh.core.records import Proposed
from ranknosh.core.schedules import Proposal
from ranknosh.core.search import Search
from ranknosh.errors import JobsLost
from ranknosh.executors.simulated import Cluster, SimulatedExecutor
from ranknosh.runs.session import StopRequest
from ranknosh.spaces.base import Architecture, Space
from ranknosh.workflows.search.assembly import limits_of, pyramid_of, rules_of
from ranknosh.workflows.search.loop import drive


def play(search: Search, executor: SimulatedExecutor, before: float = 0.0) -> None:
    """Run a search to its end in virtual time. Raises JobsLost where a job is lost again and again.

    Args:
        search: to run.
        executor: holds the clock.
        before: seconds that the search has run when the clock starts.
    """
    drive(search, executor, write=lambda records: None, clock=lambda: executor.now + before, stop=StopRequest())


def _several(read: Callable[[str], Any], rule: str) -> BeforeValidator:
    """Values with slashes between, such as 1/8/32."""

    def parse(value: Any) -> Any:
        try:
            return tuple(map(read, value.split("/"))) if isinstance(value, str) else value
        except ValueError:
            raise ValueError(f"must be {rule}") from None

    return BeforeValidator(parse)


def _ratio(text: str) -> str | float:
    if text != "auto" and not 0 < float(text) < 1:
        raise ValueError(text)
    return text if text == "auto" else float(text)


def _counts(most: int) -> BeforeValidator:
    def count(text: str) -> int:
        if not 1 <= int(text) <= most:
            raise ValueError(text)
        return int(text)

    return _several(count, f"a whole number from 1 to {most}, or several such as 1/8/32")


class Wanted(Cluster):
    """What is simulated, besides the cluster."""

    workers: Annotated[tuple[int, ...], _counts(100_000)] = setting((1, 8, 64), "numbers of workers")
    ratio: Annotated[tuple[str | float, ...], _several(_ratio, "auto or a share between 0 and 1")] = setting(
        (), "shares of a level that are promoted, besides the config's own"
    )
    overlap: Annotated[tuple[int, ...], _counts(1000)] = setting((), "batches in flight, besides the config's own")
    repeats: int = setting(1, "simulations averaged, each of another seed", ge=1, le=1000)
    run: Path | None = setting(None, "the run whose trainings are played", alias="from")
    table: Path | None = setting(None, "the table whose trainings are played")

    @model_validator(mode="after")
    def _one_source(self) -> Wanted:
        if self.run and self.table:
            raise RuleBroken("table", "from and table are both given; times and metrics come from one of them")
        return self


def recorded_trainings(wanted: Wanted, config: SearchSettings) -> Trainings | None:
    """Those of the run or of the table that are wanted; None where neither is."""
    if wanted.run:
        return RecordedTrainings(wanted.run, config)
    return TableTrainings(wanted.table, config) if wanted.table else None


Row = dict[str, Any]


def simulated(wanted: Wanted, config: SearchSettings, trainings: Trainings) -> list[Row]:
    """The search of a config on clusters: a row for every ratio, schedule and number of workers, the mean of all repeats.

    ``speed_up`` compares epochs an hour with one worker of the same schedule, ``finds`` is what the chosen architecture is worth,
    and ``gave_up`` counts the repeats that ended because a job was lost again and again.

    Args:
        wanted: the clusters.
        config: of the search.
        trainings: what answers its jobs.
    """
    schedules = {
        "reproducible" if overlap == 1 else f"reproducible, overlap {overlap}": ("reproducible", overlap)
        for overlap in sorted({1, config.pyramid.overlap, *wanted.overlap})
    }
    schedules |= {name: (name, 1) for name in ("eager", config.pyramid.schedule) if name != "reproducible"}
    ratios = dict.fromkeys((config.pyramid.ratio, *wanted.ratio))
    rows: list[Row] = []
    for ratio, (name, (schedule, overlap)) in product(ratios, schedules.items()):
        # Proposals are random ones, which follow no predictions.
        changes = {"ratio": ratio, "schedule": schedule, "overlap": overlap, "promote": "observed"}
        asked = config.model_copy(update={"pyramid": config.pyramid.model_copy(update=changes)})
        alone = 0.0
        for workers in sorted({1, *wanted.workers}):
            seeds = range(config.seed, config.seed + wanted.repeats)
            runs = [_run(asked.model_copy(update={"seed": seed}), wanted, workers, trainings) for seed in seeds]
            row = {"ratio": _ratio_text(ratio), "schedule": name, "workers": workers, **_means(runs)}
            row["gave_up"] = sum(run["gave_up"] for run in runs)
            pace = row["epochs"] / row["wall_seconds"] if row["wall_seconds"] else 0.0
            alone = alone or pace
            rows.append({**row, "speed_up": pace / alone if alone else 1.0})
    return rows


def _run(config: SearchSettings, cluster: Cluster, workers: int, trainings: Trainings) -> Row:
    """The numbers of one search."""
    limits, scoring, space, seed = (
        limits_of(config),
        trainings.scoring(workers),
        config.space.make(),
        config.seed,
    )
    proposer = Listed(space, trainings.architectures(space, seed))
    search = Search(pyramid_of(config), limits, proposer, rules_of(config), seed=seed)
    late = None if limits.wall_seconds is None else max(limits.wall_seconds - scoring, 0.0) + 1e-6
    executor = SimulatedExecutor(partial(trainings.outcome, seed=seed), cluster, workers, seed=seed, wake_at=late)
    gave_up = True
    with suppress(JobsLost):
        play(search, executor, scoring)
        gave_up = False
    pool, used, best, wall = search.pool, executor.usage(), search.pool.best(), executor.now + scoring
    return {
        "wall_seconds": wall,
        "utilisation": used.busy_seconds / used.slot_seconds if used.slot_seconds else 0.0,
        "candidates": pool.count,
        "epochs": pool.epochs_spent,
        "wasted_epochs": pool.epochs_wasted,
        "lost_jobs": executor.lost,
        "copies": executor.copies,
        "worker_hours": workers * wall / 3600,
        "finds": trainings.worth(best, seed) if best else None,
        "gave_up": gave_up,
    }


def _means(runs: Sequence[Row]) -> Row:
    """The mean of each number over the runs that have it, None where none has."""
    known = {name: [run[name] for run in runs if run[name] is not None] for name in runs[0]}
    return {name: fmean(values) if values else None for name, values in known.items()}


class Listed:
    """Proposes architectures in their order.

    Args:
        space: of the architectures.
        architectures: alive, with distinct canonical ids; read as far as they are asked for.
    """

    def __init__(self, space: Space, architectures: Iterable[Architecture]) -> None:
        self._space, self._more = space, iter(architectures)
        self._listed: list[Architecture] = []

    def propose(self, pool: Pool, ids: Sequence[int], batch: int) -> Proposal:
        """The architectures of some numbers, fewer where there are no more.

        Args:
            pool: not used; of :class:`~ranknosh.core.schedules.Proposer`.
            ids: the numbers, ascending.
            batch: the number of the batch they belong to.
        """
        self._listed += islice(self._more, max(ids[-1] + 1 - len(self._listed), 0))
        space, records = self._space, []
        for number in ids:
            if number < len(self._listed):
                one = self._listed[number]
                records.append(Proposed(number, one, space.canonical(one), space.format(one), batch, "random"))
        return Proposal(tuple(records))


def _ratio_text(ratio: str | float | Sequence[float]) -> str:
    return str(ratio) if isinstance(ratio, (str, float, int)) else "/".join(map(str, ratio))
