"""What level 0 is worth: regret on the NAS-Bench-201 table from random, from the largest and from the best cells by proxies.

    python -m benchmarks seeding_regret --table FILE --scores FILE [--proxies a,b] [--repeats 200] [--seed 0] [--json OUT]

All rows start from 20 of the same 100 random cells and differ in nothing but how these are chosen: at random (unseeded), those
with most parameters (largest), or the best by proxies but for a share drawn at random (see ``ranknosh.bench.methods``); follow
may also draw later candidates by level 0, its proxies weighed by the results so far; wide draws 1,000 cells (asked for with
``--forms`` only). ``--scores`` is a file that ``ranknosh score nasbench201 --all --csv scores.csv`` wrote; without it only the
rows that need no proxies are run. Skipped without a table.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from ranknosh.bench.rows import At, MethodRow, To
from ranknosh.bench.run import run_bench
from ranknosh.bench.scores import PROXIES

CHECKPOINTS = (500, 1000, 2000)
PLAIN = {"unseeded": "{}_unseeded", "largest": "{}"}
SCORED = {form: f"{{}}_{form}" for form in ("proxies", "proxies_only", "proxies_half", "proxies_follow")}
WIDE = {form: f"{{}}_{form}" for form in ("proxies_wide", "proxies_wide_follow")}
FORMS = {**PLAIN, **SCORED, **WIDE}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, help="an npz file in the layout of ranknosh.tasks.data.table")
    parser.add_argument("--scores", type=Path, help="a csv file in the layout of ranknosh.bench.scores")
    parser.add_argument("--proxies", default=",".join(PROXIES), help="columns of --scores, with commas between")
    parser.add_argument("--engines", nargs="+", default=["ranknosh", "ranknosh_observed"])
    parser.add_argument("--forms", nargs="+", choices=FORMS, help="rows of each engine; default: all but wide")
    parser.add_argument("--budget", type=int, default=4000)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if options.table is None:
        print("skipped: give --table FILE")
        return
    began = perf_counter()
    forms = options.forms or (PLAIN if options.scores is None else {**PLAIN, **SCORED})
    rows = run_bench(
        options.table,
        [FORMS[form].format(engine) for engine in options.engines for form in forms],
        options.budget,
        options.repeats,
        options.seed,
        json_out=options.json,
        jobs=options.jobs,
        scores=options.scores,
        proxies=options.proxies.split(","),
        checkpoints=CHECKPOINTS,
    )
    print(f"{options.repeats} repeats, seed {options.seed}, proxies {options.proxies if options.scores else 'none'}")
    print(regret_text(rows))
    print()
    print(epochs_text(rows))
    print(f"{perf_counter() - began:.0f} s in all")


def regret_text(rows: Sequence[MethodRow]) -> str:
    head = f"{'regret in points, mean ± standard error':42}" + "".join(f"{at.epochs:>9} epochs" for at in rows[0].at)
    return "\n".join([head, *(f"{row.method:42}" + "".join(f"{_regret(at):>16}" for at in row.at) for row in rows)])


def epochs_text(rows: Sequence[MethodRow]) -> str:
    head = f"{'epochs to a mean regret of (90 % interval)':42}" + "".join(f"{to.target:>18g}" for to in rows[0].to)
    return "\n".join([head, *(f"{row.method:42}" + "".join(f"{_epochs(to):>18}" for to in row.to) for row in rows)])


def _regret(at: At) -> str:
    if at.mean is None:
        return "n/a"
    return f"{at.mean:.3f} ± {at.standard_error:.3f}" if at.standard_error is not None else f"{at.mean:.3f}"


def _epochs(to: To) -> str:
    if to.epochs is None and to.low is None:
        return "never"
    words = ["never" if epochs is None else str(epochs) for epochs in (to.epochs, to.low, to.high)]
    return f"{words[0]} ({words[1]}-{words[2]})"


if __name__ == "__main__":
    main()
