"""A retraining as a run: the trainer of candidates over a whole recipe, its epochs written down, then the test read once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.retrain import RetrainSettings
from ranknosh.config.sections import DataConfig
from ranknosh.core.records import EpochPoint, Failed, Observed, Tested
from ranknosh.errors import ConfigError, RankNoshError, SpaceError, StoreError
from ranknosh.runs.events import Epoch, Events, Progress
from ranknosh.runs.files import write_atomic
from ranknosh.runs.run import Prepared, Run, Waste
from ranknosh.runs.session import RunSession
from ranknosh.training.best import write_best
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.workflows.retrain.found_cell import FoundCell, parse_cell
from ranknosh.workflows.retrain.records import RECORDS, EpochLine, Retrained, RetrainFailed, RetrainState

if TYPE_CHECKING:
    from ranknosh.data import ImageData
    from ranknosh.training.settings import Task


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
        result, last = self.result, self.state.curve[-1] if self.state.lines else None
        return {
            "architecture": self.settings.architecture,
            "preset": self.settings.preset,
            "epochs": len(self.state.lines),
            "epochs_planned": self.settings.train.epochs,
            "validation_accuracy": last.validation_accuracy if last else None,
            "test_accuracy": result.test_accuracy if result else None,
            "params": result.params if result else None,
            "macs": result.macs if result else None,
            "device_seconds": result.device_seconds if result else self.state.seconds,
        }

    def top(self, count: int) -> list[dict[str, Any]]:
        """The one network that was trained, where it is."""
        return [self.result.as_dict()] if self.result else []

    def summary(self) -> dict[str, Any]:
        """The result for programs, with the recipe's name and the folder."""
        return {
            **(self.result.as_dict() if self.result else {}),
            "preset": self.settings.preset,
            "folder": str(self.folder),
        }

    def page(self) -> str:
        from ranknosh.workflows.retrain.page import RetrainView, render

        return render(RetrainView(self.folder.resolve().name, self.header, self.settings, self.state))

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

        if settings.architecture is None:
            raise ConfigError("architecture is not set: nothing is there to retrain; give the text of a cell")
        cell = parse_cell(settings.architecture)
        resolve_device(settings.train.device)
        images = given.get("data") or load_section(settings.data or DataConfig(name=FROM_PYTHON), settings.split_seed)
        facts = {"architecture": cell.text, "space": cell.space}
        return Prepared("retrain", (cell, task_of(settings, images)), images.facts, facts, ("architecture",))

    def work(self, session: RunSession, prepared: Prepared) -> None:
        """Train what is left, test, and write ``best/``; nothing is done where it has ended.

        Raises:
            RetrainFailed: for a training that diverged, raised, or runs out of memory with one image at a time.
            StoreError: for a checkpoint that cannot be read or written.
            SpaceError: for images too small for the network.
        """
        from ranknosh.training.evaluate import test_candidate
        from ranknosh.training.rung import train_rung, train_whole, whole_job
        from ranknosh.training.surroundings import resolve_device
        from ranknosh.training.training import job_identity

        if self.ended:  # only a setting that decides nothing was changed; the test images are read once
            session.say(f"{self.reason}; nothing is left to do")
            return
        cell, task = prepared.parts
        checkpoints, device = self.checkpoints(), str(resolve_device(task.settings.device))
        write_atomic(self.folder / "genotype.txt", (cell.text + "\n").encode())
        if cell.is_dead:
            session.say("nothing passes through this cell: its network will stay at chance")
        session.began(device)
        job = whole_job(cell.architecture, task, self.settings.seed)
        identity, last = job_identity(job, task), job.stop_epoch
        found = checkpoints.read(0, 0, identity).checkpoint
        self._catch_up(session, task, found.curve if found else ())
        train = partial(
            train_rung,
            job,
            task,
            checkpoints,
            stop=lambda: session.stop.requested,
            on_epoch=lambda _, point: self._keep(session, _line_of(task, point), last),
            on_step=lambda epoch, step, steps: session.events(
                Progress("epochs", epoch - 1 + step / steps, last, f"step {step} of {steps}")
            ),
            say=session.say,
        )
        outcome = train_whole(train, session.say)
        if isinstance(outcome, Failed):
            raise _error_of(outcome, device)
        self._catch_up(session, task, outcome.curve)
        result = self._result(cell, task, outcome, test_candidate(job, task, checkpoints), device)
        names = ("architecture", "space", "epochs", "validation_accuracy", "test_accuracy", "params", "macs")
        facts = {name: getattr(result, name) for name in names}
        write_best(self.folder, facts, task, checkpoints.whole(0, identity=identity))
        self.state.apply(result)
        session.write([result], self.state)

    def _keep(self, session: RunSession, line: EpochLine, last: int) -> None:
        self.state.apply(line)
        session.write([line], self.state)
        names = ("train_loss", "train_accuracy", "validation_accuracy")
        metrics = {name.replace("_", " "): getattr(line, name) for name in names}
        session.events(Epoch("retraining", line.epoch, last, metrics))
        left = self.state.seconds / max(len(self.state.lines), 1) * (last - line.epoch)
        session.events(Progress("epochs", line.epoch, last, left=left))

    def _catch_up(self, session: RunSession, task: Task, curve: Iterable[EpochPoint]) -> None:
        """Write down epochs that were saved and not recorded before a process died, or that were trained anew."""
        for line in (_line_of(task, point) for point in curve):
            if self.state.lines.get(line.epoch) != line:
                self._keep(session, line, task.settings.total_epochs)

    def _result(self, cell: FoundCell, task: Task, outcome: Observed, tested: Tested, device: str) -> Retrained:
        last, learned = self.state.curve[-1], task.learned
        return Retrained(
            architecture=cell.text,
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


def task_of(settings: RetrainSettings, data: ImageData) -> Task:
    """A recipe on ``data``, for the trainer of candidates."""
    from ranknosh.spaces.base import NetworkSize
    from ranknosh.training.settings import Task, TrainSettings

    network, train = settings.network, settings.train.model_dump()
    size = NetworkSize(network.channels, network.cells, len(data.classes), data.image_shape[0])
    return Task(data, size, TrainSettings(total_epochs=train.pop("epochs"), **train))


def _line_of(task: Task, point: EpochPoint) -> EpochLine:
    """The journal line of an epoch of the trainer, with what was scheduled in it."""
    from ranknosh.spaces.nets import scheduled_rate
    from ranknosh.training.epoch import learning_rate, steps_per_epoch

    settings, before = task.settings, point.epoch - 1
    assert point.train_accuracy is not None
    return EpochLine(
        epoch=point.epoch,
        lr=learning_rate(settings, before, 0, steps_per_epoch(len(task.learned.train), settings.batch)),
        drop_path=scheduled_rate(settings.drop_path, before, settings.total_epochs),
        train_loss=point.train_loss,
        train_accuracy=point.train_accuracy,
        validation_loss=point.validation_loss,
        validation_accuracy=point.validation_accuracy,
        seconds=point.seconds,
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
