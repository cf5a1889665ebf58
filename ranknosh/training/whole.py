"""A whole training: one network from its first epoch to the last of its schedule, past what happens to its checkpoints."""

from __future__ import annotations

from collections.abc import Callable

from ranknosh.core.records import Failed, Interrupted, Job, Observed
from ranknosh.spaces.base import Architecture
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.rung import OnEpoch, OnStep, train_rung
from ranknosh.training.settings import Task

MOST_TRIES = 3
"""So often a damaged checkpoint is set aside and the training begins again at an older one."""


def whole_job(architecture: Architecture, task: Task, seed: int) -> Job:
    """The job of a network that is trained to the last epoch of the task's schedule, as candidate 0 of its store."""
    return Job(0, architecture, 1, 0, task.settings.total_epochs, seed)


def train_whole(
    job: Job,
    task: Task,
    checkpoints: CheckpointStore,
    *,
    stop: Callable[[], bool] = lambda: False,
    on_epoch: OnEpoch | None = None,
    on_step: OnStep | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Observed | Failed:
    """:func:`ranknosh.training.train_rung` of a job of :func:`whole_job`, tried again where a checkpoint had to be set aside.

    Raises KeyboardInterrupt where ``stop()`` is true, with what is done saved, and what ``train_rung`` raises.
    """
    tries = 0
    while True:
        outcome = train_rung(job, task, checkpoints, stop=stop, on_epoch=on_epoch, on_step=on_step, say=say).outcome
        if isinstance(outcome, Interrupted):
            raise KeyboardInterrupt
        tries += 1
        if isinstance(outcome, Observed) or outcome.kind != "checkpoint_damaged" or tries == MOST_TRIES:
            return outcome
        say(outcome.message)
