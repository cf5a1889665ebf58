"""The real engine on a table: the search, pyramid and proposer that train images, with the table in place of training."""

from __future__ import annotations

from collections.abc import Sequence

from ranknosh.bench.account import Tracker, Trajectory
from ranknosh.bench.baselines import DRAWN, starting_rows
from ranknosh.bench.table import Accounting, Table
from ranknosh.budget import Limits
from ranknosh.engine import Promotions, Search
from ranknosh.errors import DataError
from ranknosh.executors.tabular import TabularExecutor
from ranknosh.loop import Silent, StopRequest, drive
from ranknosh.predictors.catalog import make_predictor
from ranknosh.predictors.proposer import PredictorProposer
from ranknosh.pyramid import Pyramid
from ranknosh.records import Observed, Origin, Record, Scored
from ranknosh.seeding import choose
from ranknosh.spaces.base import Architecture

INITIAL = 20
BATCH = 10


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
) -> Trajectory:
    """One search of the table's whole space within ``budget`` epochs.

    Levels are the table's, candidates 0 to ``initial`` - 1 the largest of 100 random architectures (level 0 by number of
    parameters), everything else as in a search on images. Raises DataError where the table lacks a part of its space or
    the parameters, BudgetTooSmall where no candidate fits.
    """
    if len(table) < table.space.size:
        raise DataError(
            f"the table holds {len(table)} of the {table.space.size} architectures of {table.space.name}; the engine may "
            "propose any of them, so it needs the whole space"
        )
    executor = TabularExecutor(table, seed, accounting)
    pyramid = Pyramid.make(executor.epochs, ratio, initial, batch)
    proposer = PredictorProposer(
        table.space, make_predictor(predictor), pyramid, seeds=_largest(table, seed, initial), seed=seed
    )
    search = Search(
        pyramid, Limits(epochs=budget), proposer, seed=seed, promote=promote, closing=closing, overlap=overlap
    )
    tracker = Tracker(table)

    def note(records: Sequence[Record]) -> None:
        for record in records:
            if isinstance(record, Observed):
                row = table.row(search.pool.candidates[record.candidate_id].architecture)
                tracker.note(row, record.level, record.metric, record.epochs)

    drive(search, executor, write=note, clock=lambda: 0.0, stop=StopRequest(), listener=Silent())
    return tracker.trajectory()


def _largest(table: Table, seed: int, keep: int) -> tuple[tuple[Architecture, Origin, float | None], ...]:
    """Level 0 as in a search: the best of 100 random architectures by a train-free score, here the number of parameters."""
    if table.params is None:
        raise DataError("the table has no params_mb, which starting from the largest architectures needs")
    scored = []
    for row in starting_rows(table, seed)[:DRAWN].tolist():
        architecture = table.architectures[row]
        if not table.space.is_dead(architecture):
            key, text = table.space.canonical(architecture), table.space.format(architecture)
            scored.append(Scored(architecture, key, text, {"params": float(table.params[row])}, 0.0))
    return choose(scored, keep=keep, random_share=0.0, seed=seed)
