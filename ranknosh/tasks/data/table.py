"""A table of finished trainings that takes the place of training.

Layout of the npz (percentages; ``n`` architectures, ``E`` numbers of epochs, ``S`` seeds)::

    arch                 (n,)            exchange strings of the space, bytes or text
    epochs               (E,)            rising whole numbers, where values are known
    validation_accuracy  (n, E[, S])     %, NaN where a seed is missing
    train_loss           (n, E[, S])     of the same epochs; optional, NaN where it is not known
    seconds_per_epoch    (n,)            of training; optional, 0 where it is missing
    truth                (n,)            %, what an architecture is worth; optional, the mean over seeds at the last epoch
    resumable            ()              false where every number of epochs is a training of its own; optional, true
    space                ()              name of the space; optional, the one that is asked for
    data                 ()              what the accuracies are of, such as CIFAR-10; optional, the name of the file
    params, macs, latency_*, energy_*    (n,)  costs; optional
    recipe               ()              the settings of the trainings, YAML; optional
    train_accuracy, validation_loss  (n, E[, S])  and test_accuracy (n[, S]), not read by a search; optional

The layout of 0.1 has ``epoch12_val`` (n,) of separate 12-epoch trainings, ``epoch200_seeds`` (n, S), ``train_seconds_200`` (n,)
and ``params_mb`` (millions, optional) instead of epochs, accuracies, seconds and costs. Whatever else the file holds is not
read; test accuracies in particular are never a search signal. Inside the package every accuracy is a fraction.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranknosh.errors import DataError, SpaceError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.catalog import DEFAULT, get_space
from ranknosh.spaces.within import Nearest, within
from ranknosh.streams import stream
from ranknosh.tasks.data.npz import read_npz
from ranknosh.tasks.data.shipped import located

Accounting = Literal["resume", "scratch"]
ACCOUNTINGS: tuple[Accounting, ...] = ("resume", "scratch")
EPOCHS = (12, 200)
_OLD = ("epoch12_val", "epoch200_seeds", "train_seconds_200")
_CURVES = ("epochs", "validation_accuracy")
_OTHERS = ("arch", "train_loss", "seconds_per_epoch", "truth", "resumable", "space", "data", "params_mb")
_RATIO, _MOST_LEVELS = 3, 4
"""Of the levels that are taken where none are asked for."""


class Curves(NamedTuple):
    """What is known of trainings between levels: epochs (E,), accuracy (E, n, seeds) as fractions, train_loss of that shape; NaN
    where something is missing."""

    epochs: NDArray[np.int64]
    accuracy: NDArray[np.float64]
    train_loss: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Table:
    """Accuracies of ``n`` architectures at fidelity levels 1..N, trained ``epochs[i - 1]`` epochs each.

    values: one (n, seeds) float64 array of fractions a level, NaN where a seed is missing, at least one seed a row.
    seconds: (n,) of a training to ``epochs[-1]``. costs: (n,) each, by name. data: what the accuracies are of, in words.
    truth: (n,) what an architecture is worth, by default the mean over seeds at the top level; ``best`` is its maximum. Regret is
    measured against these. curves: of trainings that are one column of ``values`` at all levels; None where each level is a
    training of its own.
    """

    space: Space
    architectures: tuple[Architecture, ...]
    epochs: tuple[int, ...]
    values: tuple[NDArray[np.float64], ...]
    seconds: NDArray[np.float64]
    costs: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    data: str = "unnamed data"
    curves: Curves | None = None
    accounting: Accounting = "resume"
    """How promotions are priced where nothing else is asked for."""
    truth: NDArray[np.float64] = None  # type: ignore[assignment]  # filled in below
    _neighbours: dict[int, tuple[int, ...]] = field(default_factory=dict, init=False)

    @cached_property
    def _rows(self) -> dict[tuple[int, ...], int]:
        return {architecture.code: row for row, architecture in enumerate(self.architectures)}

    @cached_property
    def listed(self) -> Space:
        """The space of these architectures alone; the whole space where the table holds all of it."""
        return self.space if len(self) == self.space.size else within(self.space, self.architectures)

    @cached_property
    def _nearest(self) -> Nearest:
        return Nearest(self.space, self.architectures)

    @property
    def best(self) -> float:
        return float(self.truth.max())

    def regret(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Percentage points below the best, by row."""
        return 100 * (self.best - self.truth[rows])

    @cached_property
    def digest(self) -> str:
        """What the table is recognised by: everything that a search on it depends on."""
        head = [self.space.spec, self.epochs, self.accounting, list(self.costs)]
        found = blake2b(json.dumps(head).encode(), digest_size=16)
        codes = np.array([one.code for one in self.architectures])
        for array in (codes, *self.values, *(self.curves or ()), self.seconds, self.truth, *self.costs.values()):
            found.update(f"{array.shape}".encode() + array.tobytes())
        return found.hexdigest()

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
        if self.truth is None:
            object.__setattr__(self, "truth", np.nanmean(self.values[-1], axis=1))
        for name, column in {"training seconds": self.seconds, "truth": self.truth, **self.costs}.items():
            if column.shape != (n,) or not np.isfinite(column).all():
                raise DataError(f"{name} must be {n} finite numbers, got shape {column.shape}")
        if self.truth.min() < 0 or self.truth.max() > 1:
            raise DataError("truth lies outside 0..100 %")
        if (self.seconds < 0).any():
            raise DataError("training seconds must be 0 or more")

    @classmethod
    def load(cls, path: str | Path, space: str | None = None, levels: Sequence[int] = ()) -> Table:
        """Read an npz file in one of the layouts above.

        Args:
            path: of the file; or the name of a bank that comes with the package.
            space: whose architectures are wanted; None for that of the file.
            levels: numbers of epochs, rising, of those the file knows; by default its last one and up to three before it, each
                the largest of at most a third of the one above.

        Raises:
            DataError: where it is missing, unreadable, incomplete or of another space.
        """
        path = located(path)
        arrays = read_npz(path, "the table", _Names())
        try:
            return cls.from_arrays({"data": path.stem, **arrays}, space, levels)
        except DataError as error:
            raise DataError(f"{path}: {error}") from error

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any], space: str | None = None, levels: Sequence[int] = ()) -> Table:
        """A table from arrays with the names of one of the layouts above (accuracies in percent).

        Args:
            arrays: by name.
            space: see :meth:`load`.
            levels: see :meth:`load`.

        Raises:
            DataError: see :meth:`load`.
        """
        old = any(name in arrays for name in _OLD) and not any(name in arrays for name in _CURVES)
        required = ("arch", *(_OLD if old else _CURVES))
        missing = [name for name in required if name not in arrays]
        if missing:
            raise DataError(f"the table lacks {', '.join(missing)}; it needs {', '.join(required)}")
        own = str(_one(arrays, "space", None)) if "space" in arrays else None
        if own is not None and space is not None and own != space:
            raise DataError(f"the table is of the space {own}, and {space} is asked for; give a table of that space")
        known = get_space(own or space or DEFAULT)
        texts = np.asarray(arrays["arch"])
        if texts.ndim != 1 or texts.dtype.kind not in "SU":
            raise DataError(f"arch must be a list of strings, got {texts.dtype} of shape {texts.shape}")
        architectures = tuple(_parse(known, row, text) for row, text in enumerate(texts.tolist()))
        read = _old if old else _curves
        return cls(
            known,
            architectures,
            **read(arrays, tuple(levels)),
            costs=_costs(arrays),
            data=str(_one(arrays, "data", cls.data)),
        )

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

    def nearest(self, options: Sequence[int]) -> NDArray[np.int64]:
        """The rows nearest to options of the space, see :class:`ranknosh.spaces.within.Nearest`."""
        return self._nearest.to(options)

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
    """What one search may see of a table: one training of each architecture, chosen by ``seed``; at every level another one
    where levels are trainings of their own."""

    def __init__(self, table: Table, seed: int) -> None:
        self.table = table
        trained = [np.isfinite(values) for values in table.values]
        draws = [stream(seed, "table-seed", level).random(len(table)) for level in range(1, len(trained) + 1)]
        if table.curves is not None:  # those that went all the way, and the same one at every level
            trained, draws = [np.logical_and.reduce(trained)] * len(trained), draws[-1:] * len(trained)
        self._trained = trained
        self._first = [(draw * known.sum(axis=1)).astype(np.int64) for draw, known in zip(draws, trained, strict=True)]

    def metric(self, row: int, level: int, replica: int = 0) -> float | None:
        """Accuracy (fraction) of one training.

        Args:
            row: of the table.
            level: from 1.
            replica: another number is another seed; None comes back once they are used up.
        """
        column = self._column(row, level, replica)
        return None if column is None else float(self.table.values[level - 1][row, column])

    def curve(self, row: int, level: int, replica: int = 0) -> list[tuple[int, float, float]]:
        """Of the same training (epoch, accuracy as a fraction, training loss) where it is known between the level below and this
        one, whose own epoch is the last; empty where levels are trainings of their own. The loss may be NaN.

        Args:
            row: see :meth:`metric`.
            level: see :meth:`metric`.
            replica: see :meth:`metric`.
        """
        curves, column = self.table.curves, self._column(row, level, replica)
        if curves is None or column is None:
            return []
        first, last = np.searchsorted(curves.epochs, [0, *self.table.epochs][level - 1 : level + 1], side="right")
        epochs = curves.epochs[first:last].tolist()
        accuracy, loss = (values[first:last, row, column].tolist() for values in curves[1:])
        return [point for point in zip(epochs, accuracy, loss, strict=True) if math.isfinite(point[1])]

    def _column(self, row: int, level: int, replica: int) -> int | None:
        columns = np.flatnonzero(self._trained[level - 1][row])
        if replica >= len(columns):
            return None
        return int(columns[(self._first[level - 1][row] + replica) % len(columns)])


class _Names:
    """Of the arrays that are read."""

    def __contains__(self, name: object) -> bool:
        return name in (*_CURVES, *_OLD, *_OTHERS) or is_cost(str(name))


def is_cost(name: str) -> bool:
    """Whether an array of this name holds costs."""
    return name in ("params", "macs") or name.startswith(("latency_", "energy_"))


def levels_of(epochs: Sequence[int]) -> tuple[int, ...]:
    """The last of some rising numbers and up to three before it, each the largest of at most a third of the one above."""
    levels = [epochs[-1]]
    while len(levels) < _MOST_LEVELS and (below := [e for e in epochs if _RATIO * e <= levels[0]]):
        levels.insert(0, below[-1])
    return tuple(levels)


def _old(arrays: Mapping[str, Any], levels: tuple[int, ...]) -> dict[str, Any]:
    """What is read of the layout of 0.1."""
    low, high, seconds = (_numbers(arrays, name) for name in _OLD)
    if low.ndim == 1:
        low = low[:, None]
    if levels not in ((), EPOCHS):
        raise DataError(
            f"the table knows {EPOCHS[0]} and {EPOCHS[1]} epochs, and these are its levels; leave levels out"
        )
    return {"epochs": EPOCHS, "values": (low / 100, high / 100), "seconds": seconds}


def _curves(arrays: Mapping[str, Any], levels: tuple[int, ...]) -> dict[str, Any]:
    """What is read of the layout with curves."""
    known, accuracy = _numbers(arrays, "epochs"), _numbers(arrays, "validation_accuracy")
    if (
        known.ndim != 1
        or not len(known)
        or not (np.isfinite(known) & (known == np.rint(known))).all()
        or not (np.diff(known, prepend=0) >= 1).all()
    ):
        raise DataError("epochs must be rising whole numbers of 1 or more")
    if accuracy.ndim not in (2, 3) or accuracy.shape[1] != len(known):
        raise DataError(
            f"validation_accuracy has shape {accuracy.shape}, expected (architectures, {len(known)} epochs) or (architectures, "
            f"{len(known)} epochs, seeds)"
        )
    epochs = tuple(int(epoch) for epoch in known)
    levels = levels or levels_of(epochs)
    if list(levels) != sorted(set(levels)) or not set(levels) <= set(epochs):
        shown = ", ".join(map(str, epochs if len(epochs) <= 12 else (*epochs[:5], "...", *epochs[-5:])))
        raise DataError(
            f"levels are {', '.join(map(str, levels))}; give rising ones of the epochs that the table knows: {shown}"
        )
    by_epoch = np.moveaxis(accuracy.reshape(*accuracy.shape[:2], -1), 1, 0) / 100
    values = tuple(by_epoch[epochs.index(level)] for level in levels)
    resumable = _one(arrays, "resumable", True)
    if resumable not in (True, False):
        raise DataError(f"resumable is {resumable!r}; it is True or False")
    whole = np.isfinite(np.stack(values)).all(axis=0).any(axis=1)
    if resumable and not whole.all():
        row = int(np.flatnonzero(~whole)[0])
        raise DataError(
            f"row {row} of the table has no training that is known at all of {', '.join(map(str, levels))} epochs"
        )
    n = len(accuracy)
    loss = _numbers(arrays, "train_loss") if "train_loss" in arrays else np.full(accuracy.shape, np.nan)
    if loss.shape != accuracy.shape:
        raise DataError(f"train_loss has shape {loss.shape}, expected that of validation_accuracy, {accuracy.shape}")
    losses = np.moveaxis(loss.reshape(*loss.shape[:2], -1), 1, 0)
    pace = _numbers(arrays, "seconds_per_epoch") if "seconds_per_epoch" in arrays else np.zeros(n)
    truth = _numbers(arrays, "truth") / 100 if "truth" in arrays else np.nanmean(by_epoch[-1], axis=1)
    return {
        "epochs": levels,
        "values": values,
        "seconds": pace * levels[-1],
        "truth": truth,
        "curves": Curves(known.astype(np.int64), by_epoch, losses) if resumable else None,
        "accounting": "resume" if resumable else "scratch",
    }


def _costs(arrays: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    """By name; of the layout of 0.1 the number of weights."""
    costs = {name: _numbers(arrays, name) for name in arrays if is_cost(name)}
    if "params_mb" in arrays and "params" not in costs:
        costs["params"] = np.rint(_numbers(arrays, "params_mb") * 1e6)
    return costs


def _one(arrays: Mapping[str, Any], name: str, otherwise: Any) -> Any:
    """A single value."""
    value = np.asarray(arrays.get(name, otherwise))
    if value.size != 1:
        raise DataError(f"{name} has shape {value.shape}; it is a single value")
    return value.item()


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
