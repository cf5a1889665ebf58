"""Every proxy against the accuracies of a table, beside what was published.

    ranknosh score nasbench201 --count 300 --draw codes --data cifar10.zip --table TABLE.npz --csv scores.csv
    python -m benchmarks proxy_correlation --scores scores.csv

Reads the csv that ``ranknosh score`` wrote with ``--table``. Spearman's rho is oriented (positive: better networks score better),
a missing value ranks worst; ± is its standard error at this sample size. ``connected`` leaves out cells without a path,
``given params`` is the partial rank correlation with the number of weights held fixed, ``better half`` is among the better half.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from ranknosh.errors import DataError
from ranknosh.spaces.catalog import get_space
from zerocost import PROXIES
from zerocost.aggregate import log_rank_product, oriented_column, rank_mean, vote
from zerocost.correlation import kendall_tau, partial_spearman, spearman, standard_error


class Published(NamedTuple):
    """Spearman's rho on NAS-Bench-201 CIFAR-10, lowest and highest of the figures published, and where."""

    low: float
    high: float
    source: str


ZERO_COST_NAS = "Abdelfattah et al. 2021, released outputs"
SUITE = "NAS-Bench-Suite-Zero, from its per-cell values"
MEMORY = "as remembered, not checked"
PUBLISHED: dict[str, Published] = {
    "params": Published(0.69, 0.69, SUITE),
    "macs": Published(0.66, 0.66, SUITE),
    "l2_norm": Published(0.68, 0.68, SUITE),
    "grad_norm": Published(0.59, 0.594, f"{ZERO_COST_NAS}; {SUITE}"),
    "snip": Published(0.596, 0.60, f"{ZERO_COST_NAS}; {SUITE}"),
    "plain": Published(-0.17, -0.17, SUITE),
    "fisher": Published(0.36, 0.49, f"{ZERO_COST_NAS}; {SUITE}"),
    "grasp": Published(0.514, 0.53, f"{ZERO_COST_NAS}; {SUITE}"),
    "synflow": Published(0.737, 0.74, f"{ZERO_COST_NAS}; {SUITE}"),
    "jacov": Published(0.731, 0.75, f"{ZERO_COST_NAS}; {SUITE}"),
    "epe_nas": Published(0.68, 0.68, SUITE),
    "nwot": Published(0.77, 0.79, MEMORY),
    "swap": Published(0.80, 0.90, MEMORY),
    "zen": Published(0.35, 0.40, MEMORY),
    "zico": Published(0.80, 0.80, MEMORY),
    "meco": Published(0.89, 0.89, "abstract"),
    "gradsign": Published(0.77, 0.77, MEMORY),
    "ntk": Published(0.30, 0.40, MEMORY),
    "AZ-NAS rank product": Published(0.913, 0.913, "released notebook"),
}
AZ_NAS = ("expressivity", "progressivity", "trainability", "macs")
VOTERS = ("synflow", "jacov", "snip")


class Scores(NamedTuple):
    """rows: values by proxy name. accuracies: fractions. dead: whether no path leads through the cell."""

    rows: list[dict[str, float | None]]
    accuracies: list[float]
    dead: list[bool]
    seconds: float


def read(path: Path, space: str) -> Scores:
    chosen = get_space(space)
    with path.open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if line.get("truth")]
    if not lines:
        raise DataError(f"{path} has no accuracies; write it with ranknosh score ... --table FILE")
    names = [name for name in lines[0] if name in PROXIES]
    rows = [{name: float(line[name]) if line[name] else None for name in names} for line in lines]
    dead = [chosen.is_dead(chosen.parse(line["architecture"])) for line in lines]
    seconds = median(float(line["seconds"]) for line in lines)
    return Scores(rows, [float(line["truth"]) for line in lines], dead, seconds)


def columns(scores: Scores) -> dict[str, list[float]]:
    """Oriented columns of the proxies and of what is made from several of them."""
    names = [name for name in PROXIES if name in scores.rows[0]]
    toward = {name: int(PROXIES[name].direction) for name in names}
    found = {name: oriented_column(scores.rows, name, toward[name]) for name in names}
    if set(AZ_NAS) <= set(names):
        found["AZ-NAS rank product"] = log_rank_product(scores.rows, {name: toward[name] for name in AZ_NAS})
    if set(VOTERS) <= set(names):
        found["vote of synflow, jacov, snip"] = vote(scores.rows, {name: toward[name] for name in VOTERS})
    if {"synflow", "nwot"} <= set(names):
        found["rank mean of synflow, nwot"] = rank_mean(scores.rows, {"synflow": 1, "nwot": 1})
    return found


def table(scores: Scores) -> list[list[str]]:
    accuracy, n = scores.accuracies, len(scores.accuracies)
    live = [row for row in range(n) if not scores.dead[row]]
    better = sorted(range(n), key=lambda row: accuracy[row])[n // 2 :]
    found = columns(scores)
    lines = []
    for name, column in found.items():
        rho = spearman(column, accuracy)
        published = PUBLISHED.get(name)
        missing = sum(row[name] is None for row in scores.rows) if name in scores.rows[0] else 0
        partial = (
            None if name == "params" or "params" not in found else partial_spearman(column, accuracy, [found["params"]])
        )
        lines.append(
            [
                name,
                str(n - missing),
                _number(rho),
                _number(None if rho is None else standard_error(rho, n)),
                "" if published is None else _span(published),
                "" if published is None or rho is None else _beside(rho, published),
                _number(spearman([column[row] for row in live], [accuracy[row] for row in live])),
                _number(kendall_tau(column, accuracy)),
                _number(spearman([column[row] for row in better], [accuracy[row] for row in better])),
                _number(partial),
            ]
        )
    return lines


def _beside(rho: float, published: Published) -> str:
    """How far rho lies outside of what was published."""
    outside = min(rho - published.low, 0.0) + max(rho - published.high, 0.0)
    return f"{outside:+.2f}" if abs(outside) > 1e-9 else "inside"


def _span(published: Published) -> str:
    low, high = f"{published.low:.2f}", f"{published.high:.2f}"
    return low if low == high else f"{low} to {high}"


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"


HEAD = [
    "proxy",
    "values",
    "Spearman",
    "±",
    "published",
    "outside",
    "connected",
    "Kendall",
    "better half",
    "given params",
]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=Path, help="what ranknosh score wrote with --table", required=False)
    parser.add_argument("--space", default="nasbench201")
    options = parser.parse_args(arguments)
    if options.scores is None or not options.scores.exists():
        print(
            f"no scores at {options.scores}" if options.scores else "write the scores with the first command of --help"
        )
        return
    scores = read(options.scores, options.space)
    print(
        f"{len(scores.rows)} cells, {sum(scores.dead)} of them dead; {scores.seconds:.2f} s a cell for all proxies (median)"
    )
    print("| " + " | ".join(HEAD) + " |\n" + "|---" * len(HEAD) + "|")
    for line in table(scores):
        print("| " + " | ".join(line) + " |")
    print_sources()


def print_sources() -> None:
    by_source: dict[str, list[str]] = {}
    for name, published in PUBLISHED.items():
        by_source.setdefault(published.source, []).append(name)
    for source, names in by_source.items():
        print(f"published, {', '.join(names)}: {source}")


if __name__ == "__main__":
    main()
