"""Does the demo carry a signal? How well early epochs, and another seed, tell the final order of random cells.

    python -m benchmarks.demo_signal [--config configs/demo.yaml] [--set train.lr=0.05 ...] [--cells 24] [--json OUT]

Cells are uniform random ones of the config's space (no dead ones, no two of one isomorphism class), each trained twice with
different seeds by the engine's own ``train_rung``, one rung an epoch. Printed for every metric a search may rank by: the
Spearman correlation between the two seeds' final values (the ceiling: no predictor can know more), and between the value at
each level's last epoch with one seed and the final value with the other (mean of both directions), each with its standard
error by bootstrap over cells.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ranknosh.config.search import SearchSettings
from ranknosh.core.metrics import spearman
from ranknosh.core.records import Job, Observed
from ranknosh.core.seeding import draw
from ranknosh.spaces.base import Architecture
from ranknosh.streams import stream, torch_seed
from ranknosh.tasks.base import LOSS
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.evaluate import evaluate
from ranknosh.training.rung import train_rung
from ranknosh.training.settings import Recipe
from ranknosh.training.surroundings import surroundings
from ranknosh.training.training import build_network, load_weights, place
from ranknosh.workflows.search.assembly import Parts, build_parts, pyramid_of

SEEDS = (0, 1)
RESAMPLES = 500
DEFAULT_CONFIG = Path(__file__).parents[1] / "configs" / "demo.yaml"
Values = NDArray[np.float64]


def readings(
    architecture: Architecture, number: int, seed: int, recipe: Recipe, store: CheckpointStore
) -> tuple[Values, Values]:
    """Every metric after every epoch: (epochs, metrics), higher is better, in the order of :func:`metric_names`; and the
    seconds of every epoch as a search would spend them, (epochs,)."""
    rows, seconds = [], []
    for epoch in range(1, recipe.settings.total_epochs + 1):
        job = Job(number, architecture, 1, epoch - 1, epoch, torch_seed(seed, "demo_signal", number))
        outcome = train_rung(job, recipe, store).outcome
        if not isinstance(outcome, Observed):
            raise SystemExit(f"cell {number} with seed {seed} did not finish epoch {epoch}: {outcome}")
        seconds.append(outcome.curve[-1].seconds)
        rows.append([value for weights in _kinds(recipe) for value in _read(job, recipe, store, weights)])
    return np.array(rows), np.array(seconds)


def metric_names(recipe: Recipe) -> list[str]:
    return [
        f"{'ema_' if kind == 'average' else ''}{name}"
        for kind in _kinds(recipe)
        for name in (*recipe.task.metrics, LOSS)
    ]


def _kinds(recipe: Recipe) -> tuple[str, ...]:
    return ("weights", "average") if recipe.settings.ema else ("weights",)


def _read(job: Job, recipe: Recipe, store: CheckpointStore, kind: str) -> list[float]:
    """Validation metrics and loss of the raw or the averaged weights of the checkpoint the rung left, higher being better."""
    found = store.read(job.candidate_id, job.replica).checkpoint
    assert found is not None
    weights = found.weights if kind == "weights" else found.average
    assert weights is not None
    device = torch.device("cpu")
    with surroundings(recipe.settings.threads, device):
        network = build_network(job.architecture, recipe.space, recipe.signature, job.seed)
        load_weights(network, weights)
        place(network, recipe.settings, device)
        found_metrics = evaluate(network, recipe.data.validation, recipe)
    return [recipe.task.direction(name) * found_metrics[name] for name in (*recipe.task.metrics, LOSS)]


def agreement(first: Values, second: Values) -> float:
    """Spearman between one seed's early values and the other's final ones, both ways. ``first``, ``second``: (cells, 2)
    early and final values, one column a seed."""
    both = (spearman(first[:, 0], second[:, 1]), spearman(first[:, 1], second[:, 0]))
    return float(np.mean([0.0 if value is None else value for value in both]))


def standard_error(first: Values, second: Values) -> float:
    rng = stream(0, "bootstrap")
    samples = (rng.integers(len(first), size=len(first)) for _ in range(RESAMPLES))
    return float(np.std([agreement(first[rows], second[rows]) for rows in samples], ddof=1))


def report(values: Values, seconds: Values, names: Sequence[str], parts: Parts, candidates: int) -> dict[str, object]:
    """Print the table and return it. ``values``: (cells, seeds, epochs, metrics); ``seconds``: (cells, seeds, epochs)."""
    levels = parts.config.pyramid.epochs
    print(f"{'metric':14} {'seed to seed':>14} " + " ".join(f"{f'epoch {epoch}':>14}" for epoch in levels[:-1]))
    table: dict[str, object] = {}
    for index, name in enumerate(names):
        final = values[:, :, -1, index]
        cells = {epoch: values[:, :, epoch - 1, index] for epoch in levels}
        found = {epoch: (agreement(early, final), standard_error(early, final)) for epoch, early in cells.items()}
        shown = [
            f"{rho:.2f} +- {error:.2f}" for rho, error in (found[levels[-1]], *(found[epoch] for epoch in levels[:-1]))
        ]
        print(
            f"{name:14} "
            + " ".join(f"{text:>14}" for text in shown)
            + ("   <- ranks" if name == _ranking(parts) else "")
        )
        table[name] = {str(epoch): {"spearman": rho, "standard_error": error} for epoch, (rho, error) in found.items()}
    accuracy = values[:, :, -1, names.index("accuracy")].mean(axis=1)
    per_epoch = float(np.median(seconds))
    cost = pyramid_of(parts.config).cost(candidates)
    print(f"final accuracy {accuracy.mean():.3f}, {accuracy.min():.3f} to {accuracy.max():.3f} over cells")
    print(
        f"{per_epoch:.2f} s an epoch (median; mean {seconds.mean():.2f}); {candidates} candidates cost {cost} epochs, "
        f"about {cost * seconds.mean():.0f} s of training"
    )
    return {"levels": list(levels), "metrics": table, "seconds_per_epoch": per_epoch, "accuracy": accuracy.tolist()}


def _ranking(parts: Parts) -> str:
    recipe = parts.recipe
    return f"{'ema_' if recipe.settings.reads_average else ''}{recipe.ranked}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--cells", type=int, default=24)
    parser.add_argument("--cell-seed", type=int, default=0, help="which random cells")
    parser.add_argument("--json", type=Path, help="write the table and every value here")
    options = parser.parse_args(arguments)
    config = SearchSettings.load(options.config, options.settings)
    parts = build_parts(config)
    recipe, names = parts.recipe, metric_names(parts.recipe)
    cells = draw(recipe.space, options.cells, options.cell_seed)
    print(
        f"{len(cells)} random cells x {len(SEEDS)} seeds x {recipe.settings.total_epochs} epochs on {recipe.data.name}",
        flush=True,
    )
    began, found = time.perf_counter(), []
    with tempfile.TemporaryDirectory() as folder:
        for number, architecture in enumerate(cells):
            store = CheckpointStore(Path(folder))
            for seed in SEEDS:
                found.append(readings(architecture, number, seed, recipe, store))
                store.remove(number)
    values = np.array([value for value, _ in found]).reshape(
        len(cells), len(SEEDS), recipe.settings.total_epochs, len(names)
    )
    seconds = np.array([spent for _, spent in found]).reshape(values.shape[:3])
    table = report(values, seconds, names, parts, config.pyramid.candidates or options.cells)
    print(f"{time.perf_counter() - began:.0f} s in all")
    if options.json:
        texts = [recipe.space.format(cell) for cell in cells]
        options.json.write_text(
            json.dumps({**table, "cells": texts, "names": names, "values": values.tolist()}, indent=1)
        )


if __name__ == "__main__":
    main()
