"""Stopping when the order of the learnable operations no longer changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ranknosh.spaces.relaxed import Relaxed
from supernet.part import Composition, Part, Running, Stop
from supernet.report import EpochReport

Ranking = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class RankingStable(Part):
    """Stops when on no edge the order of the learnable operations' weights has changed for ``patience`` epochs (DARTS+,
    Liang et al., arXiv 1909.06035, criterion 1*).

    Learnable are all operations but ``none``, ``noise``, skip connections and poolings. Epochs that train weights only
    are not counted.
    """

    patience: int = 10

    def describe(self) -> str:
        return f"stop after {self.patience} equal rankings"

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        if any(len(learnable(names)) > 1 for edges in space.candidates.values() for names in edges):
            return None
        return f"no edge of {space.name} has two learnable operations, so there is no ranking of them"

    def after_epoch(self, search: Running, report: EpochReport) -> Stop | None:
        # ``patience`` epochs without a change are ``patience + 1`` equal reports.
        recent = [r for r in search.history[-(self.patience + 1) :] if r.alphas_loss is not None]
        if len(recent) <= self.patience or len({rankings(search.space, r) for r in recent}) > 1:
            return None
        return Stop(report.epoch, f"the order of the learnable operations has not changed in {self.patience} epochs")


def learnable(names: tuple[str, ...]) -> list[int]:
    """Places of the operations of an edge that have weights at every position of a network."""
    return [p for p, name in enumerate(names) if name not in ("none", "noise", "skip_connect") and "pool" not in name]


def rankings(space: Relaxed, report: EpochReport) -> Ranking:
    """The learnable operations of every edge of every kind, the largest weight first; ties by place."""
    return tuple(
        _ordered(learnable(names), row)
        for kind in space.kinds
        for names, row in zip(space.candidates[kind], report.theta[kind], strict=True)
    )


def _ordered(places: list[int], row: Sequence[float]) -> tuple[int, ...]:
    return tuple(sorted(places, key=lambda place: -row[place]))
