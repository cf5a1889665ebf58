"""The words of ``plan --simulate``, and what is said of the simulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ranknosh.bench.simulation import Simulated, Simulation, Wanted
from ranknosh.config.screen import facts, table
from ranknosh.config.units import human_duration, parse_duration, percent, plural, whole
from ranknosh.errors import ConfigError, did_you_mean
from ranknosh.executors.simulated import Cluster

NOTES = (
    ("proposals", "random ones; neither the predictor's choices nor the time of its refits are in it"),
    ("lost", "jobs whose worker died; wasted: epochs trained again for that; worker-hours: all workers, all the time"),
)


def parse_simulation(text: str) -> Wanted:
    """The words of ``--simulate``. Raises ConfigError naming the key, what came and what to write."""
    wanted: dict[str, Any] = {}
    cluster = Cluster()
    seen: set[str] = set()
    for part in text.split(","):
        key, _, value = (piece.strip() for piece in part.partition("="))
        if not value:
            raise ConfigError(f"--simulate has {part.strip()!r}; write KEY=VALUE, such as workers=32,mtbf=2h")
        if key not in _KEYS:
            near = did_you_mean(key, _KEYS) or f"; there are {', '.join(_KEYS)}"
            raise ConfigError(f"--simulate has no key {key!r}{near}")
        if key in seen:
            raise ConfigError(f"--simulate names {key} twice; several values are written {key}=A/B where it takes them")
        seen.add(key)
        name, parse = _KEYS[key]
        try:
            if hasattr(Wanted, name):
                wanted[name] = parse(value)
            else:
                cluster = replace(cluster, **{name: parse(value)})
        except ValueError as error:
            raise ConfigError(f"--simulate {key} is {value!r}; it {error}") from error
        except ConfigError as error:
            raise ConfigError(f"--simulate {error}") from error
    if seen >= {"from", "table"}:
        raise ConfigError("--simulate has both from and table; times and metrics come from one of them")
    return Wanted(**wanted, cluster=cluster)


def _number(text: str, rule: str = "a number") -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"must be {rule}") from None


def _count(most: int, further: str = "") -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise ValueError(f"must be a whole number from 1 to {most}{further}")
        return int(text)

    return parse


def _ratio(text: str) -> str | float:
    rule = "auto or a share between 0 and 1"
    if text != "auto" and not 0 < _number(text, rule) < 1:
        raise ValueError(f"must be {rule}")
    return text if text == "auto" else float(text)


def _several(parse: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    return lambda text: tuple(map(parse, text.split("/")))


_KEYS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "workers": ("workers", _several(_count(100_000, ", or several such as 1/8/32"))),
    "mtbf": ("mtbf", parse_duration),
    "repair": ("repair", parse_duration),
    "startup": ("startup", parse_duration),
    "stragglers": ("stragglers", _number),
    "slowdown": ("slowdown", _number),
    "speculate": ("speculate", _number),
    "ratio": ("ratios", _several(_ratio)),
    "overlap": ("overlaps", _several(_count(1000, ", or several such as 1/8/32"))),
    "repeats": ("repeats", _count(1000)),
    "from": ("run", Path),
    "table": ("table", Path),
}
"""Each key: the field of :class:`Wanted` or of its cluster, and how its value is read; a cluster checks its own fields."""


def as_dict(simulation: Simulation) -> dict[str, Any]:
    """What ``plan --json`` has of a simulation."""
    trainings, cluster = simulation.trainings, asdict(simulation.wanted.cluster)
    del cluster["workers"]
    return {
        "cluster": cluster,
        "repeats": simulation.wanted.repeats,
        "times": trainings.times,
        "metrics": trainings.metrics,
        "finds": trainings.finds,
        "rows": [asdict(row) for row in simulation.rows],
    }


def as_text(simulation: Simulation) -> str:
    """A table of the rows, where its numbers come from, and what keeps workers waiting."""
    rows, trainings, batch = simulation.rows, simulation.trainings, simulation.config.pyramid.batch
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
        "finds": lambda row: trainings.show(row.finds),
    }
    if len({row.ratio for row in rows}) == 1:
        del columns["ratio"]
    if not simulation.wanted.cluster.speculate:
        del columns["copies"]
    origin = [(name, getattr(trainings, name)) for name in ("times", "metrics", "finds")]
    lines = [("simulated", _described(simulation.wanted)), *origin, *NOTES]
    if any(row.gave_up for row in rows):
        remedy = "shorten levels or use better workers"
        lines.append(("gave up", f"a job was lost ten times in a row, which ends a search; {remedy}"))
    if any(row.schedule == "reproducible" and row.utilisation < 0.5 and row.workers > batch / 2 for row in rows):
        remedy = "raise pyramid.batch or overlap, or use eager"
        lines.append(("idle", f"reproducible trains a batch ({batch}) to its top before the next: {remedy}"))
    sides = "".join("l" if name in ("ratio", "schedule") else "r" for name in columns)
    cells = [[show(row) for show in columns.values()] for row in rows]
    return f"{table(list(columns), cells, sides)}\n\n{facts(lines)}"


def _described(wanted: Wanted) -> str:
    cluster, repeats = wanted.cluster, wanted.repeats
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


def _few(number: float) -> str:
    return whole(number) if number == int(number) or number >= 10 else f"{number:.1f}"
