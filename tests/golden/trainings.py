"""Real trainings whose numbers are frozen: two searches of digits, a retraining, and supernets of published methods.

One thread, the CPU, the smallest networks. On the kind of processor and version of torch that wrote the files the numbers are
the same to the last digit; elsewhere they may differ by rounding (see :func:`tests.golden.files.check`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import torch

import ranknosh
from ranknosh.core.records import EpochPoint, Observed, Tested
from ranknosh.runs.events import Event, Recorded
from ranknosh.spaces.darts import Darts
from ranknosh.spaces.genotype import Genotype
from ranknosh.spaces.nets.regularisation import scheduled_rate
from ranknosh.training.epoch import learning_rate, steps_per_epoch
from ranknosh.training.settings import TrainSettings
from ranknosh.workflows.retrain import preset, retrain
from ranknosh.workflows.retrain.presets import training_of
from supernet.methods import get_method
from tests.golden.lines import line as as_line
from tests.image_sets import load
from tests.supernet_cases import tiny_darts, tiny_nasbench201, tiny_search

GENOTYPE = Genotype(
    normal=(("sep_conv_3x3", 0), ("skip_connect", 1), ("max_pool_3x3", 1), ("dil_conv_3x3", 2)),
    normal_concat=(2, 3),
    reduce=(("max_pool_3x3", 0), ("skip_connect", 1), ("sep_conv_3x3", 0), ("skip_connect", 2)),
    reduce_concat=(2, 3),
)
DIGITS = {"limit": 160, "validation_limit": 80, "test_limit": 80}
SMALLEST = {"channels": 2, "cells": 1}


def machine() -> str:
    """What rounding depends on."""
    return f"torch {torch.__version__.partition('+')[0]} {torch.backends.cpu.get_cpu_capability()}\n"


@contextmanager
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def without_report() -> Iterator[None]:
    """A run as on a machine without matplotlib: its page would take longer than its trainings."""
    known = sys.modules.get("matplotlib")
    sys.modules["matplotlib"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["matplotlib"]
        if known is not None:
            sys.modules["matplotlib"] = known


def searched(about: str, **settings: Any) -> str:
    """A search of digits in a run folder: its records, each result with its learning curve."""
    with TemporaryDirectory() as place, without_report():
        run = ranknosh.search(data={"name": "digits", **DIGITS}, out=place, name="golden", space=SMALLEST, **settings)
        records = list(run.history.records)
    lines = [f"# {about}"]
    for record in records:
        line = as_line(record)
        lines += [] if line is None else [line]
        if isinstance(record, Observed):
            curve = [f"{point.train_loss:.4f}/{point.metrics['loss']:.4f}" for point in record.curve]
            found, costs = record.metrics, record.costs
            lines.append(
                f"    loss {found['loss']:.4f} accuracy {found['accuracy']:.4f} params {costs['params']:.0f} "
                f"macs {costs['macs']:.0f} curve {' '.join(curve)}"
            )
        if isinstance(record, Tested):
            lines.append(f"    test loss {record.metrics['loss']:.4f}")
    return "\n".join(lines) + "\n"


def search_digits() -> str:
    return searched(
        "a search of digits, ranked by accuracy, proxies at the start",
        budget=20,
        seed=1,
        pyramid={"epochs": (1, 2, 4), "ratio": 0.5, "initial": 4, "batch": 3, "candidates": 7},
        seeding={"draw": 6, "proxies": ("synflow", "nwot", "grad_norm")},
        predictor={"name": "linear"},
        train={"batch": 32},
    )


def search_digits_by_loss() -> str:
    return searched(
        "a search of digits, ranked by the loss of averaged weights, augmented, with a finalist",
        budget=16,
        task={"name": "classification", "label_smoothing": 0.1},
        seed=2,
        pyramid={"epochs": (1, 2), "ratio": 0.5, "initial": 4, "batch": 2, "candidates": 6, "finalists": 1},
        seeding={"proxies": ()},
        predictor={"name": "random"},
        train={
            "batch": 32,
            "metric": "ema_loss",
            "ema": 0.9,
            "augment": "crop_flip_cutout",
            "warmup_epochs": 1.0,
            "grad_clip": 5.0,
        },
    )


def epoch_text(line: EpochPoint, settings: TrainSettings) -> str:
    lr = learning_rate(settings, line.epoch - 1, 0, steps_per_epoch(DIGITS["limit"], settings.batch))
    drop_path = scheduled_rate(settings.drop_path, line.epoch - 1, settings.total_epochs)
    return (
        f"epoch {line.epoch} lr {lr:.6f} drop_path {drop_path:.4f} "
        f"train loss {line.train_loss:.4f} accuracy {line.train_metrics['accuracy']:.4f} "
        f"validation loss {line.metrics['loss']:.4f} accuracy {line.metrics['accuracy']:.4f}"
    )


def retrained() -> str:
    lines: list[str] = []

    def keep(event: Event) -> None:
        if isinstance(event, Recorded):
            points = (record for record in event.records if isinstance(record, EpochPoint))
            lines.extend(epoch_text(point, training_of(recipe)) for point in points)

    space = Darts(steps=2)
    recipe = preset("tiny", space).replace(
        [
            *("train.drop_path=0.3", "train.epochs=2", "train.batch=32", "train.augment=crop_flip_cutout"),
            *("space.channels=4", "space.cells=3"),
        ]
    )
    result = retrain(space.of_genotype(GENOTYPE), load("digits", **DIGITS), recipe, seed=3, events=keep)
    return "\n".join(
        [
            "# a DARTS genotype retrained with drop path, an auxiliary head and augmentation",
            *lines,
            f"test loss {result.test['loss']:.4f} accuracy {result.test['accuracy']:.4f} "
            f"params {result.costs['params']:.0f} macs {result.costs['macs']:.0f}",
            "",
        ]
    )


def supernet(method: str, make: Callable[[], Any], images: int = 48) -> Callable[[], str]:
    """Three epochs of a method on a tiny supernet: what each would derive, its losses, and the alphas at the end."""

    def run() -> str:
        space = make()
        search = tiny_search(get_method(method, epochs=3), space, seed=1, images=images)
        lines = [f"# {method}, three epochs on {space.name}"]
        while not search.ended:
            report = search.run_epoch()
            alphas_loss = "none" if report.alphas_loss is None else f"{report.alphas_loss:.4f}"
            lines.append(
                f"epoch {report.epoch} {report.stage} lr {report.lr:.6f} steps {report.steps} loss {report.weights_loss:.4f} "
                f"alphas {alphas_loss} skips {report.skips} {report.text}"
            )
            lines += [f"    {name} {value:.3g}" for name, value in sorted(report.measured.items())]
        for name, values in sorted(search.parameters.items()):
            lines.append(f"{name}")
            lines += [
                "    " + " ".join(f"{value:+.6f}" for value in row)
                for row in values.detach().reshape(len(values), -1).tolist()
            ]
        lines.append(
            "result " + " ".join(f"{kind} {','.join(map(str, cell))}" for kind, cell in sorted(search.result().items()))
        )
        return "\n".join(lines) + "\n"

    return run


TRAININGS: dict[str, Callable[[], str]] = {
    "search_digits": search_digits,
    "search_digits_by_loss": search_digits_by_loss,
    "retrain": retrained,
}
SUPERNETS: dict[str, Callable[[], str]] = {
    "darts": supernet("darts", tiny_darts, images=16),
    "darts_minus": supernet("darts_minus", tiny_nasbench201),
    "pc_darts": supernet("pc_darts", tiny_nasbench201),
    "gdas": supernet("gdas", tiny_nasbench201),
    "drnas": supernet("drnas", tiny_nasbench201),
    "ostr_darts": supernet("ostr_darts", tiny_nasbench201),
}
