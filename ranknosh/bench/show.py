"""What a table holds: its recipe, its digest, how noisy its accuracies are, and how well few epochs order what many do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from ranknosh.tasks.data.npz import read_npz
from ranknosh.tasks.data.shipped import located
from ranknosh.tasks.data.table import Table

_FEWEST = 3
"""Architectures of which a rank correlation is taken, at least."""


@dataclass(frozen=True)
class ShownLevel:
    """Validation accuracy at a number of epochs; None where a table does not tell.

    mean, spread: over architectures, by their first training (fractions). noise: standard deviation between trainings of one
    architecture (a fraction), pooled over those with several. The others are Spearman's rank correlations of the first training
    here with the second one here (``again``), the first one at the last level (``last``), and its test accuracy (``test``).
    """

    epochs: int
    mean: float
    spread: float
    noise: float | None
    again: float | None
    last: float | None
    test: float | None


@dataclass(frozen=True)
class Shown:
    """See the module; ``seeded`` architectures have several trainings, ``recipe`` is empty where the file does not say it."""

    path: Path
    bytes: int
    digest: str
    space: str
    data: str
    architectures: int
    trainings: int
    seeded: int
    best: float
    levels: tuple[ShownLevel, ...]
    recipe: str


def show(table: str | Path, levels: Sequence[int] = ()) -> Shown:
    """Look at a table.

    Args:
        table: a file, or the name of a bank that comes with the package.
        levels: see :meth:`ranknosh.tasks.data.table.Table.load`.

    Raises:
        DataError: where it cannot be read, or does not know these levels.
    """
    path = located(table)
    known = Table.load(path, levels=levels)
    more = read_npz(path, "the table", ("test_accuracy", "recipe"))
    content = path.read_bytes()
    test = more.get("test_accuracy")
    first = None if test is None else np.asarray(test, np.float64).reshape(len(known), -1)[:, 0]
    last = known.values[-1]
    return Shown(
        path,
        len(content),
        sha256(content).hexdigest(),
        known.space.name,
        known.data,
        len(known),
        int(np.isfinite(last).sum()),
        int((np.isfinite(last).sum(axis=1) > 1).sum()),
        known.best,
        tuple(_level(*each, last[:, 0], first) for each in zip(known.epochs, known.values, strict=True)),
        str(more["recipe"]) if "recipe" in more else "",
    )


def _level(
    epochs: int, values: NDArray[np.float64], last: NDArray[np.float64], test: NDArray[np.float64] | None
) -> ShownLevel:
    first, counts = values[:, 0], np.isfinite(values).sum(axis=1)
    several = values[counts > 1]
    squares = np.nansum((several - np.nanmean(several, axis=1, keepdims=True)) ** 2) if len(several) else 0.0
    freedom = int((counts[counts > 1] - 1).sum())
    return ShownLevel(
        epochs,
        float(np.nanmean(first)),
        float(np.nanstd(first)),
        float(np.sqrt(squares / freedom)) if freedom else None,
        _alike(first, values[:, 1]) if values.shape[1] > 1 else None,
        _alike(first, last),
        None if test is None else _alike(first, test),
    )


def _alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Spearman's rank correlation over the architectures that both know; None where these are too few or all alike."""
    known = np.isfinite(one) & np.isfinite(other)
    if known.sum() < _FEWEST or np.ptp(one[known]) == 0 or np.ptp(other[known]) == 0:
        return None
    return float(spearmanr(one[known], other[known]).statistic)
