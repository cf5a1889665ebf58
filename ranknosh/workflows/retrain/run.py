"""A retraining as a run: the trainer of candidates over a whole recipe, its epochs written down, then the test read once."""

from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from typing import Any

from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.retrain import RetrainSettings
from ranknosh.config.sections import DataConfig
from ranknosh.core.records import EpochPoint, Failed, Job, Observed, Tested
from ranknosh.errors import ConfigError, RankNoshError, SpaceError, StoreError
from ranknosh.runs.events import Epoch, Events, Progress
from ranknosh.runs.files import write_atomic
from ranknosh.runs.run import Prepared, Run, Waste
from ranknosh.runs.session import RunSession
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space
from ranknosh.training.best import write_best
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.settings import Task
from ranknosh.workflows.retrain.found_cell import cell_text, parse_cell
from ranknosh.workflows.retrain.presets import training_of
from ranknosh.workflows.retrain.records import RECORDS, Retrained, RetrainFailed, RetrainState


class RetrainRun(Run[RetrainState]):
    """A retraining as read from its folder; ``result`` is None until it has ended."""

    WORKFLOW = "retrain"
    SETTINGS = RetrainSettings
    RECORDS = RECORDS
    STATE = RetrainState
    settings: RetrainSettings

    @property
    def result(self) -> Retrained | None:
        return self.state.result

    @property
    def reason(self) -> str | None:
        return None if self.result is None else f"all {self.result.epochs} epochs are trained"

    @property
    def exit_code(self) -> int:
        return 0 if self.ended else 5

    def status(self) -> dict[str, Any]:
        result, curve = self.result, self.state.curve
        return {
            "architecture": self.settings.architecture,
            "preset": self.settings.preset,
            "epochs": len(curve),
            "epochs_planned": self.settings.train.epochs,
            "validation_accuracy": curve[-1].validation_accuracy if curve else None,
            "test_accuracy": result.test_accuracy if result else None,
            "params": result.params if result else None,
            "macs": result.macs if result else None,
            "device_seconds": result.device_seconds if result else self.state.seconds,
        }

    def top(self, count: int) -> list[dict[str, Any]]:
        """The one network that was trained, where it is."""
        return [asdict(self.result)] if self.result else []

    def page(self) -> str:
        from ranknosh.workflows.retrain.page import render

        return render(self.folder.resolve().name, self.header, self.sessions, self.settings, self.state)

    def checkpoints(self) -> CheckpointStore:
        """Where the training's state is."""
        return CheckpointStore(self.folder.resolve() / "checkpoints")

    def waste(self, everything: bool) -> list[Waste]:
        """The checkpoint of a retraining that has ended, whose weights are in ``best/``."""
        found = super().waste(everything)
        if self.ended and (self.folder / "best" / "weights.safetensors").exists():
            kept = self.checkpoints()
            why = "the retraining has ended; its weights are in best/"
            for held in kept.holdings():
                found.append(Waste(str(held.where), held.size, why, partial(kept.delete, [held.name])))
        return found

    @classmethod
    def prepare(cls, settings: RetrainSettings, events: Events, **given: Any) -> Prepared:
        """Read the cell and load the images; ``data`` takes the place of ``settings.data``."""
        from ranknosh.data.catalog import load_section
        from ranknosh.training.surroundings import resolve_device
        from ranknosh.workflows.search.assembly import size_of

        if settings.architecture is None:
            raise ConfigError("architecture is not set: nothing is there to retrain; give the text of a cell")
        cell = parse_cell(settings.architecture)
        resolve_device(settings.train.device)
        images = given.get("data") or load_section(settings.data or DataConfig(name=FROM_PYTHON), settings.split_seed)
        facts = {"architecture": cell_text(cell), "space": cell.space}
        task = Task(images, size_of(settings.network, images.facts), training_of(settings))
        return Prepared("retrain", (cell, task), images.facts, facts, ("architecture",))

    def work(self, session: RunSession, prepared: Prepared) -> None:
        """Train what is left, test, and write ``best/``; nothing is done where it has ended.

        Raises:
            RetrainFailed: for a training that diverged, raised, or runs out of memory with one image at a time.
            StoreError: for a checkpoint that cannot be read or written.
            SpaceError: for images too small for the network.
        """
        from ranknosh.training.evaluate import test_candidate
        from ranknosh.training.rung import train_whole
        from ranknosh.training.surroundings import resolve_device
        from ranknosh.training.training import job_identity

        if self.ended:  # only a setting that decides nothing was changed; the test images are read once
            session.say(f"{self.reason}; nothing is left to do")
            return
        cell, task = prepared.parts
        checkpoints, device = self.checkpoints(), str(resolve_device(task.settings.device))
        write_atomic(self.folder / "genotype.txt", (cell_text(cell) + "\n").encode())
        if cell.space != "darts" and get_space(cell.space).is_dead(cell):
            session.say("nothing passes through this cell: its network will stay at chance")
        session.began(device)
        job = Job(0, cell, 1, 0, task.settings.total_epochs, self.settings.seed)
        identity, last = job_identity(job, task), job.stop_epoch
        found = checkpoints.read(0, 0, identity).checkpoint
        self._catch_up(session, found.curve if found else (), last)
        outcome = train_whole(
            job,
            task,
            checkpoints,
            session.say,
            stop=lambda: session.stop.requested,
            on_epoch=lambda _, point: self._keep(session, point, last),
            on_step=lambda epoch, step, steps: session.events(
                Progress("epochs", epoch - 1 + step / steps, last, f"step {step} of {steps}")
            ),
        )
        if isinstance(outcome, Failed):
            raise _error_of(outcome, device)
        self._catch_up(session, outcome.curve, last)
        result = self._result(cell, task, outcome, test_candidate(job, task, checkpoints), device)
        names = ("architecture", "space", "epochs", "validation_accuracy", "test_accuracy", "params", "macs")
        facts = {name: getattr(result, name) for name in names}
        write_best(self.folder, facts, task, checkpoints.whole(0, identity=identity))
        session.add(result)

    def _keep(self, session: RunSession, point: EpochPoint, last: int) -> None:
        session.add(point)
        names = ("train_loss", "train_accuracy", "validation_accuracy")
        metrics = {name.replace("_", " "): getattr(point, name) for name in names}
        session.events(Epoch("retraining", point.epoch, last, metrics))
        left = self.state.seconds / len(self.state.curve) * (last - point.epoch)
        session.events(Progress("epochs", point.epoch, last, left=left))

    def _catch_up(self, session: RunSession, curve: Iterable[EpochPoint], last: int) -> None:
        """Write down epochs that were saved and not recorded before a process died, or that were trained anew."""
        for point in curve:
            if point not in self.state.curve:
                self._keep(session, point, last)

    def _result(self, cell: Architecture, task: Task, outcome: Observed, tested: Tested, device: str) -> Retrained:
        last, learned = self.state.curve[-1], task.learned
        return Retrained(
            architecture=cell_text(cell),
            space=cell.space,
            seed=self.settings.seed,
            epochs=last.epoch,
            train_loss=last.train_loss,
            train_accuracy=last.train_accuracy,
            validation_loss=last.validation_loss,
            validation_accuracy=last.validation_accuracy,
            test_loss=tested.test_loss,
            test_accuracy=tested.test_accuracy,
            trained_on_validation=task.settings.all_images,
            params=outcome.params or 0,
            macs=outcome.macs or 0,
            device=device,
            device_seconds=self.state.seconds + tested.seconds,
            images={part: len(getattr(learned, part)) for part in ("train", "validation", "test")},
        )


def _error_of(failed: Failed, device: str) -> RankNoshError:
    """A training that failed, as the error a user should see."""
    message = failed.message
    errors = {
        "diverged": RetrainFailed(
            f"the training diverged: {message}; begin again with a lower --set train.lr, or with --set train.grad_clip=5"
        ),
        "out_of_memory": RetrainFailed(
            f"one image at a time does not fit the memory of {device}; give fewer --channels or --cells"
        ),
        "invalid": SpaceError(message),
        "checkpoint_damaged": StoreError(f"{message}; it happened again and again: check the disk"),
    }
    return errors.get(failed.kind, RetrainFailed(f"the training raised {message}"))
