"""Baselines on a table: what a search must beat to have earned its place."""

import numpy as np
from numpy.typing import NDArray

from ranknosh.bench.account import Account
from ranknosh.errors import DataError
from ranknosh.streams import stream
from ranknosh.tasks.data.table import Table

DRAWN = 100
INITIAL = 20
PARENTS = 5
PROMOTE_EVERY = 20


def starting_rows(table: Table, seed: int) -> NDArray[np.int64]:
    """All rows in an order drawn uniformly: methods started with one seed begin from the same architectures."""
    return stream(seed, "bench rows").permutation(len(table))


def params_of(table: Table) -> NDArray[np.float64]:
    """Number of weights by row. Raises DataError where the table has none."""
    if "params" not in table.costs:
        raise DataError("the table has no params, which starting from the largest architectures needs")
    return table.costs["params"]


def random_search(account: Account) -> None:
    """Full trainings of architectures drawn uniformly, each once."""
    top = len(account.table.epochs)
    for row in starting_rows(account.table, account.seed).tolist():
        if account.ask(row, top) is None:
            return


def low_fidelity_evolution(account: Account, *, by_size: bool = False) -> None:
    """Plain evolution on level-1 values, with the best 1 in 20 promoted to the top.

    Every architecture after the first 20 is a neighbour, one edit away and not seen before, of one of the 5 best so far at
    level 1 (drawn uniformly from all pairs of parent and new neighbour). After every 20th the best one at level 1 that was not
    promoted yet is trained to the top level.

    Args:
        account: pays; its seed is that of every draw.
        by_size: start from the 20 with most parameters of 100 random ones, instead of 20 random ones.
    """
    table, rng = account.table, stream(account.seed, "bench evolution")
    start = starting_rows(table, account.seed)
    if by_size:  # equal ones stay in order
        start = start[:DRAWN][np.argsort(-params_of(table)[start[:DRAWN]], kind="stable")]
    queue = start[:INITIAL].tolist()
    seen: dict[int, float] = {}
    promoted: set[int] = set()
    while True:
        row = queue[len(seen)] if len(seen) < len(queue) else _child(table, seen, rng)
        if row is None:
            return
        value = account.ask(row, 1)
        if value is None:
            return
        seen[row] = value
        if len(seen) % PROMOTE_EVERY == 0:
            best = max((known for known in seen if known not in promoted), key=lambda known: seen[known])
            if account.ask(best, len(table.epochs)) is None:
                return
            promoted.add(best)


def _child(table: Table, seen: dict[int, float], rng: np.random.Generator) -> int | None:
    """The row of a new neighbour of one of the best; of any new row where they have none; None where all were seen."""
    parents = sorted(seen, key=lambda row: -seen[row])[:PARENTS]
    fresh = [row for parent in parents for row in table.neighbours(parent) if row not in seen]
    fresh = fresh or [row for row in range(len(table)) if row not in seen]
    return fresh[int(rng.integers(len(fresh)))] if fresh else None
