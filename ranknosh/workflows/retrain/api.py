"""Retraining from Python: in memory, or in a run folder that is begun or gone on with."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.errors import ConfigError, DataError, MissingDependency
from ranknosh.runs.files import write_atomic
from ranknosh.runs.provenance import git_revision, host_cores, versions
from ranknosh.workflows.retrain.journal import NAME, Journal, Record
from ranknosh.workflows.retrain.outcome import Retrained
from ranknosh.workflows.retrain.recipe import Recipe, RetrainConfig, check_unchanged
from ranknosh.workflows.retrain.subject import Subject, as_subject

if TYPE_CHECKING:
    from ranknosh.data import ImageData
    from ranknosh.spaces.base import Architecture
    from ranknosh.spaces.genotype import Genotype
    from ranknosh.workflows.retrain.session import Listener, Retraining

CONFIG_NAME = "config.yaml"


def retrain(
    cell: Architecture | Genotype,
    data: ImageData,
    recipe: Recipe,
    folder: Path | str | None = None,
    *,
    seed: int = 0,
    listener: Listener | None = None,
    command: str = "ranknosh.workflows.retrain.retrain(...)",
    stop: Callable[[], bool] = lambda: False,
) -> Retrained:
    """Train a cell's network from scratch to the recipe's last epoch and read the test split once.

    ``recipe``: one of :func:`.preset`, or changed by ``preset(...).replace(["train.epochs=50"])``. ``folder``:
    a run folder (journal, checkpoints, weights, report) that is begun, or gone on with where it holds this retraining
    unfinished, bit for bit on the CPU; one that has ended gives its result at once. None keeps nothing. ``stop``: asked after
    every epoch, whether to save and leave by KeyboardInterrupt. The network's weights, data order and augmentation are functions
    of ``seed``; torch's own random state is left as it was.

    Raises ConfigError where the folder holds another retraining (naming the setting), DataError for other images, SpaceError
    for a cell without a network, RetrainFailed where training diverges or memory does not hold one image, StoreError.
    """
    from ranknosh.workflows.retrain.session import Silent

    subject = as_subject(cell)
    watch = listener or Silent()
    if folder is None:
        return _in_memory(subject, data, recipe, seed, watch, stop)
    folder = Path(folder)
    config = recipe if isinstance(recipe, RetrainConfig) else RetrainConfig(**recipe.model_dump(), seed=seed)
    if config.seed != seed:
        raise ConfigError(f"the config says seed {config.seed} and the call says {seed}; give one of them")
    return _in_folder(subject, data, config, folder, command, watch, stop)


def _in_memory(
    subject: Subject, data: ImageData, recipe: Recipe, seed: int, listener: Listener, stop: Callable[[], bool]
) -> Retrained:
    from ranknosh.training import CheckpointStore
    from ranknosh.workflows.retrain.session import Retraining

    record = Record()
    with tempfile.TemporaryDirectory(prefix="ranknosh-") as place:
        task = recipe.task(data)
        return Retraining(subject, task, seed, CheckpointStore(place), record, record.add, listener, stop).run()


def _in_folder(
    subject: Subject,
    data: ImageData,
    config: RetrainConfig,
    folder: Path,
    command: str,
    listener: Listener,
    stop: Callable[[], bool],
) -> Retrained:
    from ranknosh.training import CheckpointStore
    from ranknosh.training.surroundings import resolve_device
    from ranknosh.workflows.retrain.session import Retraining

    device = resolve_device(config.train.device)
    with _opened(subject, data, config, folder, command) as journal:
        record = journal.record
        if record.result is not None:
            listener.on_message(f"{folder} has ended already; nothing to do")
            write_page_if_possible(folder, listener)
            return record.result
        write_atomic(folder / CONFIG_NAME, config.to_yaml().encode())
        write_atomic(folder / "genotype.txt", (subject.text + "\n").encode())
        listener.on_message(f"run folder {folder}")
        if subject.is_dead:
            listener.on_message("nothing passes through this cell: its network will stay at chance")
        journal.begin_session(
            {"device": str(device), "host_cores": host_cores(), "command": command, "torn_bytes": record.torn}
        )
        task, checkpoints = config.task(data), CheckpointStore(folder / "checkpoints")
        retraining = Retraining(subject, task, config.seed, checkpoints, record, journal.append, listener, stop)
        result = retraining.run()
        _write_best(folder, result, retraining)
        journal.end(result)
    write_page_if_possible(folder, listener)
    return result


def _write_best(folder: Path, result: Retrained, retraining: Retraining) -> None:
    from ranknosh.training.best import write_best
    from ranknosh.training.training import job_identity

    names = ("architecture", "space", "epochs", "validation_accuracy", "test_accuracy", "params", "macs")
    weights = retraining.checkpoints.weights(0, identity=job_identity(retraining.job, retraining.task))
    write_best(folder, {name: getattr(result, name) for name in names}, retraining.task, weights)


def _opened(subject: Subject, data: ImageData, config: RetrainConfig, folder: Path, command: str) -> Journal:
    """The folder's journal, which agrees with what is asked for."""
    if not (folder / NAME).exists():
        return Journal.create(folder, _header(subject, data, config, folder, command))
    journal = Journal.open(folder)
    try:
        header = journal.record.header
        if header["architecture"] != subject.text:
            raise ConfigError(
                f"{folder} retrains {header['architecture']}, not {subject.text}; leave the genotype out, or give another folder"
            )
        check_unchanged(header["config"], config.to_dict())
        if header["data"]["fingerprint"] != data.fingerprint:
            raise DataError(
                f"the images of {data.name} are not those this retraining began with (fingerprint {data.fingerprint[:12]} "
                f"instead of {header['data']['fingerprint'][:12]}); bring the old images back or start a new one"
            )
    except BaseException:
        journal.close()
        raise
    return journal


def _header(subject: Subject, data: ImageData, config: RetrainConfig, folder: Path, command: str) -> dict[str, Any]:
    return {
        "id": f"{folder.name}-{uuid.uuid4().hex[:12]}",
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "config": config.to_dict(),
        "architecture": subject.text,
        "space": subject.space,
        "versions": versions(),
        "git": git_revision(),
        "command": command,
        "data": {
            "name": data.name,
            "fingerprint": data.fingerprint,
            "image_shape": list(data.image_shape),
            "classes": list(data.classes),
            "images": {"train": len(data.train), "validation": len(data.validation), "test": len(data.test)},
        },
    }


def write_page_if_possible(folder: Path, listener: Listener) -> None:
    """The report of a run folder, or a word on what it needs."""
    from ranknosh.workflows.retrain.page import write_page

    try:
        write_page(folder)
    except MissingDependency as error:
        listener.on_message(f"no report.html: {error}")
