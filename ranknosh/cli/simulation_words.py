"""The words of ``plan --simulate``: what they may be, and what is said of those that are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, nan
from pathlib import Path
from typing import Any

from ranknosh.config.units import parse_duration
from ranknosh.errors import ConfigError, did_you_mean
from ranknosh.executors.simulated import Cluster


@dataclass(frozen=True)
class Wanted:
    """What ``--simulate`` asks for. ``ratios`` and ``overlaps``: besides the config's own; ``repeats``: simulations averaged,
    each of another seed; ``cluster`` holds everything but the number of workers."""

    workers: tuple[int, ...] = (1, 8, 64)
    ratios: tuple[str | float, ...] = ()
    overlaps: tuple[int, ...] = ()
    repeats: int = 1
    cluster: Cluster = field(default_factory=Cluster)
    run: Path | None = None
    table: Path | None = None


def parse_simulation(text: str) -> Wanted:
    """The words of ``--simulate``. Raises ConfigError naming the key, what came and what to write."""
    wanted: dict[str, Any] = {}
    cluster: dict[str, Any] = {}
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
            (wanted if hasattr(Wanted, name) else cluster)[name] = parse(value)
        except ValueError as error:
            raise ConfigError(f"--simulate {key} is {value!r}; it {error}") from error
    if seen >= {"from", "table"}:
        raise ConfigError("--simulate has both from and table; times and metrics come from one of them")
    return Wanted(**wanted, cluster=Cluster(**cluster))


def _number(rule: str, holds: Callable[[Any], bool], kind: Callable[[str], Any] = float) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = nan
        if not holds(value):
            raise ValueError(f"must be {rule}")
        return value

    return parse


def _count(most: int, further: str = "") -> Callable[[str], int]:
    return _number(f"a whole number from 1 to {most}{further}", lambda value: 1 <= value <= most, int)


def _several(parse: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    return lambda text: tuple(parse(part) for part in text.split("/"))


_RATIO = _number(
    "auto or a share between 0 and 1",
    lambda value: value == "auto" or 0 < value < 1,
    lambda text: text if text == "auto" else float(text),
)
_KEYS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "workers": ("workers", _several(_count(100_000, ", or several such as 1/8/32"))),
    "mtbf": ("mtbf", parse_duration),
    "repair": ("repair", parse_duration),
    "startup": ("startup", parse_duration),
    "stragglers": ("stragglers", _number("a share from 0 to 1", lambda value: 0 <= value <= 1)),
    "slowdown": ("slowdown", _number("1 or more", lambda value: 1 <= value < inf)),
    "speculate": ("speculate", _number("1 or more, or 0 for never", lambda value: value == 0 or 1 <= value < 1e9)),
    "ratio": ("ratios", _several(_RATIO)),
    "overlap": ("overlaps", _several(_count(1000, ", or several such as 1/8/32"))),
    "repeats": ("repeats", _count(1000)),
    "from": ("run", Path),
    "table": ("table", Path),
}
"""Each key: the field of :class:`Wanted` or of its cluster, and how its value is read."""
