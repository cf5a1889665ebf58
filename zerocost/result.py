"""The result of :func:`zerocost.score`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Direction: TypeAlias = Literal[1, -1]


@dataclass(frozen=True, slots=True)
class Score:
    """One proxy of one network.

    Attributes:
        value: Always finite; None where the proxy has no value.
        direction: +1 where a larger value means a better network, -1 where a smaller one does.
        seconds: Wall time of this proxy: its own work plus an equal share of the passes it had in common with others.
        reason: Why there is no value; None where there is one.
    """

    value: float | None
    direction: Direction
    seconds: float
    reason: str | None = None

    @property
    def oriented(self) -> float | None:
        """The value times its direction, so that larger is better; None where there is no value."""
        return None if self.value is None else self.value * self.direction


class Scores(Mapping[str, Score]):
    """Scores by proxy name, in the order in which they were asked for."""

    def __init__(self, scores: Mapping[str, Score]) -> None:
        self._scores = dict(scores)

    def __getitem__(self, name: str) -> Score:
        return self._scores[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._scores)

    def __len__(self) -> int:
        return len(self._scores)

    def __repr__(self) -> str:
        return f"Scores({self._scores!r})"

    @property
    def values_by_name(self) -> dict[str, float | None]:
        """The raw values by name; None where a proxy has none."""
        return {name: score.value for name, score in self.items()}

    @property
    def seconds(self) -> float:
        """Wall time of all proxies together."""
        return sum(score.seconds for score in self.values())
