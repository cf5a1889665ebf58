"""``python -m benchmarks [NAME [OPTIONS]]``: list the benchmarks, or run one (``all``: every one, with its defaults)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from ranknosh.errors import RankNoshError

BENCHMARKS = {
    "overhead": "jobs the engine decides a second at 1,000 candidates",
    "scale": "engine time a decision and utilisation, 1 to 512 simulated workers",
    "refit": "one refit and scoring of 15,625 cells, per predictor",
    "table_regret": "regret on the NAS-Bench-201 table, beside the baselines",
    "seeding_regret": "what starting from train-free scores is worth in epochs (needs --table)",
    "overlap_regret": "what batches in flight cost in regret (needs --table)",
    "proposals": "proposals in a space of 1e18 codes against evolution and random search (minutes)",
    "proxy_throughput": "seven proxies in one call against one run each",
    "pareto": "accuracy against latency on a table: hypervolume of what is found, beside NSGA-II (needs --table and --costs)",
    "proxy_correlation": "every proxy against the accuracies of a table (needs --scores)",
    "supernet_step": "one first-order step of a supernet against the plain formula, and its peak memory",
    "supernet_cells": "which cells the supernet methods find on real images (hours; needs --data, --table, --out)",
    "ray_jobs": "overhead of the Ray executor and how busy two workers are",
    "chaos": "20 searches on a cluster of three nodes while things are killed (half an hour)",
    "kills": "a small run of every kind, killed ten times and resumed, against one left in peace (minutes)",
    "reliability": "what kill -9 and several workers do to a search, beside Ray Tune, Optuna and NePS (minutes)",
    "damage": "what a run notices of flipped bits, lost lines and swapped checkpoints",
    "memory": "how the memory of a search grows over 2,000 trainings (minutes)",
    "pictures": "the pictures of docs/pyramid.md, of a search on trainings that a formula stands for (seconds)",
    "screenshot": "the picture of a report in README (needs a run folder and Chromium)",
    "head_to_head": "RankNOSH, Optuna and Ray Tune on the demo, with equal epochs (trains for half an hour)",
    "signals": "what pyramid.signal makes of real learning curves (needs --curves)",
    "demo_signal": "whether early epochs of the demo tell the final order (trains for minutes)",
}


def main(arguments: Sequence[str]) -> int:
    if not arguments:
        for name, what in BENCHMARKS.items():
            print(f"  {name:14} {what}")
        print("run one: python -m benchmarks NAME [--help]; all: python -m benchmarks all")
        return 0
    name, *rest = arguments
    if name != "all" and name not in BENCHMARKS:
        print(f"unknown benchmark {name!r}; known are {', '.join(BENCHMARKS)} and all", file=sys.stderr)
        return 2
    for each in BENCHMARKS if name == "all" else [name]:
        if name == "all":
            print(f"== {each}: {BENCHMARKS[each]}", flush=True)
        try:
            import_module(f"benchmarks.{each}").main(rest)
        except RankNoshError as error:
            print(f"{each}: {error}", file=sys.stderr)
            return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
