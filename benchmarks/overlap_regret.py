"""What batches in flight cost a search in quality: regret on the NAS-Bench-201 table with pyramid.overlap 1, 2 and 4.

    python -m benchmarks overlap_regret --table FILE [--repeats 50] [--seed 700]

The engine as in ``bench run``, one worker and no time: overlap changes only how much a proposal knows. Skipped without a table.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from ranknosh.bench.account import Account
from ranknosh.bench.methods import ENGINES, engine
from ranknosh.tasks.data.table import Table

POINTS = (1000, 2000, 4000)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, help="an npz file in the layout of ranknosh.tasks.data.table")
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--seed", type=int, default=700)
    options = parser.parse_args(arguments)
    if options.table is None:
        print("skipped: give --table FILE")
        return
    table = Table.load(options.table)
    print(f"regret after {', '.join(map(str, POINTS))} epochs, mean ± standard error of {options.repeats} runs")
    for name in ("ranknosh_observed", "ranknosh"):
        for overlap in (1, 2, 4):
            began = perf_counter()
            regret = []
            for seed in range(options.seed, options.seed + options.repeats):
                account = Account(table, seed, POINTS[-1])
                engine(account, [*ENGINES[name], "seeding.random_share=0.0", f"pyramid.overlap={overlap}"])
                trajectory = account.trajectory()
                regret.append([trajectory.regret_at(point) for point in POINTS])
            mean, error = np.mean(regret, axis=0), np.std(regret, axis=0, ddof=1) / np.sqrt(len(regret))
            text = "   ".join(f"{m:.3f} ± {e:.3f}" for m, e in zip(mean, error, strict=True))
            print(f"{name:18} overlap {overlap}: {text}   ({perf_counter() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
