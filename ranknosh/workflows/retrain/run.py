"""A retraining as a run: the trainer of candidates over a whole recipe, its epochs written down, then the test read once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ranknosh.config.retrain import RetrainSettings
from ranknosh.core.records import EpochPoint, Failed, Observed
from ranknosh.errors import ConfigError, DataError, RankNoshError, SpaceError, StoreError
from ranknosh.runs.events import Epoch, Events, Progress
from ranknosh.runs.files import write_atomic
from ranknosh.runs.run import Prepared, Run, Waste
from ranknosh.runs.session import RunSession
from ranknosh.workflows.retrain.found_cell import FoundCell, parse_cell
from ranknosh.workflows.retrain.records import RECORDS, EpochLine, Retrained, RetrainFailed, RetrainState

if TYPE_CHECKING:
    from ranknosh.data import ImageData
    from ranknosh.training import CheckpointStore, Task


@dataclass(frozen=True)
class RetrainParts:
    """The cell, and the task that it is trained on."""

    cell: FoundCell
    task: Task


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
        from ranknosh.training import CheckpointStore

        return CheckpointStore(self.folder.resolve() / "checkpoints")

    def waste(self, everything: bool) -> list[Waste]:
        """The checkpoint of a retraining that has ended, whose weights are in ``best/``."""
        from ranknosh.training.publications import Publications

        found = super().waste(everything)
        if self.ended and (self.folder / "best" / "weights.safetensors").exists():
            kept = Publications(self.folder.resolve() / "checkpoints")
            why = "the retraining has ended; its weights are in best/"
            found += [
                Waste(str(holding.where), holding.size, why, partial(kept.delete, [holding.name]))
                for holding in kept.holdings()
            ]
        return found

    @classmethod
    def prepare(
        cls, settings: RetrainSettings, events: Events, *, data: ImageData | None = None, **given: Any
    ) -> Prepared:
        """Read the cell and load the images.

        Args:
            settings: of the retraining.
            events: not used.
            data: takes the place of ``settings.data``.
            given: nothing else.
        """
        from ranknosh.data.catalog import load_section
        from ranknosh.training.surroundings import resolve_device

        if settings.architecture is None:
            raise ConfigError("architecture is not set: nothing is there to retrain; give the text of a cell")
        cell = parse_cell(settings.architecture)
        resolve_device(settings.train.device)
        if data is None and settings.data is None:
            raise DataError(
                "this run's images were given from Python, so the command line cannot load them; continue it from Python with "
                "Run.resume(data=...)"
            )
        images = data if data is not None else load_section(settings.data, settings.split_seed)  # type: ignore[arg-type]
        facts = {"architecture": cell.text, "space": cell.space}
        return Prepared(
            "retrain", RetrainParts(cell, task_of(settings, images)), images.facts, facts, ("architecture",)
        )

    def work(self, session: RunSession, prepared: Prepared) -> None:
        """Train what is left, test, and write ``best/``; nothing is done where it has ended.

        Raises:
            RetrainFailed: for a training that diverged, raised, or runs out of memory with one image at a time.
            StoreError: for a checkpoint that cannot be read or written.
            SpaceError: for images too small for the network.
        """
        from ranknosh.training.rung import train_rung, train_whole, whole_job
        from ranknosh.training.surroundings import resolve_device
        from ranknosh.training.training import job_identity

        if self.ended:  # only a setting that decides nothing was changed; the test images are read once
            session.say(f"{self.reason}; nothing is left to do")
            return
        parts: RetrainParts = prepared.parts
        cell, task, checkpoints = parts.cell, parts.task, self.checkpoints()
        write_atomic(self.folder / "genotype.txt", (cell.text + "\n").encode())
        if cell.is_dead:
            session.say("nothing passes through this cell: its network will stay at chance")
        session.began(str(resolve_device(task.settings.device)))
        job = whole_job(cell.architecture, task, self.settings.seed)
        found = checkpoints.read(0, 0, job_identity(job, task)).checkpoint
        self._catch_up(session, task, found.curve if found else ())
        last = job.stop_epoch

        def on_epoch(_: Any, point: EpochPoint) -> None:
            self._keep(session, line_of(task, point), last)

        train = partial(
            train_rung,
            job,
            task,
            checkpoints,
            stop=lambda: session.stop.requested,
            on_epoch=on_epoch,
            on_step=lambda epoch, step, steps: session.events(
                Progress("epochs", epoch - 1 + step / steps, last, f"step {step} of {steps}")
            ),
            say=session.say,
        )
        outcome = train_whole(train, session.say)
        if isinstance(outcome, Failed):
            raise failure(outcome, task)
        self._catch_up(session, task, outcome.curve)
        result = self._tested(task, job, outcome, cell)
        names = ("architecture", "space", "epochs", "validation_accuracy", "test_accuracy", "params", "macs")
        write_best_of({name: getattr(result, name) for name in names}, self, task, job)
        self.state.apply(result)
        session.write([result], self.state)

    def _keep(self, session: RunSession, line: EpochLine, last: int) -> None:
        self.state.apply(line)
        session.write([line], self.state)
        metrics = {
            "train loss": line.train_loss,
            "train accuracy": line.train_accuracy,
            "validation accuracy": line.validation_accuracy,
        }
        session.events(Epoch("retraining", line.epoch, last, metrics))
        left = self.state.seconds / max(len(self.state.lines), 1) * (last - line.epoch)
        session.events(Progress("epochs", line.epoch, last, left=left))

    def _catch_up(self, session: RunSession, task: Task, curve: Iterable[EpochPoint]) -> None:
        """Write down epochs that were saved and not recorded before a process died, or that were trained anew."""
        for line in (line_of(task, point) for point in curve):
            if self.state.lines.get(line.epoch) != line:
                self._keep(session, line, task.settings.total_epochs)

    def _tested(self, task: Task, job: Any, outcome: Observed, cell: FoundCell) -> Retrained:
        from ranknosh.training import test_candidate
        from ranknosh.training.surroundings import resolve_device

        last, learned = self.state.curve[-1], task.learned
        tested = test_candidate(job, task, self.checkpoints())
        return Retrained(
            architecture=cell.text,
            space=cell.space,
            seed=job.seed,
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
            device=str(resolve_device(task.settings.device)),
            device_seconds=self.state.seconds + tested.seconds,
            images={"train": len(learned.train), "validation": len(learned.validation), "test": len(learned.test)},
        )


def task_of(settings: RetrainSettings, data: ImageData) -> Task:
    """A recipe on ``data``, for the trainer of candidates."""
    from ranknosh.spaces.base import NetworkSize
    from ranknosh.training import Task, TrainSettings

    network, train = settings.network, settings.train.model_dump()
    size = NetworkSize(network.channels, network.cells, len(data.classes), data.image_shape[0])
    return Task(data, size, TrainSettings(total_epochs=train.pop("epochs"), **train))


def line_of(task: Task, point: EpochPoint) -> EpochLine:
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


def write_best_of(facts: dict[str, Any], run: RetrainRun, task: Task, job: Any) -> None:
    """Write ``best/`` of a retraining from its checkpoint."""
    from ranknosh.training.best import write_best
    from ranknosh.training.training import job_identity

    weights = run.checkpoints().weights(0, identity=job_identity(job, task))
    write_best(run.folder, facts, task, weights)


def failure(failed: Failed, task: Task) -> RankNoshError:
    """What the user is told of a training that failed."""
    from ranknosh.training.surroundings import resolve_device

    if failed.kind == "diverged":
        remedy = "begin again with a lower --set train.lr, or with --set train.grad_clip=5"
        return RetrainFailed(f"the training diverged: {failed.message}; {remedy}")
    if failed.kind == "out_of_memory":
        device = resolve_device(task.settings.device)
        return RetrainFailed(
            f"one image at a time does not fit the memory of {device}; give fewer --channels or --cells"
        )
    if failed.kind == "invalid":
        return SpaceError(failed.message)
    if failed.kind == "checkpoint_damaged":
        return StoreError(f"{failed.message}; it happened again and again: check the disk")
    return RetrainFailed(f"the training raised {failed.message}")
