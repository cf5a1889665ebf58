"""Retraining from Python: in memory, or in a run folder that is begun or resumed."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.config.retrain import RetrainSettings
from ranknosh.errors import ConfigError
from ranknosh.runs.events import Ended, Event, Events, Opened, silent
from ranknosh.runs.journal import FILE
from ranknosh.runs.prepared import check_same
from ranknosh.runs.run import begin
from ranknosh.runs.session import StopRequest
from ranknosh.workflows.retrain.records import Retrained
from ranknosh.workflows.retrain.run import RetrainRun

if TYPE_CHECKING:
    from ranknosh.spaces.base import Architecture
    from ranknosh.tasks.base import Task
    from ranknosh.tasks.data import Data


def retrain(
    architecture: Architecture,
    data: Data | Task,
    recipe: RetrainSettings,
    folder: Path | str | None = None,
    *,
    seed: int = 0,
    events: Events = silent,
    stop: StopRequest | None = None,
    command: str = "ranknosh.workflows.retrain.retrain(...)",
) -> Retrained:
    """Train the network of an architecture from scratch to the recipe's last epoch and read the test split once.

    The network's weights, data order and augmentation are functions of ``seed``; torch's own random state is left as it was.

    Args:
        architecture: what is trained, of the recipe's space.
        data: learned, or a task, which holds its data.
        recipe: one of :func:`.preset`, or changed by ``preset(...).replace(["train.epochs=50"])``.
        folder: a run folder that is begun, or resumed where it holds this retraining, bit for bit on the CPU; None keeps
            nothing.
        seed: of every random draw.
        events: takes what is reported.
        stop: asked after every epoch, whether to save and leave by KeyboardInterrupt.
        command: for the journal.

    Raises:
        ConfigError: where the folder holds another retraining, naming the setting.
        DataError: for other data than those it began with.
        SpaceError: for an architecture without a network.
        RetrainFailed: where training diverges or memory does not hold one example.
        StoreError: where the folder cannot be read or written.
    """
    text = recipe.space.make().format(architecture)
    settings = recipe.from_dict({**recipe.to_dict(), "architecture": text, "seed": seed, "data": None})
    given: dict[str, Any] = {"command": command, "stop": stop, "data": data}
    if folder is None:

        def passing(event: Event) -> None:
            if not isinstance(event, Opened | Ended):  # their folder is gone afterwards
                events(event)

        with tempfile.TemporaryDirectory(prefix="ranknosh-") as place:
            run: RetrainRun = begin(_Unkept, settings, folder=Path(place) / "retrain", events=passing, **given)
    elif (Path(folder) / FILE).exists():
        found = RetrainRun.read(folder)
        found.settings.check_resume(settings)
        check_same(found.header, RetrainRun.prepare(settings, events, data=data))
        changes = {} if found.ended else found.settings.changes(settings)
        freely = [f"{name}={json.dumps(value)}" for name, value in changes.items() if name.startswith("train.")]
        run = found.resume(freely, events=events, **given)
    else:
        run = begin(RetrainRun, settings, folder=Path(folder), events=events, **given)
    if run.result is None:
        raise ConfigError(f"{run.folder} has not ended; resume it")
    return run.result


class _Unkept(RetrainRun):
    """A retraining whose folder is removed with its end, so that no page of it could be read."""

    def report_if_possible(self, events: Events) -> None:
        """Nothing is written."""
