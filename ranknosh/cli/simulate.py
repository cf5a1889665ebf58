"""``plan --simulate``: the search of a config on clusters in virtual time, before anybody pays for one.

The engine, its schedules and its budget are the real ones. Proposals are random ones: a refit costs real time and changes which
architectures are trained, not how many. What trainings take and show comes from a recorded run, a table, or a model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property, partial
from itertools import product
from statistics import fmean
from typing import Any

from ranknosh.cli.playback import Playback
from ranknosh.cli.simulation_words import Wanted
from ranknosh.config.screen import facts, table
from ranknosh.config.search import SearchSettings
from ranknosh.config.units import human_duration, percent, plural, whole
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import Proposed
from ranknosh.core.schedules import Proposal
from ranknosh.core.search import Search
from ranknosh.core.seeding import draw
from ranknosh.errors import JobsLost
from ranknosh.executors.simulated import Cluster, SimulatedExecutor
from ranknosh.runs.stop import StopRequest
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.catalog import get_space
from ranknosh.streams import stream
from ranknosh.workflows.search.assembly import limits_of, rules_of
from ranknosh.workflows.search.loop import drive

Ratio = str | float | Sequence[float]
NOTES = (
    ("proposals", "random ones; neither the predictor's choices nor the time of its refits are in it"),
    ("lost", "jobs whose worker died; wasted: epochs trained again for that; worker-hours: all workers, all the time"),
)


@dataclass(frozen=True)
class Simulated:
    """One schedule on one cluster, the mean of all repeats. ``finds``: what the chosen architecture is worth, see
    :attr:`~ranknosh.cli.playback.Playback.finds`. ``gave_up``: repeats that ended because a job was lost again and again."""

    ratio: str
    schedule: str
    workers: int
    wall_seconds: float
    utilisation: float
    speed_up: float
    candidates: float
    epochs: float
    wasted_epochs: float
    lost_jobs: float
    copies: float
    worker_hours: float
    finds: float | None
    gave_up: int


@dataclass(frozen=True)
class Simulation:
    """The search of ``config`` on the clusters that are ``wanted``, with the trainings of ``playback``."""

    wanted: Wanted
    config: SearchSettings
    playback: Playback

    @cached_property
    def rows(self) -> list[Simulated]:
        """Every ratio, schedule and number of workers; speed-ups compare epochs an hour with one worker of the same schedule."""
        ratios = {_ratio_text(ratio): ratio for ratio in (self.config.pyramid.ratio, *self.wanted.ratios)}
        rows = []
        for (name, ratio), (schedule, rules) in product(ratios.items(), self._schedules().items()):
            alone = None
            for workers in sorted({1, *self.wanted.workers}):
                cluster = replace(self.wanted.cluster, workers=workers)
                row = _mean([self._run(ratio, rules, cluster, repeat) for repeat in range(self.wanted.repeats)])
                pace = row.epochs / row.wall_seconds if row.wall_seconds else 0.0
                alone = alone or pace
                rows.append(replace(row, ratio=name, schedule=schedule, speed_up=pace / alone if alone else 1.0))
        return rows

    def _schedules(self) -> dict[str, Rules]:
        """The reproducible schedule with one batch in flight and as many as are asked for, and the eager one."""
        # Proposals are random ones, which follow no predictions.
        rules = replace(rules_of(self.config), schedule="reproducible", overlap=1, promote="observed")
        found = {
            "reproducible" if overlap == 1 else f"reproducible, overlap {overlap}": replace(rules, overlap=overlap)
            for overlap in sorted({1, self.config.pyramid.overlap, *self.wanted.overlaps})
        }
        return {**found, "eager": replace(rules, schedule="eager")}

    def _run(self, ratio: Ratio, rules: Rules, cluster: Cluster, repeat: int) -> Simulated:
        """One search; the names of what it is and its speed-up are left open."""
        section, seed, playback = self.config.pyramid, self.config.seed + repeat, self.playback
        limits, scoring = limits_of(self.config), playback.scoring(cluster.workers)
        pyramid = Pyramid.make(section.epochs, ratio, section.initial, section.batch)
        proposer = RandomProposals(get_space(self.config.space.name), seed, playback.among)
        search = Search(pyramid, limits, proposer, rules, seed=seed)
        late = None if limits.wall_seconds is None else max(limits.wall_seconds - scoring, 0.0) + 1e-6
        duration, outcome = partial(playback.duration, seed=seed), partial(playback.outcome, seed=seed)
        executor = SimulatedExecutor(cluster, duration, outcome, seed=seed, wake_at=late)
        gave_up = 1
        with closing(executor), suppress(JobsLost):
            stop = StopRequest()
            drive(search, executor, write=lambda records: None, clock=lambda: executor.now + scoring, stop=stop)
            gave_up = 0
        pool, used, best, wall = search.pool, executor.usage(), search.pool.best(), executor.now + scoring
        return Simulated(
            ratio="",
            schedule="",
            workers=cluster.workers,
            wall_seconds=wall,
            utilisation=used.busy_seconds / used.slot_seconds if used.slot_seconds else 0.0,
            speed_up=1.0,
            candidates=pool.count,
            epochs=pool.epochs_spent,
            wasted_epochs=pool.epochs_wasted,
            lost_jobs=executor.lost,
            copies=executor.copies,
            worker_hours=cluster.workers * wall / 3600,
            finds=playback.worth(best, seed) if best else None,
            gave_up=gave_up,
        )

    def as_dict(self) -> dict[str, Any]:
        """What ``plan --json`` has of it."""
        playback, cluster = self.playback, asdict(self.wanted.cluster)
        del cluster["workers"]
        return {
            "cluster": cluster,
            "repeats": self.wanted.repeats,
            "times": playback.times,
            "metrics": playback.metrics,
            "finds": playback.finds,
            "rows": [asdict(row) for row in self.rows],
        }

    def as_text(self) -> str:
        """A table of the rows, where its numbers come from, and what keeps workers waiting."""
        rows, playback, batch = self.rows, self.playback, self.config.pyramid.batch
        columns: dict[str, Callable[[Simulated], str]] = {
            "ratio": lambda row: row.ratio,
            "schedule": lambda row: row.schedule,
            "workers": lambda row: str(row.workers),
            "wall time": lambda row: human_duration(row.wall_seconds) + (" (gave up)" if row.gave_up else ""),
            "busy": lambda row: f"{row.utilisation:.0%}",
            "speed-up": lambda row: f"{row.speed_up:.1f}",
            "candidates": lambda row: whole(row.candidates),
            "epochs": lambda row: whole(row.epochs),
            "wasted": lambda row: _few(row.wasted_epochs),
            "lost": lambda row: _few(row.lost_jobs),
            "copies": lambda row: _few(row.copies),
            "worker-hours": lambda row: f"{row.worker_hours:.2f}" if row.worker_hours < 10 else whole(row.worker_hours),
            "finds": lambda row: playback.show(row.finds),
        }
        if len({row.ratio for row in rows}) == 1:
            del columns["ratio"]
        if not self.wanted.cluster.speculate:
            del columns["copies"]
        origin = [(name, getattr(playback, name)) for name in ("times", "metrics", "finds")]
        lines = [("simulated", self._described()), *origin, *NOTES]
        if any(row.gave_up for row in rows):
            remedy = "shorten levels or use better workers"
            lines.append(("gave up", f"a job was lost ten times in a row, which ends a search; {remedy}"))
        if any(row.schedule == "reproducible" and row.utilisation < 0.5 and row.workers > batch / 2 for row in rows):
            remedy = "raise pyramid.batch or overlap, or use eager"
            lines.append(("idle", f"reproducible trains a batch ({batch}) to its top before the next: {remedy}"))
        sides = "".join("l" if name in ("ratio", "schedule") else "r" for name in columns)
        cells = [[show(row) for show in columns.values()] for row in rows]
        return f"{table(list(columns), cells, sides)}\n\n{facts(lines)}"

    def _described(self) -> str:
        cluster, repeats = self.wanted.cluster, self.wanted.repeats
        dead, gone = human_duration(cluster.mtbf or 0.0), human_duration(cluster.repair)
        known = (
            (cluster.mtbf, f"a worker dies every {dead} of work and is gone for {gone}"),
            (cluster.stragglers, f"{percent(cluster.stragglers)} of the jobs take {cluster.slowdown:g} times as long"),
            (cluster.speculate, f"a second copy after {cluster.speculate:g} times what is expected"),
            (cluster.startup, f"{human_duration(cluster.startup)} to start"),
            (repeats > 1, f"means of {plural(repeats, 'simulation')}"),
        )
        words = [text for holds, text in known if holds]
        return "; ".join(words) or "nothing fails and nobody is slow (see mtbf, stragglers)"


class RandomProposals:
    """Architectures in the order they were drawn, alive and with distinct canonical ids.

    Args:
        space: to draw from.
        seed: of the draw.
        among: the only architectures there are; None for the whole space.
    """

    def __init__(self, space: Space, seed: int, among: Sequence[Architecture] | None) -> None:
        self.space, self.seed = space, seed
        self._complete = among is not None
        found: dict[str, Architecture] = {}
        if among is not None:
            for index in stream(seed, "simulated draw").permutation(len(among)):
                if not space.is_dead(among[index]):
                    found.setdefault(space.canonical(among[index]), among[index])
        self._drawn = list(found.values())

    def propose(self, pool: Pool, ids: Sequence[int], batch: int) -> Proposal:
        """The architectures of some numbers, fewer where there are no more.

        Args:
            pool: not used.
            ids: of the new candidates, rising.
            batch: number of their batch.
        """
        if ids[-1] >= len(self._drawn) and not self._complete:
            asked = max(2 * ids[-1], 256)
            self._drawn = draw(self.space, asked, self.seed)
            self._complete = len(self._drawn) < asked
        space, records = self.space, []
        for number in ids:
            if number < len(self._drawn):
                one = self._drawn[number]
                records.append(Proposed(number, one, space.canonical(one), space.format(one), batch, "random"))
        return Proposal(tuple(records))


def _mean(rows: Sequence[Simulated]) -> Simulated:
    averaged = [f.name for f in fields(Simulated) if f.type == "float"]
    means: dict[str, Any] = {name: fmean(getattr(row, name) for row in rows) for name in averaged}
    found = [row.finds for row in rows if row.finds is not None]
    return replace(rows[0], **means, finds=fmean(found) if found else None, gave_up=sum(row.gave_up for row in rows))


def _few(number: float) -> str:
    return whole(number) if number == int(number) or number >= 10 else f"{number:.1f}"


def _ratio_text(ratio: Ratio) -> str:
    return str(ratio) if isinstance(ratio, (str, float, int)) else "/".join(map(str, ratio))
