"""A table of finished trainings that takes the place of training.

Layout of the npz (percentages; ``n`` cells, ``s`` seeds)::

    arch               (n,)    exchange strings of the space, bytes or text
    epoch12_val        (n,)    validation accuracy % of a separate 12-epoch training
    epoch200_seeds     (n, s)  validation accuracy % after 200 epochs, NaN where a seed is missing
    train_seconds_200  (n,)    seconds of a 200-epoch training
    params_mb          (n,)    millions of parameters; optional
    data               ()      what the accuracies are of, such as CIFAR-10; optional, the name of the file where it is missing

Whatever else the file holds is not read; test accuracies in particular are never a search signal. Inside the package every
accuracy is a fraction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ranknosh.errors import DataError, SpaceError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.catalog import DEFAULT, get_space
from ranknosh.streams import stream
from ranknosh.tasks.data.npz import read_npz

Accounting = Literal["resume", "scratch"]
ACCOUNTINGS: tuple[Accounting, ...] = ("resume", "scratch")
EPOCHS = (12, 200)
_REQUIRED = ("arch", "epoch12_val", "epoch200_seeds", "train_seconds_200")


@dataclass(frozen=True, eq=False)
class Table:
    """Accuracies of ``n`` architectures at fidelity levels 1..N, trained ``epochs[i - 1]`` epochs each.

    values: one (n, seeds) float64 array of fractions a level, NaN where a seed is missing, at least one seed a row.
    seconds: (n,) of a training to ``epochs[-1]``. params: (n,) number of weights, or None where the table has none.
    data: what the accuracies are of, in words. truth: (n,) mean over seeds at the top level; ``best`` is its maximum. Regret is
    measured against these.
    """

    space: Space
    architectures: tuple[Architecture, ...]
    epochs: tuple[int, ...]
    values: tuple[NDArray[np.float64], ...]
    seconds: NDArray[np.float64]
    params: NDArray[np.int64] | None = None
    data: str = "unnamed data"
    _neighbours: dict[int, tuple[int, ...]] = field(default_factory=dict, init=False)

    @cached_property
    def _rows(self) -> dict[tuple[int, ...], int]:
        return {architecture.code: row for row, architecture in enumerate(self.architectures)}

    @cached_property
    def truth(self) -> NDArray[np.float64]:
        truth: NDArray[np.float64] = np.nanmean(self.values[-1], axis=1)
        return truth

    @property
    def best(self) -> float:
        return float(self.truth.max())

    @property
    def facts(self) -> dict[str, Any]:
        """What a run that shows its values writes down: their data set, and the best and the median truth (fractions)."""
        return {"data": self.data, "best": self.best, "median": float(np.median(self.truth))}

    def __len__(self) -> int:
        return len(self.architectures)

    def __post_init__(self) -> None:
        n = len(self.architectures)
        if n == 0:
            raise DataError("the table holds no architectures")
        if len(self._rows) != n:
            raise DataError(f"the table lists {n - len(self._rows)} architectures twice; every row must be another one")
        for epochs, values in zip(self.epochs, self.values, strict=True):
            if values.ndim != 2 or values.shape[0] != n:
                raise DataError(f"values at {epochs} epochs have shape {values.shape}, expected ({n}, seeds)")
            if not np.isfinite(values).any(axis=1).all():
                row = int(np.flatnonzero(~np.isfinite(values).any(axis=1))[0])
                raise DataError(f"row {row} of the table has no accuracy at {epochs} epochs")
            if np.nanmin(values) < 0 or np.nanmax(values) > 1:
                raise DataError(f"accuracies at {epochs} epochs lie outside 0..100 %")
        if self.seconds.shape != (n,) or not (np.isfinite(self.seconds) & (self.seconds >= 0)).all():
            raise DataError(f"training seconds must be {n} finite numbers >= 0, got shape {self.seconds.shape}")
        if self.params is not None and self.params.shape != (n,):
            raise DataError(f"parameter counts have shape {self.params.shape}, expected ({n},)")

    @classmethod
    def load(cls, path: str | Path, space: str = DEFAULT) -> Table:
        """Read an npz file in the layout above. Raises DataError where it is missing, unreadable or incomplete."""
        path = Path(path)
        arrays = read_npz(path, "the table", (*_REQUIRED, "params_mb", "data"))
        try:
            return cls.from_arrays({"data": path.stem, **arrays}, space)
        except DataError as error:
            raise DataError(f"{path}: {error}") from error

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any], space: str = DEFAULT) -> Table:
        """A table from arrays with the names of the layout above (accuracies in percent)."""
        missing = [name for name in _REQUIRED if name not in arrays]
        if missing:
            raise DataError(f"the table lacks {', '.join(missing)}; it needs {', '.join(_REQUIRED)}")
        known = get_space(space)
        texts = np.asarray(arrays["arch"])
        if texts.ndim != 1 or texts.dtype.kind not in "SU":
            raise DataError(f"arch must be a list of strings, got {texts.dtype} of shape {texts.shape}")
        low, high, seconds = (_numbers(arrays, name) for name in _REQUIRED[1:])
        if low.ndim == 1:
            low = low[:, None]
        millions = _numbers(arrays, "params_mb") if "params_mb" in arrays else None
        if millions is not None and not np.isfinite(millions).all():
            raise DataError("params_mb holds numbers that are not finite")
        params = None if millions is None else np.rint(millions * 1e6).astype(np.int64)
        architectures = tuple(_parse(known, row, text) for row, text in enumerate(texts.tolist()))
        data = str(np.asarray(arrays["data"]).item()) if "data" in arrays else cls.data
        return cls(known, architectures, EPOCHS, (low / 100, high / 100), seconds, params, data)

    def find(self, architecture: Architecture) -> int | None:
        """The row of ``architecture``, None where the table does not hold it."""
        return self._rows.get(architecture.code) if architecture.space == self.space.name else None

    def row(self, architecture: Architecture) -> int:
        """The row of ``architecture``. Raises DataError where the table does not hold it."""
        row = self.find(architecture)
        if row is None:
            raise DataError(
                f"the table ({len(self)} architectures of {self.space.name}) does not hold {architecture.code} "
                f"of {architecture.space}; it can only answer for the architectures it lists"
            )
        return row

    def neighbours(self, row: int) -> tuple[int, ...]:
        """Rows one edit away from ``row``, of those the table holds."""
        if row not in self._neighbours:  # 0.2 ms each, and repeats of a benchmark ask again and again
            near = (self.find(architecture) for architecture in self.space.neighbours(self.architectures[row]))
            self._neighbours[row] = tuple(found for found in near if found is not None)
        return self._neighbours[row]

    def schedule(self, accounting: Accounting) -> tuple[int, ...]:
        """What reaching each level costs in all, as the ``epochs`` of a pyramid.

        ``resume`` prices a promotion as if the training at the lower level went on: (12, 200). ``scratch`` prices it as the
        separate training that it was: (12, 212).
        """
        if accounting not in ACCOUNTINGS:
            raise DataError(f"unknown accounting {accounting!r}; known are {', '.join(ACCOUNTINGS)}")
        return self.epochs if accounting == "resume" else tuple(int(e) for e in np.cumsum(self.epochs))


class Reading:
    """What one search may see of a table: at every level, one training of each architecture, chosen by ``seed``."""

    def __init__(self, table: Table, seed: int) -> None:
        self.table = table
        self._trained = [np.isfinite(values) for values in table.values]
        self._first = [
            (stream(seed, "table-seed", level).random(len(table)) * trained.sum(axis=1)).astype(np.int64)
            for level, trained in enumerate(self._trained, start=1)
        ]

    def metric(self, row: int, level: int, replica: int = 0) -> float | None:
        """Accuracy (fraction) of one training.

        Args:
            row: of the table.
            level: from 1.
            replica: another number is another seed; None comes back once they are used up.
        """
        columns = np.flatnonzero(self._trained[level - 1][row])
        if replica >= len(columns):
            return None
        column = columns[(self._first[level - 1][row] + replica) % len(columns)]
        return float(self.table.values[level - 1][row, column])


def _numbers(arrays: Mapping[str, Any], name: str) -> NDArray[np.float64]:
    values = np.asarray(arrays[name])
    if values.dtype.kind not in "fiu":
        raise DataError(f"{name} must hold numbers, got {values.dtype}")
    return values.astype(np.float64)


def _parse(space: Space, row: int, text: str | bytes) -> Architecture:
    try:
        return space.parse(text.decode() if isinstance(text, bytes) else text)
    except (SpaceError, UnicodeDecodeError) as error:
        raise DataError(f"row {row} of arch is not an architecture of {space.name}: {error}") from error
