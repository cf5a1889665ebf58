"""Level 0 on a table: which architectures a search starts from, and what it knows of them before any training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ranknosh.bench.baselines import DRAWN, starting_rows
from ranknosh.bench.scores import TableScores
from ranknosh.core.records import Origin, Scored
from ranknosh.core.seeding import Combine, choose
from ranknosh.data.table import Table
from ranknosh.errors import DataError
from ranknosh.predictors.level_zero import LevelZero
from ranknosh.spaces.base import Architecture


@dataclass(frozen=True)
class Seeding:
    """Where the initial candidates come from: the first ``drawn`` of ``starting_rows``, the dead ones left out.

    by: "largest" takes those with most parameters, "random" draws uniformly, scores take the best by their proxies together.
    combine, random_share, follow: as in the configuration of a search (``seeding``), but that none is left to chance unless
    asked for.
    """

    by: Literal["largest", "random"] | TableScores = "largest"
    combine: Combine = "rank_mean"
    random_share: float = 0.0
    follow: float = 0.0
    drawn: int = DRAWN

    def scored(self, table: Table, seed: int) -> list[Scored]:
        """The drawn architectures, the same ones for every way of seeding, with the values that they are chosen by.

        Raises DataError where the largest are asked for and the table has no parameters.
        """
        values, scored = self._values(table), []
        for row in starting_rows(table, seed)[: self.drawn].tolist():
            architecture = table.architectures[row]
            if not table.space.is_dead(architecture):
                key, text = table.space.canonical(architecture), table.space.format(architecture)
                scored.append(Scored(architecture, key, text, values(row), 0.0))
        return scored

    def chosen(self, table: Table, seed: int, keep: int) -> tuple[tuple[Architecture, Origin, float | None], ...]:
        """The candidates of batch 0, see :func:`ranknosh.core.seeding.choose`.

        Args:
            table: the architectures.
            seed: of the draw.
            keep: how many; fewer come where fewer of those drawn are distinct.
        """
        return choose(
            self.scored(table, seed),
            keep=keep,
            random_share=self.random_share,
            seed=seed,
            directions=self._directions,
            combine=self.combine,
        )

    def level_zero(self, table: Table, seed: int) -> LevelZero | None:
        """What later candidates may follow; None where none is to, or nothing is known to go by."""
        if self.follow == 0 or self.by == "random":
            return None
        from ranknosh.training.proxies import proxy_weights

        scored = self.scored(table, seed)
        return LevelZero(scored, self._directions, proxy_weights, combine=self.combine, seed=seed)

    @property
    def _directions(self) -> dict[str, int]:
        return dict(self.by.directions) if isinstance(self.by, TableScores) else {"params": 1}

    def _values(self, table: Table) -> Callable[[int], dict[str, float | None]]:
        if isinstance(self.by, TableScores):
            return self.by.of
        if self.by == "random":
            return lambda row: {}
        params = table.params
        if params is None:
            raise DataError("the table has no params_mb, which starting from the largest architectures needs")
        return lambda row: {"params": float(params[row])}
