"""RankNOSH beside Optuna and Ray Tune on the demo: the same space, trainings, levels and epochs.

    python -m benchmarks head_to_head [--config configs/demo.yaml] [--epochs 64] [--seeds 3] [--methods ...] [--folder DIR]

Every search has the same number of training epochs, whatever the machine does beside, so that a seed gives the same figures again
(on one kind of CPU). From RankNOSH's the time of its train-free scores is taken off, as epochs. What is found is trained from
scratch by the demo's recipe, judged on validation and read on test once, as by ``compare``. ``random`` and ``optuna_tpe`` train
everything to the top. The other two draw options slot by slot, as users of these packages would, train what comes epoch by epoch
by the trainer of the search, and stop a training where the package says so; its rungs are the levels. They answer with what the
package calls best:

- ``optuna_halving``: ``study.optimize`` with TPESampler and SuccessiveHalvingPruner.
- ``ray_tune_asha``: ``Tuner.fit`` with random search and ASHAScheduler, one trial at a time in a worker process that they share.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import optuna
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.basic_variant import BasicVariantGenerator

from benchmarks.reliability_engines import ray_cluster
from ranknosh.bench.packages import parameters
from ranknosh.config.screen import table
from ranknosh.config.search import SearchSettings
from ranknosh.core.records import Job, Observed
from ranknosh.predictors.optuna_tpe import Parameters, seed_of, study_of
from ranknosh.runs.run import begin
from ranknosh.spaces.base import Architecture, Space
from ranknosh.streams import stream, torch_seed
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.rung import train_rung
from ranknosh.training.settings import Recipe
from ranknosh.workflows.compare.methods import SearchMethod, make_methods
from ranknosh.workflows.compare.statistics import margin
from ranknosh.workflows.retrain.api import retrain
from ranknosh.workflows.retrain.recipes import recipe_of
from ranknosh.workflows.search.assembly import build_parts
from ranknosh.workflows.search.run import SearchRun

DEMO = Path(__file__).parents[1] / "configs" / "demo.yaml"
SCORES = 8
"""Epochs that are as long as the demo's train-free scores: 7 s (README), where one epoch takes 0.9 s."""
ETA = 2
"""The ratio of the demo's levels."""


class Search(NamedTuple):
    """What a search is of: settings, recipe without test examples, training epochs, seed, and its folder."""

    config: SearchSettings
    recipe: Recipe
    epochs: int
    seed: int
    folder: Path


class Found(NamedTuple):
    """What a search found, after so many epochs of so many trainings."""

    architecture: Architecture
    epochs: int
    trainings: int


class Training:
    """One training of a candidate, an epoch at a time. ``number``: of the candidate; with the seed of the search it fixes weights
    and data order."""

    def __init__(self, search: Search, found: Architecture, number: int) -> None:
        self.recipe, self.found, self.number, self.epochs = search.recipe, found, number, 0
        self.seed, self.store = torch_seed(search.seed, "head to head", number), CheckpointStore(search.folder)

    def epoch(self) -> float:
        """The metric that ranks after one epoch more, higher is better. Raises RuntimeError where the training failed."""
        job = Job(self.number, self.found, 1, self.epochs, self.epochs + 1, self.seed)
        outcome = train_rung(job, self.recipe, self.store).outcome
        if not isinstance(outcome, Observed):
            raise RuntimeError(f"{outcome}")
        self.epochs += 1
        return outcome.metric


def engine(search: Search, name: str) -> Found:
    """A search of the engine, by its settings or those of a rival."""
    method = make_methods([name], search.recipe.space)[name]
    assert isinstance(method, SearchMethod)
    plain = method.settings(search.config, search.seed).to_dict()
    plain["budget"] = {"epochs": search.epochs - (SCORES if plain["seeding"]["proxies"] else 0)}
    settings = SearchSettings.from_dict(plain | {"baseline": "none"})
    run = begin(SearchRun, settings, command="head_to_head", folder=search.folder, data=search.recipe.task)
    trained = [each for each in run.pool.candidates.values() if each.level]
    return Found(run.best.architecture, run.pool.epochs_spent, len(trained))


def optuna_halving(search: Search, _: str) -> Found:
    """See the module."""
    levels, options, spent = search.config.pyramid.epochs, Parameters(search.recipe.space), 0
    pruner = optuna.pruners.SuccessiveHalvingPruner(levels[0], reduction_factor=ETA)
    sampler = optuna.samplers.TPESampler(seed=seed_of(stream(search.seed, "head to head")))
    study = study_of(sampler, pruner, search.seed)

    def objective(trial: optuna.Trial) -> float:
        nonlocal spent
        training = Training(search, search.recipe.space.of(options.suggested(trial)), trial.number)
        while True:
            value, spent = training.epoch(), spent + 1
            trial.report(value, training.epochs)
            if spent == search.epochs:
                study.stop()
            if training.epochs == levels[-1]:
                return value
            if spent == search.epochs or trial.should_prune():
                raise optuna.TrialPruned

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study.optimize(objective)
    best = options.suggested(optuna.trial.FixedTrial(study.best_trial.params))
    return Found(search.recipe.space.of(best), spent, len(study.trials))


def ray_tune_asha(search: Search, _: str) -> Found:
    """See the module."""
    levels, spent = search.config.pyramid.epochs, Spent(search.epochs)
    tuner = tune.Tuner(
        tune.with_parameters(Trainable, search=search),
        param_space=parameters(search.recipe.space, lambda low, high: tune.randint(low, high + 1), tune.choice),
        tune_config=tune.TuneConfig(
            metric="metric",
            mode="max",
            num_samples=-1,
            search_alg=BasicVariantGenerator(random_state=search.seed, max_concurrent=1),
            scheduler=ASHAScheduler("epochs", max_t=levels[-1], grace_period=levels[0], reduction_factor=ETA),
            reuse_actors=True,
        ),
        run_config=tune.RunConfig("tune", str(search.folder), stop=spent, verbose=0),
    )
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112  # by default workers give way to all else on a machine
    with ray_cluster():
        results = tuner.fit()
    trained = [one for one in results if "epochs" in (one.metrics or {})]
    best = results.get_best_result().config
    return Found(architecture(search.recipe.space, best), sum(one.metrics["epochs"] for one in trained), len(trained))


def architecture(space: Space, config: Mapping[str, int]) -> Architecture:
    """What a trial of Ray Tune asks for."""
    return space.of([config[str(number)] for number in range(len(space.edits))])


class Trainable(tune.Trainable):
    """The training of a trial; a process has one after another."""

    def setup(self, config: dict[str, Any], search: Search) -> None:
        """Begin the first one."""
        self.search = search
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another one."""
        found = architecture(self.search.recipe.space, new_config)
        self.training = Training(self.search, found, int(self.trial_id.rpartition("_")[2]))
        return True

    def step(self) -> dict[str, Any]:
        """One epoch."""
        return {"metric": self.training.epoch(), "epochs": self.training.epochs}

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, int]:
        """How far the training is; its weights are in its own checkpoints."""
        return {"epochs": self.training.epochs}


class Spent(tune.Stopper):
    """Ends everything after so many epochs."""

    def __init__(self, limit: int) -> None:
        self.left = limit

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Hears of every epoch; ends no training alone."""
        self.left -= 1
        return False

    def stop_all(self) -> bool:
        """Whether all epochs are spent."""
        return self.left <= 0


METHODS: dict[str, Callable[[Search, str], Found]] = {
    "ranknosh": engine,
    "random": engine,
    "optuna_tpe": engine,
    "optuna_halving": optuna_halving,
    "ray_tune_asha": ray_tune_asha,
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks head_to_head",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, default=DEMO)
    parser.add_argument("--epochs", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--folder", type=Path, help="where the searches are kept; a temporary folder by default")
    options = parser.parse_args(arguments)
    config = SearchSettings.load(options.config, ["budget.device_time=1h"])
    recipe = build_parts(config).recipe
    blind = replace(recipe, task=recipe.task.with_data(replace(recipe.data, test=recipe.data.test.first(0))))
    names, finals = options.methods.split(","), defaultdict[str, list[list[float]]](list)
    with tempfile.TemporaryDirectory(prefix="rn-head-to-head-") as place:
        for seed, name in product(range(options.seeds), names):
            folder = (options.folder or Path(place)).resolve() / f"{name}-{seed}"
            found = METHODS[name](Search(config, blind, options.epochs, seed, folder), name)
            final = recipe_of(config, recipe.space, config.pyramid.epochs[-1])
            result = retrain(found.architecture, recipe.task, final, seed=torch_seed(seed, "final"))
            validation, test = (100 * part["accuracy"] for part in (result.metrics, result.test))
            finals[name].append([validation, test])
            text, work = recipe.space.format(found.architecture), f"{found.epochs} epochs, {found.trainings} trainings"
            print(f"{name} {seed}: validation {validation:.2f} %, test {test:.2f} %, {work}, {text}", flush=True)
    rows = []
    for name in names:
        parts = [(fmean(part), margin(part) or math.nan) for part in zip(*finals[name], strict=True)]
        rows.append([name, *(f"{mean:.2f} ± {half:.2f}" for mean, half in parts)])
    print(table(("method", "validation %", "test %"), rows, "lrr"))
    print(f"± is half a 95 % t interval over {options.seeds} seeds")
