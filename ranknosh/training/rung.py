"""A job: train one candidate up to a level's epoch and report how it went."""

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import torch

from ranknosh.config.units import plural
from ranknosh.core.records import EpochPoint, Failed, FailureKind, Interrupted, Job, JobResult, Observed
from ranknosh.errors import FOREIGN, ConfigError, RankNoshError, SpaceError, first_line
from ranknosh.training.checkpoint import Checkpoint, CheckpointStore, FoundCheckpoint
from ranknosh.training.epoch import Diverged, run_epoch
from ranknosh.training.settings import Recipe
from ranknosh.training.surroundings import give_back_memory, is_out_of_memory, resolve_device, surroundings
from ranknosh.training.training import job_identity, resident, start, take_checkpoint

SAVE_EVERY_SECONDS = 10.0
"""Inside a level a finished epoch is saved once this much work would be lost otherwise."""

MOST_TRIES = 3
"""So often a damaged checkpoint is set aside and a whole training begins again at an older one."""

T = TypeVar("T")


def train_rung(
    job: Job,
    recipe: Recipe,
    checkpoints: CheckpointStore,
    *,
    stop: Callable[[], bool] = lambda: False,
    on_epoch: Callable[[Job, EpochPoint], None] = lambda job, point: None,
    on_step: Callable[[int, int, int], None] = lambda epoch, step, steps: None,
    say: Callable[[str], None] = lambda text: None,
) -> JobResult:
    """Train the job's candidate from its checkpoint to ``job.stop_epoch`` finished epochs.

    A checkpoint that is damaged or of another training is set aside (a folder: renamed to ``damaged-*``; an object store:
    deleted) and answered with a Failed of kind ``checkpoint_damaged`` that is not final. Its ``epochs`` are those charged before
    whose work was lost with it. The same job, run again, trains on from the newest whole checkpoint, or from the start.

    Charging: ``Observed.epochs`` is always ``stop_epoch - start_epoch``. ``job.start_epoch`` is what was charged before, so
    epochs are charged once, whether the checkpoint is further than that (a record was lost; nothing is trained twice) or
    behind it (a checkpoint was lost; the missing epochs are trained again, the same bits on the CPU). ``seconds`` holds all
    time spent on the job's epochs, found or trained. A checkpoint at or beyond ``stop_epoch`` is answered from its curve.
    ``Failed.epochs`` counts the epoch that failed as a whole one if a step of it was made.

    Memory running out restarts from the last checkpoint with half the examples per forward pass, at the same effective batch.
    A job that is ``alone`` begins with half of what its checkpoint says, or of the batch.

    Args:
        job: who is trained, from where to where, under which seed.
        recipe: on what and how.
        checkpoints: where its state is read and kept, whatever the outcome.
        stop: asked after every epoch but the last, whether to save and leave.
        on_epoch: called after every epoch that is trained, once it is saved where it is.
        on_step: called after every step with the epoch, the steps made in it and the steps it has.
        say: called with a sentence where memory ran out.

    Returns:
        The job with its outcome: Observed; Interrupted, where ``stop()`` was true; Failed, for a training that diverged, ran out
        of memory with one example at a time, could not be built (``invalid``) or raised (with its ``traceback``).

    Raises:
        ConfigError: the device is not at hand, or ``stop_epoch`` is beyond the schedule.
        StoreError: a checkpoint cannot be read or written, or holds another network's tensors; StoreFull likewise.
        KeyboardInterrupt: passes through, the last written checkpoint intact, as does what the callbacks raise.
    """
    if not 0 <= job.start_epoch < job.stop_epoch <= recipe.settings.total_epochs:
        raise ConfigError(
            f"a job trains from epoch {job.start_epoch} to {job.stop_epoch}; it must go forward and end within the schedule's "
            f"{recipe.settings.total_epochs} epochs (train settings' total_epochs)"
        )
    device = resolve_device(recipe.settings.device)
    with surroundings(recipe.settings.threads, device):
        return JobResult(job, _Rung(job, recipe, checkpoints, device, stop, on_epoch, on_step, say).run())


def train_whole(
    job: Job,
    recipe: Recipe,
    checkpoints: CheckpointStore,
    say: Callable[[str], None] = lambda text: None,
    **callbacks: Callable[..., Any],
) -> Observed | Failed:
    """:func:`train_rung`, again where a checkpoint had to be set aside: at most ``MOST_TRIES`` times.

    Args:
        job: who is trained.
        recipe: on what and how.
        checkpoints: where its state is read and kept.
        say: called with a sentence for each checkpoint set aside, and where memory ran out.
        callbacks: further ones of :func:`train_rung`.

    Raises:
        KeyboardInterrupt: the job was interrupted, with what is done saved.
    """
    tries = 0
    while True:
        outcome = train_rung(job, recipe, checkpoints, say=say, **callbacks).outcome
        if isinstance(outcome, Interrupted):
            raise KeyboardInterrupt
        tries += 1
        if isinstance(outcome, Observed) or outcome.kind != "checkpoint_damaged" or tries == MOST_TRIES:
            return outcome
        say(outcome.message)


@dataclass
class _Rung:
    job: Job
    recipe: Recipe
    checkpoints: CheckpointStore
    device: torch.device
    stop: Callable[[], bool]
    on_epoch: Callable[[Job, EpochPoint], None]
    on_step: Callable[[int, int, int], None]
    say: Callable[[str], None]
    began: float = field(default_factory=lambda: time.perf_counter())  # the clock of the call, not of the import
    found_seconds: float = 0.0
    announced: int = 0
    checkpoint_bytes: int = 0
    caller_error: BaseException | None = None  # what a callback raised

    def __post_init__(self) -> None:
        self.saved_at = self.began
        self.reached = self.job.start_epoch  # epochs begun, for charging

    def run(self) -> Observed | Interrupted | Failed:
        job, read = self.job, self._read()
        if read.damages:
            return self._set_aside(read)
        found, micro_batch = read.checkpoint, min(self.recipe.settings.batch, len(self.recipe.learned.train))
        if found is not None:
            self.checkpoint_bytes, self.announced = found.bytes, found.epoch
            self.found_seconds = sum(p.seconds for p in found.curve[job.start_epoch : job.stop_epoch])
            micro_batch = min(micro_batch, found.micro_batch)
            if found.epoch >= job.stop_epoch:
                return self._observed(found.curve, found.costs)
        if job.alone:
            micro_batch = max(1, micro_batch // 2)
        while True:
            try:
                return self._attempt(read.checkpoint, micro_batch)
            except FOREIGN as error:
                if error is self.caller_error:
                    raise
                if isinstance(error, Diverged):
                    return self._failed("diverged", str(error))
                if isinstance(error, SpaceError):
                    return self._failed("invalid", str(error))
                if isinstance(error, RankNoshError):
                    raise
                if not is_out_of_memory(error):
                    return self._failed("raised", _where(error), traceback=_traceback(error))
                if micro_batch == 1:
                    return self._failed("out_of_memory", f"with one example at a time: {first_line(error, named=True)}")
            # Outside of the handler, where nothing holds the failed attempt's tensors any more.
            micro_batch //= 2
            self._ask(self.say, f"out of memory: training continues with {plural(micro_batch, 'example')} at a time")
            give_back_memory(self.device)
            read = self._read()
            if read.damages:
                return self._set_aside(read)

    def _read(self) -> FoundCheckpoint:
        return self.checkpoints.read(self.job.candidate_id, self.job.replica, job_identity(self.job, self.recipe))

    def _set_aside(self, found: FoundCheckpoint) -> Failed:
        """Make way for the job's next attempt."""
        epoch = found.checkpoint.epoch if found.checkpoint else 0
        problems = "; ".join(f"{damage}, {self.checkpoints.set_aside(damage)}" for damage in found.damages)
        again_from = f"epoch {epoch}, the newest that is whole" if found.checkpoint else "its first epoch"
        lost = max(0, self.job.start_epoch - epoch)
        message = f"the checkpoint {problems}; the candidate is trained again from {again_from}"
        return self._failed("checkpoint_damaged", message, epochs=lost, final=False)

    def _attempt(self, found: Checkpoint | None, micro_batch: int) -> Observed | Interrupted:
        job, recipe = self.job, self.recipe
        data = resident(recipe.learned, self.device)
        training = start(job, recipe, self.device, micro_batch, found)
        while training.epoch < job.stop_epoch:
            epoch = training.epoch + 1
            try:
                point = run_epoch(training, data, partial(self._ask, self.on_step, epoch))
            finally:
                if training.steps:
                    self.reached = max(self.reached, epoch)
            done = training.epoch == job.stop_epoch
            interrupted = not done and self._ask(self.stop)
            if done or interrupted or time.perf_counter() - self.saved_at >= SAVE_EVERY_SECONDS:
                size = self.checkpoints.save(job.candidate_id, job.replica, take_checkpoint(training))
                self.checkpoint_bytes, self.saved_at = size, time.perf_counter()
            if epoch > self.announced:
                self.announced = epoch
                self._ask(self.on_epoch, job, point)
            if interrupted:
                # Never behind what was charged: the next job starts there, and trains what its checkpoint lacks for free.
                epochs = max(epoch - job.start_epoch, 0)
                return Interrupted(
                    epoch=job.start_epoch + epochs,
                    epochs=epochs,
                    checkpoint_bytes=self.checkpoint_bytes,
                    **self._facts,
                )
        return self._observed(tuple(training.curve), training.costs)

    def _ask(self, callback: Callable[..., T], *arguments: Any) -> T:
        try:
            return callback(*arguments)
        except FOREIGN as error:
            self.caller_error = error
            raise

    @property
    def _facts(self) -> dict[str, Any]:
        job, seconds = self.job, self.found_seconds + time.perf_counter() - self.began
        return {"candidate_id": job.candidate_id, "level": job.level, "seconds": seconds, "replica": job.replica}

    def _observed(self, curve: tuple[EpochPoint, ...], costs: Mapping[str, float]) -> Observed:
        job = self.job
        last = curve[job.stop_epoch - 1]
        return Observed(
            metric=last.metric,
            metrics=last.metrics,
            epochs=job.epochs,
            costs=costs,
            curve=curve[job.curve_from : job.stop_epoch],
            checkpoint_bytes=self.checkpoint_bytes,
            **self._facts,
        )

    def _failed(self, kind: FailureKind, message: str, **facts: Any) -> Failed:
        facts = {"epochs": self.reached - self.job.start_epoch, "attempt": self.job.attempt, **self._facts, **facts}
        return Failed(kind=kind, message=message, **facts)


def _where(error: BaseException) -> str:
    """``TypeError: what (file.py:12 in f < file.py:80 in g)``, innermost of at most three frames first."""
    frames = reversed(traceback.extract_tb(error.__traceback__)[-3:])
    where = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} in {frame.name}" for frame in frames)
    return f"{first_line(error, named=True)} ({where})"


def _traceback(error: BaseException, most: int = 8000) -> str:
    """All of it as Python prints it, cut at the beginning where it is longer than ``most`` characters."""
    text = "".join(traceback.format_exception(error)).rstrip()
    return text if len(text) <= most else f"…{text[1 - most :]}"
