import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ranknosh.bench.account import Scores
from ranknosh.bench.scores import read_scores
from ranknosh.tasks.data.table import Table

Arrays = dict[str, Any]


Lines = list[dict[str, str]]


def scores_of(table: Table, seed: int = 5) -> Lines:
    """A line for each function of a table: two proxies that see its accuracy through noise, and a third that sees nothing and
    has gaps."""
    rng = np.random.default_rng(seed)
    first: dict[str, int] = {}
    for row, architecture in enumerate(table.architectures):
        if not table.space.is_dead(architecture):
            first.setdefault(table.space.canonical(architecture), row)
    lines = []
    for number, (key, row) in enumerate(first.items()):
        seen = 100 * table.truth[row] + 2.0 * rng.standard_normal(2)
        lines.append(
            {
                "architecture": table.space.format(table.architectures[row]),
                "canonical": key,
                "synflow": repr(float(seen[0])),
                "snip": repr(float(seen[1])),
                "nwot": "" if number % 3 == 0 else repr(float(rng.standard_normal())),
                "seconds": "0.5",
                "reasons": "" if number % 3 else "nwot: no piecewise linear activation, so no codes",
            }
        )
    return lines


def written(path: Path, lines: Lines) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    return path


@pytest.fixture(scope="session")
def lines_of() -> Callable[[Table], Lines]:
    return scores_of


@pytest.fixture(scope="session")
def write_lines() -> Callable[[Path, Lines], Path]:
    return written


@pytest.fixture(scope="session")
def scores_file(whole: Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("scores") / "scores.csv", scores_of(whole))


@pytest.fixture(scope="session")
def scores(whole: Table, scores_file: Path) -> Scores:
    return read_scores(scores_file, whole, ["synflow", "snip"])
