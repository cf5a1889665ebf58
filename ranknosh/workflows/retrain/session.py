"""A retraining: the trainer of candidates over a whole recipe, its epochs written down, then the test read once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from ranknosh.core.records import EpochPoint, Failed, Observed
from ranknosh.errors import RankNoshError, SpaceError, StoreError
from ranknosh.spaces.nets import scheduled_rate
from ranknosh.training import CheckpointStore, Task, test_candidate
from ranknosh.training.epoch import steps_per_epoch
from ranknosh.training.schedule import learning_rate
from ranknosh.training.surroundings import resolve_device
from ranknosh.training.training import job_identity
from ranknosh.training.whole import train_whole, whole_job
from ranknosh.workflows.retrain.journal import Record
from ranknosh.workflows.retrain.outcome import EpochLine, Retrained, RetrainFailed
from ranknosh.workflows.retrain.subject import Subject


class Listener(Protocol):
    """Who watches a retraining. Nothing it does changes a bit."""

    def on_step(self, epoch: int, step: int, steps: int) -> None: ...

    def on_epoch(self, line: EpochLine, epochs: int) -> None: ...

    def on_message(self, text: str) -> None: ...


class Silent:
    """A listener that says nothing."""

    def on_step(self, epoch: int, step: int, steps: int) -> None: ...

    def on_epoch(self, line: EpochLine, epochs: int) -> None: ...

    def on_message(self, text: str) -> None: ...


class Retraining:
    """One process of a retraining."""

    def __init__(
        self,
        subject: Subject,
        task: Task,
        seed: int,
        checkpoints: CheckpointStore,
        record: Record,
        keep: Callable[[EpochLine], None],
        listener: Listener,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """
        Args:
            subject: the cell.
            task: its images, size and settings.
            seed: of weights, order, augmentation and drop path.
            checkpoints: where its state lies.
            record: what is known of it so far.
            keep: given every epoch's line; has it on disk, and in ``record``, before it returns.
            listener: who watches.
            stop: asked after every epoch but the last, whether to save and leave by KeyboardInterrupt.
        """
        self.subject, self.task, self.checkpoints = subject, task, checkpoints
        self.record, self.keep, self.listener, self.stop = record, keep, listener, stop
        self.job = whole_job(subject.architecture, task, seed)

    def run(self) -> Retrained:
        """Train what is left and test.

        Raises RetrainFailed for a training that diverged, raised, or runs out of memory with one image at a time, StoreError
        for a checkpoint that cannot be read or written, SpaceError for images too small for the network.
        """
        found = self.checkpoints.read(0, 0, job_identity(self.job, self.task)).checkpoint
        self._catch_up(found.curve if found else ())
        outcome = train_whole(
            self.job,
            self.task,
            self.checkpoints,
            stop=self.stop,
            on_epoch=lambda _, point: self._on_epoch(point),
            on_step=self.listener.on_step,
            say=self.listener.on_message,
        )
        if isinstance(outcome, Failed):
            raise _error(outcome, self.task)
        self._catch_up(outcome.curve)
        return self._result(outcome)

    def _on_epoch(self, point: EpochPoint) -> None:
        line = self._line(point)
        self.keep(line)
        self.listener.on_epoch(line, self.job.stop_epoch)

    def _catch_up(self, curve: Iterable[EpochPoint]) -> None:
        """Write down epochs that were saved and not recorded before a process died, or that were trained anew."""
        for line in map(self._line, curve):
            if self.record.lines.get(line.epoch) != line:
                self.keep(line)

    def _line(self, point: EpochPoint) -> EpochLine:
        settings, before = self.task.settings, point.epoch - 1
        assert point.train_accuracy is not None
        return EpochLine(
            epoch=point.epoch,
            lr=learning_rate(settings, before, 0, steps_per_epoch(len(self.task.learned.train), settings.batch)),
            drop_path=scheduled_rate(settings.drop_path, before, settings.total_epochs),
            train_loss=point.train_loss,
            train_accuracy=point.train_accuracy,
            validation_loss=point.validation_loss,
            validation_accuracy=point.validation_accuracy,
            seconds=point.seconds,
        )

    def _result(self, outcome: Observed) -> Retrained:
        last, learned = self.record.curve[-1], self.task.learned
        tested = test_candidate(self.job, self.task, self.checkpoints)
        return Retrained(
            architecture=self.subject.text,
            space=self.subject.space,
            seed=self.job.seed,
            epochs=last.epoch,
            train_loss=last.train_loss,
            train_accuracy=last.train_accuracy,
            validation_loss=last.validation_loss,
            validation_accuracy=last.validation_accuracy,
            test_loss=tested.test_loss,
            test_accuracy=tested.test_accuracy,
            trained_on_validation=self.task.settings.all_images,
            params=outcome.params or 0,
            macs=outcome.macs or 0,
            device=str(resolve_device(self.task.settings.device)),
            device_seconds=self.record.seconds + tested.seconds,
            images={"train": len(learned.train), "validation": len(learned.validation), "test": len(learned.test)},
        )


def _error(failed: Failed, task: Task) -> RankNoshError:
    """What the user is told of a training that failed."""
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
