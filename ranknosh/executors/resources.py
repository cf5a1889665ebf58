"""What a job takes of a machine, how many jobs machines hold, and the machines of a Ray cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

NODES_SECONDS = 2.0
"""Nodes are looked at so often."""
_COMPLAIN_SECONDS = 30.0
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


class ClusterSlots:
    """Slots of the cluster this process is connected to, and the seconds there were slots. Nodes may join and leave.

    Args:
        demand: resources of a job by its level.
        workers: most jobs at once; None for what the cluster holds.
        say: takes what a user should know.
    """

    def __init__(self, demand: Demand, workers: int | None, say: Callable[[str], None]) -> None:
        self.demand, self.workers, self._say = demand, workers, say
        self.nodes: dict[str, dict[str, float]] = {}
        self._looked_at = -1e9
        self._seconds = 0.0
        self._counted_at: float | None = None
        self._complained_at = time.monotonic()

    def count(self) -> int:
        """Jobs of the base kind that the cluster, as it is now, runs at once."""
        import ray

        now = time.monotonic()
        if now - self._looked_at >= NODES_SECONDS:
            self._add(now)
            self.nodes = {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}
            self._looked_at = now
            self._complain(now)
        return self._held()

    def look_again(self) -> None:
        """Look at the nodes at the next question: one may have gone."""
        self._looked_at = -1e9

    def start_clock(self) -> None:
        """Count :meth:`seconds` from the first call on."""
        if self._counted_at is None:
            self._counted_at = time.monotonic()

    def seconds(self) -> float:
        """Slots times seconds so far."""
        self._add(time.monotonic())
        return self._seconds

    def lacking(self) -> str:
        """The first kind of job that no node holds; empty where there is none."""
        if not self.count():
            return f"a job needs {self.demand.base.text()}"
        for level, need in (self.demand.per_level or {}).items():
            if not any(need.fits(node) for node in self.nodes.values()):
                return f"a job of level {level} needs {need.text()}"
        return ""

    def text(self) -> str:
        cpus, gpus = (sum(node.get(name, 0) for node in self.nodes.values()) for name in ("CPU", "GPU"))
        return f"{len(self.nodes)} node{'s' if len(self.nodes) != 1 else ''} with {cpus:g} CPU and {gpus:g} GPU in all"

    def _held(self) -> int:
        held = self.demand.slots(self.nodes.values())
        return held if self.workers is None else min(held, self.workers)

    def _add(self, now: float) -> None:
        """Add the time since the last look, with the slots there were."""
        if self._counted_at is not None:
            self._seconds += self._held() * (now - self._counted_at)
            self._counted_at = now

    def _complain(self, now: float) -> None:
        if self.demand.slots(self.nodes.values()):
            self._complained_at = now
        elif now - self._complained_at >= _COMPLAIN_SECONDS:
            self._complained_at = now
            self._say(f"waiting for a node with {self.demand.base.text()}; the cluster has {self.text()}")
