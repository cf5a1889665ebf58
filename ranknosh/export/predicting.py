"""What an exported model, or the network of a run, says of files and arrays."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ranknosh.config.screen import csv_text
from ranknosh.errors import FOREIGN, ConfigError, DataError, RankNoshError, StoreError, first_line
from ranknosh.export.finished import Finished
from ranknosh.export.formats import OnnxNetwork
from ranknosh.export.stand_alone import imported
from ranknosh.runs.files import write_atomic, writing
from ranknosh.tasks.data.inputs import as_array, as_inputs
from ranknosh.tasks.data.layout import ENDINGS
from ranknosh.tasks.data.npz import read_npz

_KEYS = ("inputs", "x", "images", "x_test", "test_images", "x_val", "val_images", "x_train", "train_images")
"""Arrays of an ``.npz`` file that may be the inputs, the first that is there."""
_BATCH = 64


@dataclass(frozen=True)
class Model:
    """A module ``model.py`` and the network that it loads.

    Args:
        module: the module.
        network: with its weights.
        where: it lies, in words.
    """

    module: Any
    network: nn.Module
    where: str

    @property
    def inputs(self) -> tuple[int, ...]:
        """Shape of one input."""
        return tuple(self.module.INPUTS)


@dataclass(frozen=True)
class Predictions:
    """Answers in the order of the inputs.

    Args:
        rows: one an input: ``input``, its name, and what the model says of it.
        outputs: of the network, one an input.
        model: that answered.
    """

    rows: list[dict[str, Any]]
    outputs: list[Tensor]
    model: Model

    @property
    def are_maps(self) -> bool:
        """Whether every place of an input has a class, so that there are masks to write."""
        return hasattr(self.model.module, "save_mask")

    def columns(self) -> list[dict[str, Any]]:
        """The rows with a column for every value: ``class 1``, ``probability 1`` and so on."""
        return [{"input": row["input"], **_flat(row)} for row in self.rows]

    def write_csv(self, path: Path) -> None:
        """A line an input. Raises StoreError where it cannot be written."""
        if path.is_dir():
            raise StoreError(f"{path} is a folder; give the name of a file, such as {path / 'answers.csv'}")
        rows = self.columns()
        names = list(dict.fromkeys(name for row in rows for name in row))
        write_atomic(path, csv_text(names, rows).encode())

    def write_masks(self, folder: Path) -> list[Path]:
        """The class number of every pixel as a grey PNG named after the input.

        Raises:
            DataError: where outputs are not flat.
            StoreError: where they cannot be written.
        """
        if any(each.ndim != 3 for each in self.outputs):
            raise DataError(f"{self.model.where} gives maps that are no pictures, of which there are no masks")
        paths = []
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for row, outputs in zip(self.rows, self.outputs, strict=True):
                name = "-".join(part for part in Path(row["input"].replace("[", "-").rstrip("]")).parts[-2:])
                paths.append(folder / f"{name}.png")
                self.model.module.save_mask(outputs, paths[-1])
        return paths


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        if name == "input":
            continue
        if isinstance(value, dict):
            found |= value
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for place, each in enumerate(value, 1):
                found |= {f"{key} {place}": one for key, one in each.items()}
        elif isinstance(value, list):
            flat = torch.tensor(value).flatten().tolist()
            found |= {f"{name.removesuffix('s')} {place}": one for place, one in enumerate(flat, 1)}
        else:
            found[name] = value
    return found


def open_model(place: Path) -> Model:
    """The model in an exported folder, or its ``model.onnx``, which onnxruntime then runs.

    Raises:
        StoreError: where there is none, or its weights were changed.
        MissingDependency: onnxruntime is not installed.
    """
    onnx = place.suffix == ".onnx"
    folder = place.parent if onnx else place
    if not place.exists():
        raise StoreError(f"{place} does not exist; give a run folder, or one that `ranknosh export RUN --to py` wrote")
    if not (folder / "model.py").is_file():
        reads = f"; {place.name} needs the model.py that was exported with it, which reads inputs and names classes"
        raise StoreError(
            f"{folder} holds no run and no model.py; give a run folder, or one that `ranknosh export RUN --to py` wrote"
            f"{reads if onnx else ''}"
        )
    try:
        module = imported(folder)
        return Model(module, OnnxNetwork(place) if onnx else module.load(folder), str(place))
    except RankNoshError:
        raise
    except FileNotFoundError as error:
        raise StoreError(f"{folder}/model.py has no {error.filename}; export it again") from error
    except FOREIGN as error:  # a file that was edited may raise anything
        raise StoreError(f"{place if onnx else folder / 'model.py'} cannot be used: {first_line(error)}") from error


def model_of(finished: Finished) -> Model:
    """The network of a run, as its export would have it."""
    from ranknosh.export.api import write_model

    with tempfile.TemporaryDirectory(prefix="ranknosh-") as place:
        write_model(finished, Path(place))
        module = imported(Path(place))
        return Model(module, module.load(place), f"{finished.what} of {finished.run.folder}")


def predict(model: Model, inputs: Any, top: int | None = None) -> Predictions:
    """What a model says of inputs.

    Args:
        model: that answers.
        inputs: a path or several, see :meth:`ranknosh.export.home.TakenHome.predict`, or an array or tensor.
        top: classes that are named for each input; None for as many as the model names by itself.

    Raises:
        DataError: for inputs that are not as the model takes them.
    """
    if isinstance(inputs, str | Path):
        inputs = [inputs]
    several = isinstance(inputs, Sequence) and all(isinstance(each, str | Path) for each in inputs)
    named = _read(model, [Path(each) for each in inputs]) if several else _of_array(model, inputs, "inputs")
    rows: list[dict[str, Any]] = []
    kept: list[Tensor] = []
    settings = {} if top is None else {"top": top}
    for batch in _batches(named):
        with torch.inference_mode():
            outputs = model.network(torch.stack([each for _, each in batch]))
        answers = model.module.answer(outputs, **settings)
        rows += [{"input": name, **found} for (name, _), found in zip(batch, answers, strict=True)]
        kept += outputs.unbind()
    if not rows:
        raise DataError("there is nothing to predict: give image files, folders of them, .npz or .csv files")
    return Predictions(rows, kept, model)


def _batches(named: Iterable[tuple[str, Tensor]]) -> Iterator[list[tuple[str, Tensor]]]:
    iterator = iter(named)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


def _read(model: Model, paths: Sequence[Path]) -> Iterator[tuple[str, Tensor]]:
    """Names and inputs of files, one after the other."""
    for path in paths:
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.suffix.lower() in ENDINGS)
            if not files:
                raise DataError(f"{path} holds no image file; known are {', '.join(sorted(ENDINGS))}")
            yield from _read(model, files)
        elif not path.exists():
            raise DataError(f"{path} does not exist; give image files, folders of them, .npz or .csv files")
        elif path.suffix.lower() == ".npz":
            yield from _of_npz(model, path)
        else:
            yield from _of_file(model, path)


def _of_file(model: Model, path: Path) -> Iterator[tuple[str, Tensor]]:
    pictures = model.module.KIND == "pictures"
    remedy = "give image files or .npz" if pictures else "give .csv or .npz"
    if pictures == (path.suffix.lower() == ".csv"):
        takes = f"{model.module.KIND}: {remedy}"
        raise DataError(f"{path} is no input of {model.where}, which takes {takes}")
    try:
        found = model.module.read(str(path))
    except ImportError as error:
        raise ConfigError(f"reading {path} needs a package that is not installed: {error}") from error
    except Exception as error:  # what image readers raise is not limited to a few types
        raise DataError(f"{path} cannot be read: {first_line(error)}; {remedy}") from error
    for number, each in enumerate(found):
        yield (str(path) if pictures else f"{path}[{number}]"), each


def _of_npz(model: Model, path: Path) -> Iterator[tuple[str, Tensor]]:
    arrays = read_npz(path, "inputs")
    key = next((key for key in _KEYS if key in arrays), None) or (next(iter(arrays)) if len(arrays) == 1 else None)
    if key is None:
        raise DataError(f"{path} has the arrays {', '.join(arrays) or '(none)'}; call the one with the inputs 'inputs'")
    yield from _of_array(model, arrays[key], f"{path}")


def _of_array(model: Model, given: Any, where: str) -> Iterator[tuple[str, Tensor]]:
    """Names and inputs of an array (n, ...) of inputs, or of one."""
    array = np.asarray(given) if isinstance(given, list | tuple) else as_array(given, where)
    wanted = model.inputs
    if array.ndim == len(wanted):
        array = array[None]
    found = as_inputs(array, model.module.KIND, where)
    if model.module.KIND == "pictures" and found.shape[1] == 1 < wanted[0]:
        found = found.expand(-1, wanted[0], -1, -1).contiguous()
    if tuple(found.shape[1:]) != wanted:
        raise DataError(f"{where} holds inputs of shape {tuple(found.shape[1:])}, and {model.where} takes {wanted}")
    if model.module.KIND == "tokens" and int(found.max()) >= model.module.VOCABULARY:
        raise DataError(
            f"{where} holds the token {int(found.max())}, and {model.where} knows 0..{model.module.VOCABULARY - 1}"
        )
    for number, each in enumerate(found):
        yield f"{where}[{number}]", each
