"""The words of ``plan --simulate``: what they may be, and what is said of those that are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ranknosh.config.fields import did_you_mean
from ranknosh.config.units import parse_duration
from ranknosh.errors import ConfigError
from ranknosh.executors.simulated import Cluster

MOST_WORKERS = 100_000


@dataclass(frozen=True)
class Wanted:
    """What ``--simulate`` asks for. ``ratios`` and ``overlaps``: beside the config's own; ``repeats``: simulations averaged,
    each of another seed; ``cluster`` holds everything but the number of workers."""

    workers: tuple[int, ...] = (1, 8, 64)
    ratios: tuple[str | float, ...] = ()
    overlaps: tuple[int, ...] = ()
    repeats: int = 1
    cluster: Cluster = field(default_factory=Cluster)
    run: Path | None = None
    table: Path | None = None

    @property
    def needs_timing(self) -> bool:
        return self.run is None and self.table is None


def parse_simulation(text: str) -> Wanted:
    """Raises ConfigError naming the key, what came and what to write."""
    given: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value:
            raise ConfigError(f"--simulate has {part.strip()!r}; write KEY=VALUE, such as workers=32,mtbf=2h")
        if key not in _KEYS:
            near = did_you_mean(key, tuple(_KEYS)) or f"; there are {', '.join(_KEYS)}"
            raise ConfigError(f"--simulate has no key {key!r}{near}")
        if key in given:
            raise ConfigError(f"--simulate names {key} twice; several values are written {key}=A/B where it takes them")
        given[key] = value
    if "from" in given and "table" in given:
        raise ConfigError("--simulate has both from and table; times and metrics come from one of them")
    wanted: dict[str, Any] = {}
    cluster: dict[str, Any] = {}
    for key, value in given.items():
        name, parse = _KEYS[key]
        try:
            parsed = parse(value)
        except ValueError as error:
            raise ConfigError(f"--simulate {key} is {value!r}; it {error}") from error
        (cluster if name in _CLUSTER else wanted)[name] = parsed
    return Wanted(**wanted, cluster=Cluster(**cluster))


def _count(text: str, most: int) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise ValueError(f"must be a whole number from 1 to {most}")
    return int(text)


def _number(rule: str, holds: Callable[[float], bool]) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not holds(value):
            raise ValueError(f"must be {rule}")
        return value

    return parse


def _counts(most: int) -> Callable[[str], tuple[int, ...]]:
    def parse(text: str) -> tuple[int, ...]:
        try:
            return tuple(_count(part, most) for part in text.split("/"))
        except ValueError as error:
            raise ValueError(f"{error}, or several such as 1/8/32") from error

    return parse


def parse_ratio(text: str) -> str | float:
    """``auto`` or a share. Raises ValueError with the rule."""
    if text == "auto":
        return text
    share = _number("auto or a share between 0 and 1", lambda value: 0 < value < 1)
    return share(text)


def _ratios(text: str) -> tuple[str | float, ...]:
    return tuple(parse_ratio(part) for part in text.split("/"))


_KEYS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "workers": ("workers", _counts(MOST_WORKERS)),
    "mtbf": ("mtbf", parse_duration),
    "repair": ("repair", parse_duration),
    "startup": ("startup", parse_duration),
    "stragglers": ("stragglers", _number("a share from 0 to 1", lambda value: 0 <= value <= 1)),
    "slowdown": ("slowdown", _number("1 or more", lambda value: 1 <= value < float("inf"))),
    "speculate": ("speculate", _number("1 or more, or 0 for never", lambda value: value == 0 or 1 <= value < 1e9)),
    "ratio": ("ratios", _ratios),
    "overlap": ("overlaps", _counts(1000)),
    "repeats": ("repeats", lambda text: _count(text, 1000)),
    "from": ("run", Path),
    "table": ("table", Path),
}
_CLUSTER = tuple(f.name for f in fields(Cluster) if f.name != "workers")
