"""The loop of a retraining: epochs to the last, saved as they come, then the test read once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol

import torch

from ranknosh.data import ImageData
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.divergence import Diverged, check_loss, check_validation, check_weights
from ranknosh.training.evaluate import evaluate
from ranknosh.training.memory import give_back_memory, is_out_of_memory
from ranknosh.training.resident import resident
from ranknosh.training.rung import SAVE_EVERY_SECONDS
from ranknosh.training.surroundings import surroundings
from ranknosh.workflows.retrain.epoch import run_epoch
from ranknosh.workflows.retrain.journal import Record
from ranknosh.workflows.retrain.outcome import EpochLine, Retrained, RetrainFailed
from ranknosh.workflows.retrain.training import Plan, Training, resume, start, take_checkpoint


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


class Session:
    """One sitting of a retraining. ``keep`` is given every epoch's line and has it on disk before it returns; ``record`` then
    holds it. ``stop``: asked after every epoch but the last, whether to save and leave by KeyboardInterrupt."""

    def __init__(
        self,
        plan: Plan,
        device: torch.device,
        checkpoints: CheckpointStore,
        record: Record,
        keep: Callable[[EpochLine], None],
        listener: Listener,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.plan, self.device, self.checkpoints = plan, device, checkpoints
        self.record, self.keep, self.listener, self.stop = record, keep, listener, stop

    def run(self) -> tuple[Training, Retrained]:
        """Train what is left and test.

        Raises RetrainFailed for a training that diverged or runs out of memory with one image at a time, StoreError for a
        checkpoint that is foreign, damaged or cannot be written, SpaceError for images too small for the network.
        """
        with surroundings(self.plan.settings.threads, self.device):
            try:
                training = self._trained()
            except Diverged as error:
                raise RetrainFailed(
                    f"the training diverged: {error}; begin again with a lower --set train.lr, or with --set train.grad_clip=5"
                ) from error
            return training, self._result(training)

    def _trained(self) -> Training:
        micro_batch = min(self.plan.settings.batch, len(self.plan.learned.train))
        while True:
            try:
                return self._attempt(micro_batch)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                if micro_batch == 1:
                    raise RetrainFailed(
                        f"one image at a time does not fit the memory of {self.device}; give fewer --channels or --cells"
                    ) from error
            # Outside of the handler, where nothing holds the failed attempt's tensors any more.
            micro_batch = max(1, micro_batch // 2)
            self.listener.on_message(f"out of memory: going on with {micro_batch} images at a time")
            give_back_memory(self.device)

    def _attempt(self, micro_batch: int) -> Training:
        plan = self.plan
        found = self.checkpoints.load(0, identity=plan.identity)
        if found is None:
            training = start(plan, self.device, micro_batch)
        else:
            training = resume(found, plan, self.device, min(micro_batch, found.micro_batch))
        data = resident(plan.learned, self.device)
        saved_at = time.perf_counter()
        while training.epoch < plan.settings.total_epochs:
            line = self._epoch(training, data)
            self.keep(line)
            training.epoch = line.epoch
            done = line.epoch == plan.settings.total_epochs
            stopped = not done and self.stop()
            if done or stopped or time.perf_counter() - saved_at >= SAVE_EVERY_SECONDS:
                self.checkpoints.save(0, 0, take_checkpoint(training, plan.identity))
                saved_at = time.perf_counter()
            self.listener.on_epoch(line, plan.settings.total_epochs)
            if stopped:
                raise KeyboardInterrupt
        return training

    def _epoch(self, training: Training, data: ImageData) -> EpochLine:
        epoch = training.epoch + 1
        line = run_epoch(training, self.plan, data, lambda step, steps: self.listener.on_step(epoch, step, steps))
        assert training.initial_loss is not None
        losses = [*(known.train_loss for known in self.record.curve if known.epoch < epoch), line.train_loss]
        check_loss(epoch, losses, training.initial_loss, self.plan.settings.divergence_factor)
        check_weights(epoch, training.network)
        if line.validation_loss is not None:
            check_validation(epoch, line.validation_loss)
        return line

    def _result(self, training: Training) -> Retrained:
        plan, last = self.plan, self.record.curve[-1]
        began = time.perf_counter()
        accuracy, loss = None, None
        if len(plan.data.test):
            accuracy, loss = evaluate(training.network, plan.data.test, plan.task)
            loss = loss if math.isfinite(loss) else None
        learned = plan.learned
        return Retrained(
            architecture=plan.subject.text,
            space=plan.subject.space,
            seed=plan.seed,
            epochs=last.epoch,
            train_loss=last.train_loss,
            train_accuracy=last.train_accuracy,
            validation_loss=last.validation_loss,
            validation_accuracy=last.validation_accuracy,
            test_loss=loss,
            test_accuracy=accuracy,
            trained_on_validation=plan.recipe.train.all_images,
            params=training.params,
            macs=training.macs,
            device=str(self.device),
            device_seconds=self.record.seconds + time.perf_counter() - began,
            images={"train": len(learned.train), "validation": len(learned.validation), "test": len(learned.test)},
        )
