"""The network of a retraining, to be taken home."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.core.records import Job
from ranknosh.errors import ConfigError, StoreError, to_type
from ranknosh.export.finished import Finished, task_of
from ranknosh.export.parts.loading import read_tensors
from ranknosh.training.evaluate import trained_network
from ranknosh.training.settings import Recipe
from ranknosh.training.training import job_identity, load_weights
from ranknosh.workflows import open_run
from ranknosh.workflows.retrain.presets import training_of

if TYPE_CHECKING:
    from torch import nn

    from ranknosh.config.retrain import RetrainSettings
    from ranknosh.runs.run import Run
    from ranknosh.tasks.base import Task
    from ranknosh.tasks.data import Data
    from ranknosh.training.checkpoint import CheckpointStore
    from ranknosh.workflows.retrain.records import RetrainState


def finished(
    run: Run[RetrainState], settings: RetrainSettings, checkpoints: CheckpointStore, data: Data | Task | None
) -> Finished:
    """The network that was retrained.

    Args:
        run: a retraining; one inside another run is of the data of that, wherever they lie now.
        settings: of the run.
        checkpoints: of the run.
        data: of the run, where they were given from Python.

    Raises:
        ConfigError: it has not ended.
        DataError: the data are not there, or not those of the run.
        StoreError: the checkpoint is missing or damaged.
    """
    result = run.state.result
    if result is None:
        raise ConfigError(f"{run.folder} has not ended; go on: {to_type('resume', run.folder)}")
    home: Any = settings
    section = settings.data
    if run.header.settings["data"] is None and data is None:
        with suppress(StoreError):
            home = open_run(run.folder.resolve().parent.parent).settings
            moved = section.model_dump(exclude_unset=True) if section else {}
            section = home.data.model_copy(update=moved)
    task = task_of(run, section, home.task, settings.split_seed, data)
    recipe = Recipe(settings.space.make(), task, training_of(settings, task.data))
    architecture = recipe.space.parse(result.architecture)
    job = Job(0, architecture, 1, 0, recipe.settings.total_epochs, settings.seed)
    network = _retrained(run.folder, checkpoints, recipe, job)
    return Finished(
        run,
        "the retrained network",
        settings.space,
        architecture,
        network,
        recipe,
        {} if result.trained_on_validation else result.metrics,
        result.test,
        result.costs,
        result.epochs,
        result.epochs,
        result.device,
    )


def _retrained(folder: Path, checkpoints: CheckpointStore, recipe: Recipe, job: Job) -> nn.Module:
    """The network as its checkpoint has it, or, where that was cleaned away, the weights in ``best/``."""
    kept = folder / "best" / "weights.safetensors"
    if checkpoints.publications(0) or not kept.exists():
        return trained_network(
            0, checkpoints, recipe.space, identity=job_identity(job, recipe), epochs=recipe.settings.total_epochs
        )
    network = recipe.space.network(job.architecture, recipe.signature)
    load_weights(network, read_tensors(kept))
    return network.eval()
