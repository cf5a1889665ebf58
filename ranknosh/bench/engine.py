"""The real engine on a table: the search, pyramid and proposer that train images, with the table in place of training."""

from __future__ import annotations

from collections.abc import Sequence

from ranknosh.bench.account import BestSoFar, Trajectory
from ranknosh.bench.seeding import Seeding
from ranknosh.core.budget import Limits
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import Observed, Record
from ranknosh.core.rules import Promotions, Rules
from ranknosh.core.search import Search
from ranknosh.data.table import Accounting, Table
from ranknosh.errors import DataError
from ranknosh.executors.tabular import TabularExecutor
from ranknosh.predictors.catalog import make_predictor
from ranknosh.predictors.proposer import PredictorProposer
from ranknosh.runs.stop import StopRequest
from ranknosh.workflows.search.loop import drive

INITIAL = 20
BATCH = 10
LARGEST = Seeding()


def run_engine(
    table: Table,
    budget: int,
    seed: int,
    accounting: Accounting = "resume",
    *,
    predictor: str = "kernel",
    promote: Promotions = "observed",
    closing: float = 0.0,
    ratio: str | float = "auto",
    initial: int = INITIAL,
    batch: int = BATCH,
    overlap: int = 1,
    seeding: Seeding = LARGEST,
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
        ratio: see ``pyramid.ratio``.
        initial: candidates of batch 0.
        batch: of each later one.
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
    pyramid = Pyramid.make(executor.epochs, ratio, initial, batch)
    proposer = PredictorProposer(
        table.space,
        make_predictor(predictor),
        pyramid,
        seeds=seeding.chosen(table, seed, initial),
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
