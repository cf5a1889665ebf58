"""Train-free scores of the architectures of a table, from a file: what level 0 sees where nothing can be built.

Layout of the csv, as ``ranknosh score SPACE --all --csv FILE`` writes it: ``architecture`` (exchange string), ``canonical``
(canonical id), one column for each proxy with an empty cell where it gave no value. ``seconds``, ``accuracy`` and ``reasons`` may
be there and are not read.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ranknosh.bench.account import Scores
from ranknosh.config.sections import SeedingConfig
from ranknosh.errors import ConfigError, DataError, SpaceError, to_type
from ranknosh.tasks.data.reading import read_csv
from ranknosh.tasks.data.table import Table

PROXIES: tuple[str, ...] = SeedingConfig().proxies
"""What is read of a file where nothing else is asked for: the proxies that a search is seeded with unless told otherwise."""
_OTHERS = ("architecture", "canonical", "seconds", "accuracy", "reasons")
_REQUIRED = ("architecture", "canonical")


def read_scores(
    path: str | Path | None, table: Table, proxies: Sequence[str] | None = None, method: str = "this"
) -> Scores:
    """Values of proxies for every architecture of a table.

    Its own row counts where it has one, else the first row of its function (its canonical id), whose network may have
    operations that do nothing more or less. Dead architectures need no row.

    Args:
        path: a csv of ``ranknosh score``; None where the user gave none.
        table: the architectures.
        proxies: None for :data:`PROXIES`.
        method: that needs them.

    Raises:
        ConfigError: for a name that is no proxy, and where no file was given.
        DataError: where the file is missing, is no such csv, has a cell that is no finite number, or lacks a proxy or an
            architecture.
    """
    from ranknosh.training.proxies import directions

    if path is None:
        raise ConfigError(
            f"{method} starts from train-free scores of all architectures; write them with: "
            f"{to_type('score', table.space.name, '--all', '--csv', 'scores.csv')}, and give them with --scores scores.csv"
        )
    names = tuple(dict.fromkeys(PROXIES if proxies is None else proxies))
    if not names:
        raise ConfigError("no proxy is left to read from the scores; name at least one with --proxies")
    directions(names)
    path = Path(path)
    header, rows = read_csv(path, "--scores")
    there = [name for name in header if name not in _OTHERS]
    missing = [name for name in (*_REQUIRED, *names) if name not in header]
    if missing:
        raise DataError(
            f"{path} has no column {', '.join(missing)}; its proxies are {', '.join(there) or 'none'}; "
            f"{_made_by(table, (*there, *names))}, or name others with --proxies"
        )
    found: dict[str, list[float]] = {}
    for number, row in enumerate(rows, start=1):
        where = f"row {number} of {path}"
        values = [_number(where, name, row[name]) for name in names]
        text, key = _read(where, row, table)
        if not np.array_equal(found.setdefault(text, values), values, equal_nan=True):
            raise DataError(f"{where} repeats {text} with other values; an architecture has one row")
        found.setdefault(key, values)
    values_by_row = np.full((len(names), len(table)), np.nan)
    lacking: dict[str, str] = {}
    for place, architecture in enumerate(table.architectures):
        text, key = table.space.format(architecture), table.space.canonical(architecture)
        if text in found or key in found:
            values_by_row[:, place] = found.get(text, found.get(key))
        elif not table.space.is_dead(architecture):
            lacking[key] = text
    if lacking:
        raise DataError(
            f"{path} has no scores of {len(lacking)} of the table's functions, such as {next(iter(lacking.values()))}; "
            f"{_made_by(table, names)}"
        )
    return dict(zip(names, values_by_row, strict=True))


def _made_by(table: Table, names: Sequence[str]) -> str:
    listed = ",".join(dict.fromkeys(names))
    command = to_type("score", table.space.name, "--all", "--proxies", listed, "--csv", "scores.csv")
    return f"write it with: {command}"


def _number(where: str, name: str, text: str) -> float:
    if not text.strip():
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where}: {name} is {text!r}; write a finite number, or nothing where the proxy gave none")
    return value


def _read(where: str, row: Mapping[str, str], table: Table) -> tuple[str, str]:
    """Exchange string and canonical id of a row, which must fit each other."""
    try:
        architecture = table.space.parse(row["architecture"])
    except SpaceError as error:
        raise DataError(f"{where} has no architecture of {table.space.name}: {error}") from error
    own = table.space.canonical(architecture)
    if own != row["canonical"]:
        raise DataError(
            f"{where}: {row['architecture']} has the canonical id {own}, the file says {row['canonical']!r}; "
            "it was written for another space or by another version, so write it again"
        )
    return table.space.format(architecture), own
