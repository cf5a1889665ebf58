"""The words of ``plan --simulate``, and what is said of the simulation."""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from ranknosh.bench.simulation import Row, Wanted
from ranknosh.bench.trainings import Trainings
from ranknosh.config.messages import explain
from ranknosh.config.screen import facts, table
from ranknosh.config.units import human_duration, percent, plural, whole
from ranknosh.errors import ConfigError
from ranknosh.executors.simulated import Cluster

ORIGIN = ("times", "metrics", "finds")
SHOWN = {"finds": "found"}
"""Keys of ``--json`` that people read by another word."""
NOTES = (
    ("proposals", "random ones; neither the predictor's choices nor the time of its refits are in it"),
    ("lost", "jobs whose worker died; wasted: epochs trained again for that; worker-hours: all workers, all the time"),
)


def parse_simulation(text: str) -> Wanted:
    """The words of ``--simulate``. Raises ConfigError naming the key, what came and what to write."""
    words: dict[str, str] = {}
    for part in text.split(","):
        key, _, value = (piece.strip() for piece in part.partition("="))
        if not value:
            raise ConfigError(f"--simulate has {part.strip()!r}; write KEY=VALUE, such as workers=32,mtbf=2h")
        if key in words:
            raise ConfigError(f"--simulate names {key} twice; several values are written {key}=A/B where it takes them")
        words[key] = value
    try:
        return Wanted.model_validate_strings(words)
    except ValidationError as error:
        raise ConfigError(explain(error, Wanted, f"--simulate {text}")) from error


def as_dict(rows: list[Row], wanted: Wanted, trainings: Trainings) -> dict[str, Any]:
    """What ``plan --json`` has of a simulation.

    Args:
        rows: simulated searches.
        wanted: the words of ``--simulate``.
        trainings: where results and durations come from.
    """
    origin = {name: getattr(trainings, name) for name in ORIGIN}
    cluster = wanted.model_dump(include=set(Cluster.model_fields))
    return {"cluster": cluster, "repeats": wanted.repeats, **origin, "rows": rows}


def as_text(rows: list[Row], wanted: Wanted, trainings: Trainings, batch: int) -> str:
    """A table of the rows, where its numbers come from, and what keeps workers waiting.

    Args:
        rows: simulated searches.
        wanted: the words of ``--simulate``.
        trainings: where results and durations come from.
        batch: candidates of one.
    """
    columns: dict[str, Callable[[Row], str]] = {
        "ratio": lambda row: row["ratio"],
        "schedule": lambda row: row["schedule"],
        "workers": lambda row: str(row["workers"]),
        "wall time": lambda row: human_duration(row["wall_seconds"]) + (" (gave up)" if row["gave_up"] else ""),
        "busy": lambda row: f"{row['utilisation']:.0%}",
        "speed-up": lambda row: f"{row['speed_up']:.1f}",
        "candidates": lambda row: whole(row["candidates"]),
        "epochs": lambda row: whole(row["epochs"]),
        "wasted": lambda row: _few(row["wasted_epochs"]),
        "lost": lambda row: _few(row["lost_jobs"]),
        "copies": lambda row: _few(row["copies"]),
        "worker-hours": lambda row: _hours(row["worker_hours"]),
        "found": lambda row: trainings.show(row["finds"]),
    }
    if len({row["ratio"] for row in rows}) == 1:
        del columns["ratio"]
    if not wanted.speculate:
        del columns["copies"]
    lines = [
        ("simulated", _described(wanted)),
        *((SHOWN.get(name, name), getattr(trainings, name)) for name in ORIGIN),
        *NOTES,
    ]
    if any(row["gave_up"] for row in rows):
        remedy = "shorten levels or use better workers"
        lines.append(("gave up", f"a job was lost ten times in a row, which ends a search; {remedy}"))
    waiting = [row for row in rows if row["schedule"] == "reproducible" and row["utilisation"] < 0.5]
    if any(row["workers"] > batch / 2 for row in waiting):
        remedy = "raise pyramid.batch or overlap, or use eager"
        lines.append(("idle", f"reproducible trains a batch ({batch}) to its top before the next: {remedy}"))
    sides = "".join("l" if name in ("ratio", "schedule") else "r" for name in columns)
    cells = [[show(row) for show in columns.values()] for row in rows]
    return f"{table(list(columns), cells, sides)}\n\n{facts(lines)}"


def _described(wanted: Wanted) -> str:
    dead, gone = human_duration(wanted.mtbf or 0.0), human_duration(wanted.repair)
    known = (
        (wanted.mtbf, f"a worker dies every {dead} of work and is gone for {gone}"),
        (wanted.stragglers, f"{percent(wanted.stragglers)} of the jobs take {wanted.slowdown:g} times as long"),
        (wanted.speculate, f"a second copy after {wanted.speculate:g} times what is expected"),
        (wanted.startup, f"{human_duration(wanted.startup)} to start"),
        (wanted.repeats > 1, f"means of {plural(wanted.repeats, 'simulation')}"),
    )
    words = [text for holds, text in known if holds]
    return "; ".join(words) or "nothing fails and nobody is slow (see mtbf, stragglers)"


def _hours(hours: float) -> str:
    return f"{hours:.2f}" if hours < 10 else whole(hours)


def _few(number: float) -> str:
    return whole(number) if number == int(number) or number >= 10 else f"{number:.1f}"
