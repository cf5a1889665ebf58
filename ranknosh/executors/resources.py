"""What a job takes of a machine, and how many jobs machines hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Resources:
    """``cpus`` and ``gpus`` (fractions share one), ``memory`` in bytes (0: not asked for)."""

    cpus: float = 1.0
    gpus: float = 0.0
    memory: int = 0

    def as_named(self) -> dict[str, float]:
        """By Ray's names, what is not asked for left out."""
        named = {"CPU": self.cpus, "GPU": self.gpus, "memory": float(self.memory)}
        return {name: value for name, value in named.items() if value > 0}

    def fits(self, node: Mapping[str, float]) -> int:
        """How many jobs a node with these resources holds."""
        shares = [int(node.get(name, 0.0) / value + _TOLERANCE) for name, value in self.as_named().items()]
        return min(shares, default=0)

    def weight(self, base: Resources) -> float:
        """How many jobs of ``base`` one of these counts as; at least 1."""
        mine, theirs = self.as_named(), base.as_named()
        return max([1.0, *(value / theirs[name] for name, value in mine.items() if name in theirs)])

    def text(self) -> str:
        parts = [f"{self.cpus:g} CPU"] if self.cpus else []
        parts += [f"{self.gpus:g} GPU"] if self.gpus else []
        parts += [f"{self.memory / 1e9:g} GB memory"] if self.memory else []
        return " and ".join(parts) or "nothing"


@dataclass(frozen=True)
class Demand:
    """What jobs take: ``base``, and other amounts at the levels named in ``per_level``."""

    base: Resources = Resources()
    per_level: Mapping[int, Resources] | None = None

    def of(self, level: int) -> Resources:
        return (self.per_level or {}).get(level, self.base)

    def weight(self, level: int) -> float:
        return self.of(level).weight(self.base)

    def slots(self, nodes: Iterable[Mapping[str, float]]) -> int:
        """Jobs of the base kind that run at once on these nodes."""
        return sum(self.base.fits(node) for node in nodes)
