"""Retraining from Python: in memory, or in a run folder that is begun or resumed."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ranknosh.config.retrain import RetrainSettings
from ranknosh.errors import ConfigError
from ranknosh.runs.events import Ended, Event, Events, Opened, silent
from ranknosh.runs.journal import FILE
from ranknosh.runs.run import begin, check_same
from ranknosh.runs.stop import StopRequest
from ranknosh.workflows.retrain.found_cell import as_found_cell
from ranknosh.workflows.retrain.records import Retrained
from ranknosh.workflows.retrain.run import RetrainRun

if TYPE_CHECKING:
    from ranknosh.data import ImageData
    from ranknosh.spaces.base import Architecture
    from ranknosh.spaces.genotype import Genotype


def retrain(
    cell: Architecture | Genotype,
    data: ImageData,
    recipe: RetrainSettings,
    folder: Path | str | None = None,
    *,
    seed: int = 0,
    events: Events = silent,
    stop: StopRequest | None = None,
    command: str = "ranknosh.workflows.retrain.retrain(...)",
) -> Retrained:
    """Train a cell's network from scratch to the recipe's last epoch and read the test split once.

    The network's weights, data order and augmentation are functions of ``seed``; torch's own random state is left as it was.

    Args:
        cell: what is trained.
        data: its images.
        recipe: one of :func:`.preset`, or changed by ``preset(...).replace(["train.epochs=50"])``.
        folder: a run folder that is begun, or resumed where it holds this retraining, bit for bit on the CPU; None keeps
            nothing.
        seed: of every random draw.
        events: takes what is reported.
        stop: asked after every epoch, whether to save and leave by KeyboardInterrupt.
        command: for the journal.

    Raises:
        ConfigError: where the folder holds another retraining, naming the setting.
        DataError: for other images than those it began with.
        SpaceError: for a cell without a network.
        RetrainFailed: where training diverges or memory does not hold one image.
        StoreError: where the folder cannot be read or written.
    """
    settings = recipe.from_dict(
        {**recipe.to_dict(), "architecture": as_found_cell(cell).text, "seed": seed, "data": None}
    )
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="ranknosh-") as place:

            def passing(event: Event) -> None:
                if not isinstance(event, Opened | Ended):  # their folder is gone afterwards
                    events(event)

            passed = Path(place) / "retrain"
            return retrain(cell, data, recipe, passed, seed=seed, events=passing, stop=stop, command=command)
    folder = Path(folder)
    if (folder / FILE).exists():
        found = RetrainRun.read(folder)
        found.settings.check_resume(settings)
        check_same(found.header, RetrainRun.prepare(settings, events, data=data))
        run = found.resume(_freely_changed(found, settings), command=command, events=events, stop=stop, data=data)
    else:
        run = begin(RetrainRun, settings, command=command, events=events, stop=stop, folder=folder, data=data)
    if run.result is None:
        raise ConfigError(f"{folder} has not ended; resume it")
    return run.result


def _freely_changed(run: RetrainRun, settings: RetrainSettings) -> list[str]:
    """The settings of the training that are others than the run's, as ``key=value``; none for a run that has ended."""
    if run.ended:
        return []
    changes = run.settings.changes(settings)
    return [f"{name}={json.dumps(value)}" for name, value in changes.items() if name.startswith("train.")]
