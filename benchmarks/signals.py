"""What ``pyramid.signal: auto`` makes of real curves: which signal ranks each level, and what that does to the winner.

    python -m benchmarks signals --curves FILE [--levels 3,10,25,50] [--repeats 50] [--json OUT]

FILE is an npz with ``train_loss`` (n, E) and either ``validation_loss`` of that shape, as NAS-Bench-NLP has, or a table of
:mod:`ranknosh.tasks.data.table`, of which the first seed is read. Its rows are the candidates of searches by the engine, drawn
at random and promoted by each rule: so nothing but the ranking of levels differs, and what is seen of a level above is what the
promotions before let through. Skipped without a file.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranknosh.bench.simulation import Listed, play
from ranknosh.core.budget import Limits
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules, SignalRule
from ranknosh.core.records import EpochPoint, Job, Observed, Promotion
from ranknosh.core.search import Search
from ranknosh.core.signals import SignalStanding, standing
from ranknosh.executors.simulated import SimulatedExecutor
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.parameters import choice
from ranknosh.streams import stream

RULES: tuple[SignalRule, ...] = ("validation", "auto", "mean", "ema", "train_loss", "combined")


class Curves(NamedTuple):
    """(n, E) each: what ranks, higher is better, and the training loss."""

    metric: NDArray[np.float64]
    train_loss: NDArray[np.float64]


def read(path: Path) -> Curves:
    """The rows of a file whose every epoch is known."""
    with np.load(path) as arrays:
        loss = np.asarray(arrays["train_loss"], dtype=np.float64)
        if "validation_loss" in arrays:
            metric = -np.asarray(arrays["validation_loss"], dtype=np.float64)
        else:
            metric = np.asarray(arrays["validation_accuracy"], dtype=np.float64) / 100
    both = np.stack([values.reshape(*values.shape[:2], -1)[..., 0] for values in (metric, loss)])
    return Curves(*both[:, np.isfinite(both).all(axis=(0, 2))])


@cache
def _rows(n: int) -> tuple[FlatSpace, dict[Architecture, int]]:
    """A space, and which of ``n`` rows each of its first architectures stands for."""
    space = FlatSpace({str(digit): choice(list("01234567")) for digit in range(len(f"{n:o}"))}, label="rows")
    return space, {one: row for row, one in enumerate(islice(space.enumerate(), n))}


def searched(curves: Curves, levels: Sequence[int], rule: SignalRule, seed: int = 0) -> Pool:
    """A search of half the rows, drawn at random, whose levels are ranked by a rule."""
    n = len(curves.metric)
    space, known = _rows(n)

    def train(job: Job) -> Observed:
        row, first = known[job.architecture], job.curve_from
        shown = zip(*(values[row, first : job.stop_epoch].tolist() for values in curves), strict=True)
        points = tuple(EpochPoint(epoch, loss, metric, 1.0) for epoch, (metric, loss) in enumerate(shown, first + 1))
        return Observed(job.candidate_id, job.level, points[-1].metric, {}, job.epochs, 1.0 * job.epochs, curve=points)

    everyone = list(known)
    rows = [everyone[row] for row in stream(seed, "rows").permutation(n)]
    pyramid, rules = Pyramid.make(levels, 0.5, 20, 10), Rules(candidates=max(n // 2, 20), signal=rule)
    search = Search(pyramid, Limits(), Listed(space, rows), rules, seed=seed)
    play(search, SimulatedExecutor(train))
    return search.pool


def over_all(curves: Curves, levels: Sequence[int]) -> list[SignalStanding]:
    """What the rule says of each level where every row reaches the one above, so that no promotion chose among them."""
    n = len(curves.metric)
    space, known = _rows(n)
    pool = Pool(Listed(space, known).propose(Pool(), range(n), 0).records)
    for level, (begin, end) in enumerate(zip([0, *levels], levels, strict=False), 1):
        for one in list(pool.candidates.values()):
            if level > 1:
                pool.apply(Promotion(one.id, level))
            metric, loss = (values[one.id, begin:end].tolist() for values in curves)
            points = tuple(EpochPoint(begin + 1 + i, loss[i], metric[i], 1.0) for i in range(end - begin))
            pool.apply(Observed(one.id, level, metric[-1], {}, end - begin, 1.0, curve=points))
    return [standing(pool, level) for level in range(1, len(levels))]


def measured(curves: Curves, levels: Sequence[int], rule: SignalRule, repeats: int) -> dict[str, object]:
    """Over searches of different draws: the share of promotions out of each level by each signal, and how far the winner is
    below the best of what was searched at the last epoch."""
    used: list[Counter[str]] = [Counter() for _ in levels[:-1]]
    known, regret = _rows(len(curves.metric))[1], []
    for seed in range(repeats):
        pool = searched(curves, levels, rule, seed)
        for record in pool.decisions:
            if isinstance(record, Promotion):
                used[record.to_level - 2][record.signal] += 1
        best, end = pool.best(), curves.metric[:, levels[-1] - 1]
        assert best is not None
        everyone = [known[one.architecture] for one in pool.candidates.values()]
        regret.append(float(end[everyone].max() - end[known[best.architecture]]))
    shares = [{name: count / max(each.total(), 1) for name, count in each.items()} for each in used]
    error = float(np.std(regret, ddof=1) / np.sqrt(repeats)) if repeats > 1 else None
    return {"rule": rule, "regret_mean": float(np.mean(regret)), "regret_stderr": error, "shares": shares}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curves", type=Path, help="an npz file of curves")
    parser.add_argument("--levels", default="3,10,25,50")
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if options.curves is None or not options.curves.exists():
        print("skipped: give --curves FILE")
        return
    curves, levels = read(options.curves), [int(level) for level in options.levels.split(",")]
    print(f"{len(curves.metric)} architectures; Kendall's tau with the level above, where all of them reach it")
    for found in over_all(curves, levels):
        taus = "  ".join(f"{name} {tau:.3f}" for name, tau in found.taus.items())
        print(f"level {found.level}: {found.signal} ranks   ({taus}; {found.compared} compared)")
    rows = [measured(curves, levels, rule, options.repeats) for rule in RULES]
    print(f"{options.repeats} searches of half of them: regret of the winner, and what ranked each level")
    for row in rows:
        error = "" if row["regret_stderr"] is None else f" ± {row['regret_stderr']:.4f}"
        shares = row["shares"] if row["rule"] == "auto" else ""
        print(f"{row['rule']!s:12} {row['regret_mean']:.4f}{error}   {shares}")
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
