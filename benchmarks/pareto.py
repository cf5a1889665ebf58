"""Accuracy against latency on NAS-Bench-201: the hypervolume of the fronts that are found, at equal epochs.

    python -m benchmarks pareto --table nasbench201_cifar10.npz --costs nasbench201_hw_cifar10.npz

Latencies are those of six devices (HW-NAS-Bench, Li et al., ICLR 2021). Every method ends with the front of what it observed
itself; its hypervolume is that of the true values (mean accuracy of the finished trainings, the table's latency) of these
architectures, as a share of that of the true front of the whole table. The reference point is an accuracy of chance, 10 %, and
the largest latency of the device. Architectures without a latency, and dead ones, are left out for everybody.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ranknosh.bench.account import Account
from ranknosh.bench.simulation import play
from ranknosh.core.budget import Limits
from ranknosh.core.constraints import Known
from ranknosh.core.objectives import Objectives
from ranknosh.core.pairs import front
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.ranking import best_first, crowding, fronts, hypervolume, non_dominated
from ranknosh.core.records import Costed, Origin
from ranknosh.core.search import Search
from ranknosh.executors.simulated import SimulatedExecutor
from ranknosh.predictors.making import make_predictor
from ranknosh.predictors.proposer import PredictorProposer
from ranknosh.spaces.base import Architecture
from ranknosh.streams import stream
from ranknosh.tasks.data.table import Table

DEVICES = ("raspi4", "pixel3", "edgegpu", "eyeriss", "fpga", "edgetpu")
INITIAL, BATCH, POPULATION = 20, 10, 20
OBJECTIVES = Objectives("accuracy", ["latency"])


@dataclass(frozen=True)
class Device:
    """A table, and the latency (n,) of every row on one device, infinite where there is none or the cell is dead."""

    table: Table
    name: str
    latency: NDArray[np.float64]

    @cached_property
    def usable(self) -> NDArray[np.int64]:
        """Rows that may be chosen."""
        return np.flatnonzero(np.isfinite(self.latency))

    @cached_property
    def truth(self) -> NDArray[np.float64]:
        """(n, 2) accuracy and negated latency, higher is better."""
        return np.column_stack([self.table.truth, -self.latency])

    @cached_property
    def reference(self) -> NDArray[np.float64]:
        return np.array([0.1, -1.0001 * self.latency[self.usable].max()])

    @cached_property
    def largest(self) -> float:
        """The hypervolume of the true front."""
        return hypervolume(self.truth[self.usable], self.reference)

    def share(self, rows: Sequence[int]) -> float:
        """The hypervolume of some rows' true values, as a share of the largest."""
        return hypervolume(self.truth[list(rows)], self.reference) / self.largest


class TableCosts:
    """The latencies as :class:`ranknosh.core.constraints.Costs`."""

    def __init__(self, device: Device) -> None:
        self._table, self._latency = device.table, device.latency
        self._whole: tuple[Sequence[Architecture], NDArray[np.float64]] = (), np.empty((0, 1))

    def of(self, architecture: Architecture) -> Mapping[str, float]:
        return {"latency": float(self._latency[self._table.row(architecture)])}

    def feasible(self, architecture: Architecture) -> bool:
        return bool(np.isfinite(self._latency[self._table.row(architecture)]))

    def estimates(
        self, architectures: Sequence[Architecture], names: Sequence[str], known: Known
    ) -> NDArray[np.float64]:
        if self._whole[0] is not architectures:
            found = self._latency[[self._table.row(one) for one in architectures]][:, None]
            if len(architectures) < len(self._table):
                return found
            self._whole = architectures, found
        return self._whole[1].copy()

    def take(self) -> tuple[Costed, ...]:
        return ()


Found = Callable[[Account, Device], Sequence[int]]
"""A method: spends an account and returns the rows of its front."""


def engine(account: Account, device: Device) -> list[int]:
    """The search of this package: fronts keep levels, and the predictor proposes what would enlarge the front most."""
    table, space = account.table, account.table.space
    drawn = stream(account.seed, "pareto rows").permutation(device.usable)[:INITIAL]
    seeds: list[tuple[Architecture, Origin, float | None]] = [
        (table.architectures[row], "random", None) for row in drawn
    ]
    pyramid = Pyramid.make(account.epochs[:LEVELS], "auto", INITIAL, BATCH)
    proposer = PredictorProposer(
        space,
        make_predictor(PREDICTOR),
        pyramid,
        seeds=seeds,
        seed=account.seed,
        costs=TableCosts(device),
        objectives=OBJECTIVES,
        exploration=EXPLORATION,
    )
    pool = Pool(objectives=OBJECTIVES)
    search = Search(pyramid, Limits(epochs=account.budget), proposer, Rules(), seed=account.seed, pool=pool)
    play(search, SimulatedExecutor(account.train))
    return [table.row(candidate.architecture) for candidate in front(pool, pyramid.levels)]


PREDICTOR, EXPLORATION, LEVELS = "kernel", 0.1, 1


def observed_front(device: Device, seen: Mapping[int, float]) -> list[int]:
    """The rows that no other one dominates, by accuracies of one level and latencies."""
    rows = list(seen)
    points = np.column_stack([list(seen.values()), -device.latency[rows]])
    return [rows[place] for place in np.flatnonzero(non_dominated(points))]


def random_search(account: Account, device: Device, level: int = 1) -> list[int]:
    """Rows drawn uniformly, each trained to ``level`` once."""
    seen: dict[int, float] = {}
    for row in stream(account.seed, "pareto rows").permutation(device.usable).tolist():
        value = account.ask(row, level)
        if value is None:
            break
        seen[row] = value
    return observed_front(device, seen)


def nsga2(account: Account, device: Device, level: int = 1) -> list[int]:
    """NSGA-II (Deb et al., IEEE TEVC 2002) on results of one level; an architecture is trained once.

    Parents win binary tournaments by front and crowding; children are uniform crossovers (chance 0.9), of which every slot
    mutates with a chance of one over their number. The next population is the best of parents and children. A child that is
    known already is mutated until it is new.
    """
    table, rng = account.table, stream(account.seed, "nsga2")
    usable = set(device.usable.tolist())
    population = stream(account.seed, "pareto rows").permutation(device.usable)[:POPULATION].tolist()
    seen: dict[int, float] = {}
    while True:
        for row in population:
            if row not in seen:
                value = account.ask(row, level)
                if value is None:
                    return observed_front(device, seen)
                seen[row] = value
        points = np.column_stack([[seen[row] for row in population], -device.latency[population]])
        kept = [population[place] for place in best_first(points)[:POPULATION]]
        points = np.column_stack([[seen[row] for row in kept], -device.latency[kept]])
        ranks = fronts(points)
        lonely = crowding(points, ranks)
        children: list[int] = []
        while len(children) < POPULATION:
            parents = [_winner(ranks, lonely, rng) for _ in range(2)]
            codes = [table.architectures[kept[place]].code for place in parents]
            children.append(_child(table, codes, usable, {*seen, *children}, rng))
        population = [*kept, *children]


def _winner(ranks: NDArray[np.int64], lonely: NDArray[np.float64], rng: np.random.Generator) -> int:
    one, other = rng.choice(len(ranks), 2, replace=False).tolist()
    return one if (ranks[one], -lonely[one]) <= (ranks[other], -lonely[other]) else other


def _child(
    table: Table, parents: Sequence[Sequence[int]], usable: set[int], known: set[int], rng: np.random.Generator
) -> int:
    counts = table.space.counts
    crossed = rng.random() < 0.9
    code = [parents[int(rng.integers(2)) if crossed else 0][slot] for slot in range(len(counts))]
    while True:
        code = [
            int(rng.integers(n)) if rng.random() < 1 / len(counts) else old for old, n in zip(code, counts, strict=True)
        ]
        row = table.row(Architecture(table.space.name, tuple(code)))
        if row in usable and row not in known:
            return row


METHODS: dict[str, Found] = {
    "ranknosh": engine,
    "nsga2": nsga2,
    "random": random_search,
    "nsga2_full": lambda account, device: nsga2(account, device, len(account.epochs)),
    "random_full": lambda account, device: random_search(account, device, len(account.epochs)),
}
"""nsga2 and random see results of the lowest level, 12 epochs; ``_full`` those of whole trainings."""


def devices(table: Table, path: Path, names: Sequence[str]) -> list[Device]:
    with np.load(path) as file:
        texts = [text.decode() for text in file["arch"].tolist()]
        columns = {name: file[f"{name}_latency"].astype(np.float64) for name in names}
    rows = [table.row(table.space.parse(text)) for text in texts]
    dead = np.array([table.space.is_dead(one) for one in table.architectures])
    found = []
    for name, column in columns.items():
        latency = np.full(len(table), np.inf)
        latency[rows] = np.where(column > 0, column, np.inf)
        found.append(Device(table, name, np.where(dead, np.inf, latency)))
    return found


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half the width of its 95 % interval."""
    array = np.array(values)
    if len(array) < 2:
        return float(array.mean()), float("nan")
    return float(array.mean()), float(stats.t.ppf(0.975, len(array) - 1) * array.std(ddof=1) / np.sqrt(len(array)))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks pareto", description=__doc__)
    parser.add_argument("--table", required=True, type=Path)
    parser.add_argument("--costs", required=True, type=Path)
    parser.add_argument("--budget", type=int, default=2000, help="epochs of every search")
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--devices", default=",".join(DEVICES))
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--out", type=Path, help="a JSON file of every share")
    given = parser.parse_args(arguments)
    table = Table.load(given.table)
    shares: dict[str, dict[str, list[float]]] = {}
    methods = given.methods.split(",")
    print(f"| device | {' | '.join(methods)} |\n|---|{'---|' * len(methods)}", flush=True)
    for device in devices(table, given.costs, given.devices.split(",")):
        began, mine = time.perf_counter(), shares.setdefault(device.name, {})
        for name in methods:
            found = [METHODS[name](Account(table, seed, given.budget), device) for seed in range(given.repeats)]
            mine[name] = [100 * device.share(rows) for rows in found]
            print(
                name,
                interval(mine[name]),
                round(time.perf_counter() - began),
                file=sys.stderr,
                flush=True,
            )
        cells = [f"{mean:.2f} ± {half:.2f}" for mean, half in (interval(mine[name]) for name in methods)]
        print(f"| {device.name} | {' | '.join(cells)} |", flush=True)
        if given.out is not None:
            given.out.write_text(json.dumps(shares))


if __name__ == "__main__":
    main()
