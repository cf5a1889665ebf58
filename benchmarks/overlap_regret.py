"""What batches in flight cost a search in quality: regret on the NAS-Bench-201 table with pyramid.overlap 1, 2 and 4.

    python -m benchmarks overlap_regret --table FILE [--repeats 50] [--seed 700]

The engine as in ``bench run``, one worker and no time: overlap changes only how much a proposal knows. Skipped without a table.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ranknosh.bench.engine import run_engine
from ranknosh.data.table import Table

POINTS = (1000, 2000, 4000)
METHODS: dict[str, dict[str, Any]] = {
    "ranknosh_observed": {"predictor": "kernel"},
    "ranknosh": {"predictor": "staged", "promote": "predicted", "closing": 0.1},
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, help="an npz file in the layout of ranknosh.data.table")
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--seed", type=int, default=700)
    options = parser.parse_args(arguments)
    if options.table is None:
        print("skipped: give --table FILE")
        return
    table = Table.load(options.table)
    print(f"regret after {', '.join(map(str, POINTS))} epochs, mean ± standard error of {options.repeats} runs")
    for name, settings in METHODS.items():
        for overlap in (1, 2, 4):
            began = perf_counter()
            regret = []
            for seed in range(options.seed, options.seed + options.repeats):
                trajectory = run_engine(table, POINTS[-1], seed, overlap=overlap, **settings)
                regret.append([trajectory.regret_at(point) for point in POINTS])
            mean, error = np.mean(regret, axis=0), np.std(regret, axis=0, ddof=1) / np.sqrt(len(regret))
            text = "   ".join(f"{m:.3f} ± {e:.3f}" for m, e in zip(mean, error, strict=True))
            print(f"{name:18} overlap {overlap}: {text}   ({perf_counter() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
