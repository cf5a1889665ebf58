"""``plan --simulate``: the search a config describes, played on clusters in virtual time before anybody pays for one.

The engine, its schedules and its budget are the real ones. Proposals are random ones: a refit costs real time and changes which
architectures are trained, not how many. What trainings take and show comes from a recorded run, a table, or a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ranknosh.cli.played import Playback, recorded_in, tabled_in
from ranknosh.cli.simulation_words import Wanted, parse_ratio
from ranknosh.config.screen import facts, table
from ranknosh.config.units import human_duration, percent, plural, whole
from ranknosh.errors import JobsLost
from ranknosh.executors.simulated import Cluster, SimulatedExecutor

if TYPE_CHECKING:
    from ranknosh.config.search import SearchSettings
    from ranknosh.core.pool import Pool
    from ranknosh.core.rules import ScheduleName
    from ranknosh.core.schedules import Proposal
    from ranknosh.spaces.base import Architecture, Space

_AVERAGED = (
    "wall_seconds",
    "utilisation",
    "candidates",
    "epochs",
    "wasted_epochs",
    "lost_jobs",
    "copies",
    "worker_hours",
)


@dataclass(frozen=True)
class Row:
    """One schedule on one cluster, the mean of all repeats. ``finds``: what the chosen architecture is worth, see
    :attr:`~ranknosh.cli.played.Playback.finds`. ``gave_up``: repeats that ended because a job was lost again and again."""

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


def playback_of(wanted: Wanted, config: SearchSettings) -> Playback | None:
    """Where times and metrics come from, None where they must be measured (:func:`~ranknosh.cli.played.model_of`).

    Raises StoreError, DataError, ConfigError.
    """
    if wanted.run is not None:
        return recorded_in(wanted.run, config)
    return tabled_in(wanted.table, config) if wanted.table is not None else None


def simulate(wanted: Wanted, config: SearchSettings, playback: Playback) -> list[Row]:
    """Every ratio, schedule and number of workers. Speed-ups compare epochs an hour with one worker of the same schedule."""
    rows = []
    for ratio in dict.fromkeys([_ratio_text(config.pyramid.ratio), *map(_ratio_text, wanted.ratios)]):
        for schedule in _schedules(wanted, config):
            alone: float | None = None
            for workers in sorted({1, *wanted.workers}):
                played = [
                    _play(config, ratio, schedule, replace(wanted.cluster, workers=workers), playback, repeat)
                    for repeat in range(wanted.repeats)
                ]
                row = _mean(played)
                pace = row.epochs / row.wall_seconds if row.wall_seconds else 0.0
                alone = alone or pace
                rows.append(replace(row, speed_up=pace / alone if alone else 1.0))
    return rows


def as_dict(wanted: Wanted, playback: Playback, rows: Sequence[Row]) -> dict[str, Any]:
    cluster = {f.name: getattr(wanted.cluster, f.name) for f in fields(Cluster) if f.name != "workers"}
    return {
        "cluster": cluster,
        "repeats": wanted.repeats,
        "times": playback.times,
        "metrics": playback.metrics,
        "finds": playback.finds,
        "rows": [{f.name: getattr(row, f.name) for f in fields(Row)} for row in rows],
    }


def as_text(wanted: Wanted, config: SearchSettings, playback: Playback, rows: Sequence[Row]) -> str:
    """A table of the rows, where its numbers come from, and what keeps workers waiting."""
    several = len({row.ratio for row in rows}) > 1
    copies = bool(wanted.cluster.speculate)
    head = ["schedule", "workers", "wall time", "busy", "speed-up", "candidates", "epochs", "wasted", "lost"]
    head = [*(["ratio"] if several else []), *head, *(["copies"] if copies else []), "worker-hours", "finds"]
    cells = []
    for row in rows:
        wall = human_duration(row.wall_seconds) + (" (gave up)" if row.gave_up else "")
        numbers = [whole(row.candidates), whole(row.epochs), _few(row.wasted_epochs), _few(row.lost_jobs)]
        line = [row.schedule, str(row.workers), wall, f"{row.utilisation:.0%}", f"{row.speed_up:.1f}", *numbers]
        line = [*([row.ratio] if several else []), *line, *([_few(row.copies)] if copies else [])]
        hours = f"{row.worker_hours:.2f}" if row.worker_hours < 10 else whole(row.worker_hours)
        cells.append([*line, hours, playback.show(row.finds)])
    sides = ("ll" if several else "l").ljust(len(head), "r")
    lines = [
        ("simulated", _described(wanted)),
        ("times", playback.times),
        ("metrics", playback.metrics),
        ("finds", playback.finds),
        ("proposals", "random ones; neither the predictor's choices nor the time of its refits are in it"),
        (
            "lost",
            "jobs whose worker died; wasted: epochs trained again for that; worker-hours: all workers, all the time",
        ),
    ]
    if any(row.gave_up for row in rows):
        lines.append(
            ("gave up", "a job was lost ten times in a row, which ends a search; shorten levels or use better workers")
        )
    batch = config.pyramid.batch
    if any(row.schedule == "reproducible" and row.utilisation < 0.5 and row.workers > batch / 2 for row in rows):
        lines.append(
            (
                "idle",
                f"reproducible trains a batch ({batch}) to its top before the next: raise pyramid.batch or overlap, or use eager",
            )
        )
    return f"{table(head, cells, sides)}\n\n{facts(lines)}"


class RandomProposals:
    """Architectures in the order they were drawn, alive and with distinct canonical ids."""

    def __init__(self, space: Space, seed: int, among: Sequence[Architecture] | None) -> None:
        self.space, self.seed = space, seed
        self._drawn = None if among is None else self._shuffled(among)
        self._complete = among is not None

    def propose(self, pool: Pool, ids: Sequence[int], batch: int) -> Proposal:
        from ranknosh.core.records import Proposed
        from ranknosh.core.schedules import Proposal
        from ranknosh.core.seeding import draw

        drawn = self._drawn or []
        if ids[-1] >= len(drawn) and not self._complete:
            asked = max(2 * ids[-1], 256)
            drawn = self._drawn = draw(self.space, asked, self.seed)
            self._complete = len(drawn) < asked
        records = []
        for number in ids:
            if number < len(drawn):
                key, text = self.space.canonical(drawn[number]), self.space.format(drawn[number])
                records.append(Proposed(number, drawn[number], key, text, batch, "random"))
        return Proposal(tuple(records))

    def _shuffled(self, among: Sequence[Architecture]) -> list[Architecture]:
        from ranknosh.streams import stream

        order = stream(self.seed, "simulated draw").permutation(len(among))
        found: dict[str, Architecture] = {}
        for index in order:
            if not self.space.is_dead(among[index]):
                found.setdefault(self.space.canonical(among[index]), among[index])
        return list(found.values())


def _play(
    config: SearchSettings, ratio: str, schedule: _Schedule, cluster: Cluster, playback: Playback, repeat: int
) -> Row:
    from ranknosh.core.pyramid import Pyramid
    from ranknosh.core.search import Search
    from ranknosh.runs.stop import StopRequest
    from ranknosh.spaces.catalog import get_space
    from ranknosh.workflows.search.assembly import limits_of, rules_of
    from ranknosh.workflows.search.loop import drive

    section, seed = config.pyramid, config.seed + repeat
    limits = limits_of(config)
    played = playback.play(seed)
    scored = playback.level_zero(cluster.workers)
    share = section.ratio if ratio == _ratio_text(section.ratio) else parse_ratio(ratio)
    # Proposals are random ones, which follow no predictions.
    rules = replace(rules_of(config), schedule=schedule.mode, overlap=schedule.overlap, promote="observed")
    search = Search(
        Pyramid.make(section.epochs, share, section.initial, section.batch),
        limits,
        RandomProposals(get_space(config.space.name), seed, playback.among),
        rules,
        seed=seed,
    )
    late = None if limits.wall_seconds is None else max(limits.wall_seconds - scored, 0.0) + 1e-6
    executor = SimulatedExecutor(cluster, played.duration, played.outcome, seed=seed, wake_at=late)
    gave_up = 0
    try:
        drive(
            search,
            executor,
            write=lambda records: None,
            clock=lambda: executor.now + scored,
            stop=StopRequest(),
        )
    except JobsLost:
        gave_up = 1
    finally:
        executor.close()
    pool, used, best = search.pool, executor.usage(), search.pool.best()
    wall = executor.now + scored
    return Row(
        ratio,
        schedule.name,
        cluster.workers,
        wall,
        used.busy_seconds / used.slot_seconds if used.slot_seconds else 0.0,
        1.0,
        pool.count,
        pool.epochs_spent,
        pool.epochs_wasted,
        executor.lost,
        executor.copies,
        cluster.workers * wall / 3600,
        played.worth(best) if best else None,
        gave_up,
    )


def _mean(rows: Sequence[Row]) -> Row:
    found = [row.finds for row in rows if row.finds is not None]
    means: dict[str, Any] = {name: fmean(getattr(row, name) for row in rows) for name in _AVERAGED}
    return replace(rows[0], **means, finds=fmean(found) if found else None, gave_up=sum(row.gave_up for row in rows))


@dataclass(frozen=True)
class _Schedule:
    name: str
    mode: ScheduleName
    overlap: int


def _schedules(wanted: Wanted, config: SearchSettings) -> list[_Schedule]:
    """The reproducible schedule with one batch in flight and as many as are asked for, and the eager one."""
    found = [
        _Schedule("reproducible" if overlap == 1 else f"reproducible, overlap {overlap}", "reproducible", overlap)
        for overlap in sorted({1, config.pyramid.overlap, *wanted.overlaps})
    ]
    return [*found, _Schedule("eager", "eager", 1)]


def _described(wanted: Wanted) -> str:
    cluster = wanted.cluster
    words = []
    if cluster.mtbf is not None:
        words.append(
            f"a worker dies every {human_duration(cluster.mtbf)} of work and is gone for {human_duration(cluster.repair)}"
        )
    if cluster.stragglers:
        words.append(f"{percent(cluster.stragglers)} of the jobs take {cluster.slowdown:g} times as long")
    if cluster.speculate:
        words.append(f"a second copy after {cluster.speculate:g} times what is expected")
    if cluster.startup:
        words.append(f"{human_duration(cluster.startup)} to start")
    if wanted.repeats > 1:
        words.append(f"means of {plural(wanted.repeats, 'simulation')}")
    return "; ".join(words) or "nothing fails and nobody is slow (see mtbf, stragglers)"


def _few(number: float) -> str:
    return whole(number) if number == int(number) or number >= 10 else f"{number:.1f}"


def _ratio_text(ratio: str | float | Sequence[float]) -> str:
    if isinstance(ratio, (str, float, int)):
        return str(ratio)
    return "/".join(map(str, ratio))
