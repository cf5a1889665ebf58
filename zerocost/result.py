"""What a call of :func:`zerocost.score` gives back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Direction: TypeAlias = Literal[1, -1]


@dataclass(frozen=True, slots=True)
class Score:
    """One proxy of one network.

    ``value`` is always finite, or None where the proxy does not apply; then ``reason`` says why. ``direction`` is +1 where
    a larger value means a better network, -1 where a smaller one does. ``seconds`` is the wall time of this proxy: its own
    work plus an equal share of the passes it had in common with others.
    """

    value: float | None
    direction: Direction
    seconds: float
    reason: str | None = None

    @property
    def oriented(self) -> float | None:
        """The value turned so that larger is better."""
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
        """The raw values, None where a proxy gave a reason."""
        return {name: score.value for name, score in self.items()}

    @property
    def seconds(self) -> float:
        """Wall time of all proxies together."""
        return sum(score.seconds for score in self.values())
