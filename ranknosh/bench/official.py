"""The official files of NAS-Bench-201 and NATS-Bench, architecture by architecture; nothing in them is run.

- ``NAS-Bench-201-v1_1-096897.pth`` (Dong & Yang, ICLR 2020): ``arch2infos`` has for every architecture ``less`` (12 epochs) and
  ``full`` (200), and is held whole while it is read: some 5 GB.
- ``NATS-tss-v1_0-3ffb9.pickle.pbz2`` (Dong et al., TPAMI 2021): the same with names ``12`` and ``200``, held whole too.
- The folder ``NATS-tss-v1_0-3ffb9-simple``: a file of that for each architecture, one of which is held at a time.

A training has a value of ``x-valid@e`` after each epoch e (from 0), or after the last one alone: of CIFAR-100 and ImageNet16-120
the trainings to 200 epochs have validation accuracies at their end only, so that a table holds the ends of the short and of the
long trainings, which are trainings of their own.
"""

from __future__ import annotations

import bz2
import pickle
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from statistics import fmean
from typing import Any

from ranknosh.errors import DataError

DATA_SETS = ("cifar10-valid", "cifar100", "ImageNet16-120")
META, PART = "meta.pickle.pbz2", ".pickle.pbz2"
_LENGTHS = {"less": "12", "full": "200"}
_NUMPY = ("scalar", "_reconstruct")
_KNOWN = {
    ("collections", "OrderedDict"),
    ("builtins", "set"),
    ("__builtin__", "set"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    *((f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in _NUMPY),
    ("torch._utils", "_rebuild_tensor_v2"),
}


class Restricted(pickle.Unpickler):
    """Reads containers, numbers, texts, and values of numpy and torch; a pickle that names anything else to call is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):
            return _bytes
        if (module, name) not in _KNOWN:
            raise DataError(
                f"it names {module}.{name}, and a pickle may run whatever it names; only plain values are read"
            )
        return super().find_class(module, name)


def _bytes(text: str, encoding: str = "latin1") -> bytes:
    """The bytes of a number of numpy, as old pickles write them."""
    if encoding != "latin1":
        raise DataError(f"it writes bytes as {encoding}; pickles of numbers write them as latin1")
    return text.encode("latin1")


@dataclass(frozen=True)
class OfficialCell:
    """An architecture: percent, and of curves the training loss, by epoch of each training, and what else is known."""

    arch: str
    accuracies: list[dict[int, float]]
    losses: list[dict[int, float]]
    curves: bool
    facts: dict[str, float]


def is_official(path: Path) -> bool:
    """Whether a path has the name of one of the files or of a folder above."""
    return (path / META).is_file() if path.is_dir() else path.name.endswith((".pth", PART))


def architectures(path: Path, data_set: str) -> Iterator[OfficialCell]:
    """What is known of validation on a data set.

    Args:
        path: of the file or the folder.
        data_set: one of :data:`DATA_SETS`.

    Raises:
        DataError: for what is no such file, and for one that would run something.
    """
    found = None
    for where, by_length in _by_length(path):
        try:
            shown = _shown(by_length, data_set)
        except DataError as error:
            raise DataError(f"{where} of {path}: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise DataError(f"{where} of {path} has not the layout of NAS-Bench-201 ({error!r})") from error
        if found is not None and shown.curves != found.curves:
            raise DataError(
                f"{where} of {path} has {'curves' if shown.curves else 'no curves'}, unlike those before it"
            )
        found = shown
        yield shown


def _by_length(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Results by the number of epochs, as text, of each architecture."""
    if path.is_dir():
        for file in sorted(each for each in path.glob(f"*{PART}") if each.name != META):
            yield file.name, _checked(_read(file), file)
        return
    everything = _checked(_read(path), path).get("arch2infos")
    if not isinstance(everything, dict):
        raise DataError(
            f"{path} has no arch2infos; give the whole file, or the folder of one file for each architecture"
        )
    for number in sorted(everything):
        yield f"architecture {number}", _checked(everything[number], path)


def _checked(found: Any, path: Path) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise DataError(f"{path} holds {type(found).__name__} where results by name are expected")
    return found


def _read(path: Path) -> Any:
    try:
        if path.suffix == ".pth":
            import torch

            reading: Any = types.ModuleType("restricted")
            reading.Unpickler, reading.load = Restricted, lambda file, **options: Restricted(file, **options).load()
            return torch.load(path, map_location="cpu", pickle_module=reading, weights_only=False)
        with bz2.open(path) as file:
            return Restricted(file).load()
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except MemoryError:
        raise DataError(
            f"{path} does not fit into memory; the folder NATS-tss-v1_0-3ffb9-simple has the same values and is read file by file"
        ) from None
    except Exception as error:  # a pickle may be broken in any way
        raise DataError(f"{path} cannot be read: {error}") from error


def _shown(by_length: Mapping[str, Any], data_set: str) -> OfficialCell:
    lengths = {int(_LENGTHS.get(name, name)): results for name, results in by_length.items()}
    trainings = {
        epochs: [each for (data, _), each in sorted(lengths[epochs]["all_results"].items()) if data == data_set]
        for epochs in sorted(lengths)
    }
    longest = trainings[max(trainings)]
    if not longest:
        known = sorted({data for data, _ in lengths[max(lengths)]["all_results"]})
        raise DataError(
            f"it has no training on {data_set} to {max(lengths)} epochs; there are {', '.join(known) or 'none'}"
        )
    points = [_validation(each) for each in longest]
    curves = all(len(each) > 1 for each in points)
    losses = [{int(epoch) + 1: float(loss) for epoch, loss in each["train_losses"].items()} for each in longest]
    if not curves:
        ends = [[_validation(each)[epochs] for each in of] for epochs, of in trainings.items()]
        pairs = zip_longest(
            *ends
        )  # the first short training beside the first long one, which are trainings of their own
        points = [{e: value for e, value in zip(trainings, pair, strict=True) if value is not None} for pair in pairs]
        losses = [{} for _ in points]
    facts = {
        "params": 1e6 * float(longest[0]["params"]),
        "macs": 1e6 * float(longest[0]["flop"]),
        "seconds_per_epoch": fmean(float(second) for each in longest for second in each["train_times"].values()),
    }
    return OfficialCell(str(lengths[max(lengths)]["arch_str"]), points, losses, curves, facts)


def _validation(training: Mapping[str, Any]) -> dict[int, float]:
    """Percent by epoch, from 1."""
    names = (name.partition("@") for name in training["eval_acc1es"])
    return {
        int(epoch) + 1: float(training["eval_acc1es"][f"{name}@{epoch}"])
        for name, _, epoch in names
        if name == "x-valid"
    }
