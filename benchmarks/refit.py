"""One refit and one scoring of the whole NAS-Bench-201 space, on one thread.

    python -m benchmarks refit [--members 200] [--predictors linear kernel staged gbdt gin]

The members are random cells of a formula's table with the evidence of a (12, 200) pyramid. Timed after a first, untimed
round on the same space, as in a search: fit, then the mean scores of all 15,625 cells, then one posterior draw of each. Times
are processor seconds, which on one thread are those of a core that nobody else uses.
Goals at 200 members: fit and scores below 1 s for linear, kernel, staged and gbdt, below 5 s for gin.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy reads them

import argparse
import sys
from collections.abc import Sequence
from time import process_time

from benchmarks.synthetic import synthetic_table
from ranknosh.bench.account import Account
from ranknosh.bench.simulation import Listed, play
from ranknosh.core.budget import Limits
from ranknosh.core.pairs import Evidence, evidence
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.search import Search
from ranknosh.core.seeding import draw
from ranknosh.errors import MissingDependency
from ranknosh.executors.simulated import SimulatedExecutor
from ranknosh.predictors.candidates import whole
from ranknosh.predictors.making import make_predictor
from ranknosh.tasks.data.table import Table

GOALS = {"linear": 1.0, "kernel": 1.0, "staged": 1.0, "gbdt": 1.0, "gin": 5.0}


def observed(table: Table, members: int) -> Evidence:
    """What a search over random cells knows once it has ``members`` of them."""
    pyramid = Pyramid.make(table.epochs, "auto", initial=20, batch=10)
    proposer = Listed(table.space, draw(table.space, members, seed=1))
    search = Search(pyramid, Limits(), proposer, Rules(candidates=members), seed=1)
    play(search, SimulatedExecutor(Account(table, seed=1).train))
    return evidence(search.pool, pyramid)


def timed(name: str, table: Table, members: int) -> tuple[float, float, float]:
    """Processor seconds of (fit, scores, draw) with ``members`` observations."""
    everyone = whole(table.space)
    predictor = make_predictor(name)
    seconds = (0.0, 0.0, 0.0)
    for known in (observed(table, max(members // 2, 8)), observed(table, members)):
        rows = [everyone.place[candidate.architecture] for candidate in known.members]
        marks = [process_time()]
        predictor.fit(everyone.encodings.take(rows), known, seed=0)
        marks.append(process_time())
        predictor.score(everyone.encodings)
        marks.append(process_time())
        predictor.draws(everyone.encodings, [0])
        marks.append(process_time())
        seconds = (marks[1] - marks[0], marks[2] - marks[1], marks[3] - marks[2])
    return seconds


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--predictors", nargs="+", default=list(GOALS))
    options = parser.parse_args(arguments)
    _one_thread()
    table = synthetic_table()
    print(f"{options.members} members, {len(table)} cells scored, one thread, processor seconds")
    print(f"{'predictor':12} {'fit s':>8} {'score s':>8} {'draw s':>8} {'fit + score':>12}  goal")
    for name in options.predictors:
        try:
            fit, score, draws = timed(name, table, options.members)
        except MissingDependency as error:
            print(f"{name:12} {error}")
            continue
        goal = GOALS.get(name)
        verdict = "" if goal is None else f"< {goal:g} s {'met' if fit + score < goal else 'MISSED'}"
        print(f"{name:12} {fit:8.3f} {score:8.3f} {draws:8.3f} {fit + score:12.3f}  {verdict}")


def _one_thread() -> None:
    """The environment does it for what is imported later; torch, once imported, wants to be told."""
    torch = sys.modules.get("torch")
    if torch:
        torch.set_num_threads(1)


if __name__ == "__main__":
    main()
