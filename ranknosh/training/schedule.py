"""The learning rate of every level: one cosine over the whole of e(N), never annealed to zero at a lower level."""

from __future__ import annotations

import math

from ranknosh.training.settings import TrainSettings


def learning_rate(settings: TrainSettings, step: int, steps_per_epoch: int) -> float:
    """The rate of the update number ``step`` (from 0), counted over all epochs and levels.

    ``lr/2 · (1 + cos(pi · step / total_steps))`` with ``total_steps = total_epochs · steps_per_epoch``, times a linear ramp
    ``(step + 1) / warmup_steps`` while that is below 1. The cosine does not wait for the ramp.
    """
    position = step / (settings.total_epochs * steps_per_epoch)
    cosine = 0.5 * (1 + math.cos(math.pi * position))
    warmup_steps = settings.warmup_epochs * steps_per_epoch
    ramp = min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0
    return settings.lr * cosine * ramp
