"""Regret of the engine and its baselines on a table of finished trainings.

python -m benchmarks table_regret --table nasbench201_cifar10.npz [--budget 4000] [--repeats 100] [--json OUT]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from ranknosh.bench.methods import METHODS, SCORED
from ranknosh.bench.rows import format_rows
from ranknosh.bench.run import run_bench

USUAL = Path(__file__).parents[2] / "shared" / "data" / "nasbench201_cifar10.npz"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, default=USUAL)
    parser.add_argument("--methods", nargs="+", default=[name for name in METHODS if name not in SCORED])
    parser.add_argument("--budget", type=int, default=4000)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--accounting", choices=("resume", "scratch"), default="resume")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if not options.table.exists():
        print(f"no table at {options.table}; give one with --table")
        return
    began = perf_counter()
    rows = run_bench(
        options.table,
        options.methods,
        options.budget,
        options.repeats,
        options.seed,
        options.accounting,
        json_out=options.json,
        jobs=options.jobs,
    )
    print(format_rows(rows))
    print(f"{options.accounting} accounting, seed {options.seed}, {perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
