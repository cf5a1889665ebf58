"""Which cells the methods find on real images, and what a table knows of them: accuracy and skip connections, epoch by epoch.

    python -m benchmarks supernet_cells --data cifar10.zip --table TABLE.npz --out DIR [--methods darts gdas …] [--seeds 3]
        [--epochs 30] [--images 5000] [--channels 8] [--cells 1] [--batch 32] [--alpha-scale 8] [--show]

Every (method, seed) is a file of one JSON line an epoch in DIR; finished ones are kept, so the command may be run again, and
several processes may share the work (each takes what nobody has begun). ``darts``, ``naive``, ``ostr_star_darts`` and
``ostr_darts`` select on one and the same supernet: it is trained once, and each selection is written to a file of its own.
All methods train weights by one recipe (batch, learning rate and epochs given here); what a method publishes beyond that is
kept. ``--alpha-scale`` multiplies the published learning rates of the alphas, because a short search makes
few steps: 8 brings 30 epochs of 78 steps to the sum of learning rates of 50 epochs of 390. ``--show`` only prints the table.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from ranknosh.config.learning import DataConfig
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.signature import Signature
from ranknosh.streams import stream
from ranknosh.tasks.data.catalog import load_section
from ranknosh.tasks.data.table import Table
from ranknosh.training.surroundings import surroundings
from ranknosh.workflows.supernet.assembly import SupernetData
from supernet.method import Method, SupernetRecipe
from supernet.methods import get_method
from supernet.part import AlphaGradients, Part
from supernet.report import EpochReport
from supernet.search import SupernetSearch
from supernet.selections import Magnitude, Strength, decode

SHARED = ("darts", "naive", "ostr_star_darts", "ostr_darts")
METHODS = (*SHARED, "darts_minus", "gdas", "drnas", "beta_darts", "pc_darts", "darts_pt", "random")
FORMS = {"naive": "naive", "ostr_star_darts": "ostr_star", "ostr_darts": "ostr"}


class Selections(Part):
    """Derives by every selection of ``SHARED`` from the same epoch."""

    def __init__(self) -> None:
        self.strengths = {name: Strength(form) for name, form in FORMS.items()}  # type: ignore[arg-type]
        self.texts: dict[str, str] = {}

    def before_epoch(self, search: SupernetSearch) -> None:
        for each in self.strengths.values():
            each.before_epoch(search)

    def alpha_gradients(self, search: SupernetSearch, gradients: AlphaGradients) -> None:
        for each in self.strengths.values():
            each.alpha_gradients(search, gradients)

    def after_epoch(self, search: SupernetSearch, report: EpochReport) -> None:
        found = {"darts": Magnitude().scores(search), **{n: s.scores(search) for n, s in self.strengths.items()}}
        self.texts = {n: search.space.write(decode(search.space, search.states, s)) for n, s in found.items()}


def build_method(name: str, options: argparse.Namespace) -> Method:
    if name in SHARED:
        method = replace(get_method("darts", epochs=options.epochs), monitors=(Selections(),))
    elif name == "darts_pt":
        method = get_method(name, epochs=options.epochs, interval=2)
    else:
        method = get_method(name, epochs=options.epochs)
    optimiser = method.alpha_optimiser
    if hasattr(optimiser, "lr"):
        method = replace(method, alpha_optimiser=replace(optimiser, lr=optimiser.lr * options.alpha_scale))  # type: ignore[type-var]
    recipe = SupernetRecipe(batch=options.batch, lr=options.lr, augment="crop_flip")
    stages = tuple(
        s if s.recipe is None else replace(s, recipe=replace(s.recipe, batch=options.batch)) for s in method.stages
    )
    return replace(method, recipe=recipe, stages=stages)


def search(name: str, seed: int, options: argparse.Namespace, data: SupernetData) -> Iterator[dict[str, str]]:
    """Per epoch the derived cell, by method; the last of a method is what it finds."""
    relaxed = NasBench201(options.channels, options.cells).relaxed(
        Signature(data.source.input_shape, (len(data.source.classes),))
    )
    run = SupernetSearch(build_method(name, options), relaxed, data, seed=seed)
    while not run.ended:
        report = run.run_epoch()
        watching = next((part for part in run.method.monitors if isinstance(part, Selections)), None)
        yield dict(watching.texts) if watching is not None else {name: report.text}
    if name not in SHARED:
        yield {name: run.space.write(run.result())}


def run_all(options: argparse.Namespace) -> None:
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    data: SupernetData | None = None
    units = [n for n in options.methods if n not in SHARED]
    if any(name in SHARED for name in options.methods):
        units.insert(0, "darts")
    for seed in range(options.seeds):
        for unit in units:
            try:
                claim = os.open(folder / f"{unit}-{seed}.begun", os.O_CREAT | os.O_EXCL)
            except FileExistsError:
                continue
            os.close(claim)
            if unit == "random":
                continue
            if data is None:
                images = load_section(DataConfig(folder=options.data, limit=options.images), 0)
                data = SupernetData(images)
            began, used = time.time(), time.process_time()
            lines: dict[str, list[dict[str, Any]]] = {}
            for epoch, texts in enumerate(search(unit, seed, options, data)):
                for name, text in texts.items():
                    lines.setdefault(name, []).append(
                        {
                            "epoch": epoch,
                            "cell": text,
                            "seconds": time.time() - began,
                            "cpu": time.process_time() - used,
                        }
                    )
                print(f"{unit} seed {seed} epoch {epoch}: {next(iter(texts.values()))}", flush=True)
            for name, rows in lines.items():
                path = folder / f"{name}-{seed}.jsonl"
                path.with_suffix(".new").write_text("".join(json.dumps(row) + "\n" for row in rows))
                path.with_suffix(".new").rename(path)


def show(options: argparse.Namespace, table: Table) -> None:
    folder, space = Path(options.out), NasBench201()

    def truth(text: str) -> float:
        row = table.row(space.parse(text))
        return math.nan if row is None else 100 * float(table.truth[row])

    print(
        "| method | seeds | true accuracy % (200 epochs) | skips of 6 | core minutes | at a third, two thirds of the epochs |"
    )
    print("|---|---|---|---|---|---|")
    for name in options.methods:
        found = [_rows(folder / f"{name}-{seed}.jsonl") for seed in range(options.seeds)]
        if name == "random":
            codes = [_random_cell(seed) for seed in range(options.seeds)]
            found = [[{"cell": space.format(code), "cpu": 0.0}] for code in codes]
        runs = [rows for rows in found if rows]
        if not runs:
            continue
        last = [rows[-1]["cell"] for rows in runs]
        thirds = [
            mean(truth(rows[min(len(rows) - 1, len(rows) * part // 3)]["cell"]) for rows in runs) for part in (1, 2)
        ]
        accuracy, skips = [truth(text) for text in last], [text.count("skip_connect") for text in last]
        minutes = mean(rows[-1]["cpu"] for rows in runs) / 60
        print(
            f"| {name} | {len(runs)} | {spread(accuracy)} | {spread([float(s) for s in skips], 1)} | {minutes:.1f} | "
            f"{thirds[0]:.2f}, {thirds[1]:.2f} |"
        )
    print("\nskip connections per epoch (mean over seeds)")
    for name in options.methods:
        runs = [rows for seed in range(options.seeds) if (rows := _rows(folder / f"{name}-{seed}.jsonl"))]
        if runs:
            epochs = min(len(rows) for rows in runs)
            counts = [mean(rows[epoch]["cell"].count("skip_connect") for rows in runs) for epoch in range(epochs)]
            print(f"{name:16} {' '.join(f'{count:.1f}' for count in counts)}")
    for name in options.methods:
        for seed in range(options.seeds):
            if rows := _rows(folder / f"{name}-{seed}.jsonl"):
                print(f"{name:16} {seed} {truth(rows[-1]['cell']):.2f} {rows[-1]['cell']}")


def spread(values: Sequence[float], digits: int = 2) -> str:
    deviation = stdev(values) if len(values) > 1 else 0.0
    return f"{mean(values):.{digits}f} ± {deviation:.{digits}f}"


def _random_cell(seed: int) -> Architecture:
    space, generator = NasBench201(), stream(seed, "random cell")
    return space.sample(generator)


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks supernet_cells", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--data", help="an image folder or a zip of one")
    parser.add_argument("--table", help="NAS-Bench-201 table, npz")
    parser.add_argument("--out", help="folder of the runs")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--cells", type=int, default=1)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=0.025)
    parser.add_argument("--alpha-scale", type=float, default=8.0)
    parser.add_argument("--show", action="store_true", help="print what is there and run nothing")
    options = parser.parse_args(arguments)
    if options.table is None or options.out is None or (options.data is None and not options.show):
        print("skipped: give --data, --table and --out")
        return
    table = Table.load(options.table)
    if not options.show:
        with surroundings(1, torch.device("cpu")):
            run_all(options)
    show(options, table)
