"""The real engine on a table: the search, pyramid and proposer that train images, with the table in place of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ranknosh.bench.account import BestSoFar, Trajectory
from ranknosh.bench.baselines import DRAWN, params_of, starting_rows
from ranknosh.bench.scores import TableScores
from ranknosh.core.budget import Limits
from ranknosh.core.pyramid import Promotions, Pyramid, Rules
from ranknosh.core.records import Observed, Origin, Record, Scored
from ranknosh.core.search import Search
from ranknosh.core.seeding import Combine, LevelZero
from ranknosh.data.table import Accounting, Table
from ranknosh.errors import DataError
from ranknosh.executors.tabular import TabularExecutor
from ranknosh.predictors.catalog import make_predictor
from ranknosh.predictors.proposer import PredictorProposer
from ranknosh.runs.stop import StopRequest
from ranknosh.spaces.base import Architecture
from ranknosh.workflows.search.loop import drive

INITIAL, BATCH = 20, 10
"""Candidates of batch 0 and of each later one."""


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

    def scores(self, table: Table) -> TableScores:
        """What architectures are chosen by. Raises DataError for the largest of a table without parameters."""
        if isinstance(self.by, TableScores):
            return self.by
        values = {"params": params_of(table).astype(float)} if self.by == "largest" else {}
        return TableScores(values, {"params": 1})

    def scored(self, table: Table, seed: int) -> list[Scored]:
        """The drawn architectures, the same ones for every way of seeding, with the values that they are chosen by."""
        scores, space, scored = self.scores(table), table.space, []
        for row in starting_rows(table, seed)[: self.drawn].tolist():
            one = table.architectures[row]
            if not space.is_dead(one):
                scored.append(Scored(one, space.canonical(one), space.format(one), scores.of(row), 0.0))
        return scored

    def chosen(self, table: Table, seed: int, keep: int) -> tuple[tuple[Architecture, Origin, float | None], ...]:
        """The candidates of batch 0, see :meth:`ranknosh.core.seeding.LevelZero.choose`.

        Args:
            table: the architectures.
            seed: of the draw.
            keep: how many; fewer come where fewer of those drawn are distinct.
        """
        scored, directions = self.scored(table, seed), self.scores(table).directions
        return LevelZero(scored, directions, combine=self.combine, seed=seed).choose(keep, self.random_share)

    def level_zero(self, table: Table, seed: int) -> LevelZero | None:
        """What later candidates may follow; None where none is to, or nothing is known to go by."""
        if self.follow == 0 or self.by == "random":
            return None
        from ranknosh.training.proxies import proxy_weights

        scored, directions = self.scored(table, seed), self.scores(table).directions
        return LevelZero(scored, directions, proxy_weights, combine=self.combine, seed=seed)


def run_engine(
    table: Table,
    budget: int,
    seed: int,
    accounting: Accounting = "resume",
    *,
    predictor: str = "kernel",
    promote: Promotions = "observed",
    closing: float = 0.0,
    overlap: int = 1,
    seeding: Seeding = Seeding(),
) -> Trajectory:
    """One search of a table's whole space. Levels are the table's, everything else is as in a search on images.

    Args:
        table: of finished trainings.
        budget: epochs.
        seed: of the search, and of which training of the table each architecture shows.
        accounting: see :meth:`ranknosh.data.table.Table.schedule`.
        predictor: its name.
        promote: see ``pyramid.promote`` of a config.
        closing: see ``pyramid.closing``.
        overlap: see ``pyramid.overlap``.
        seeding: where the candidates of batch 0 come from.

    Raises:
        DataError: where the table lacks a part of its space or the parameters.
        BudgetTooSmall: where no candidate fits.
    """
    if len(table) < table.space.size:
        raise DataError(
            f"the table holds {len(table)} of the {table.space.size} architectures of {table.space.name}; the engine may "
            "propose any of them, so it needs the whole space"
        )
    executor = TabularExecutor(table, seed, accounting)
    pyramid = Pyramid.make(executor.epochs, "auto", INITIAL, BATCH)
    proposer = PredictorProposer(
        table.space,
        make_predictor(predictor),
        pyramid,
        seeds=seeding.chosen(table, seed, INITIAL),
        seed=seed,
        level_zero=seeding.level_zero(table, seed),
        follow=seeding.follow,
    )
    rules = Rules(promote=promote, closing=closing, overlap=overlap)
    search = Search(pyramid, Limits(epochs=budget), proposer, rules, seed=seed)
    tracker = BestSoFar(table)

    def note(records: Sequence[Record]) -> None:
        for record in records:
            if isinstance(record, Observed):
                row = table.row(search.pool.candidates[record.candidate_id].architecture)
                tracker.note(row, record.level, record.metric, record.epochs)

    drive(search, executor, write=note, clock=lambda: 0.0, stop=StopRequest())
    return tracker.trajectory()
