"""The learning rate of every level: one cosine over the whole of e(N), never annealed to zero at a lower level."""

from __future__ import annotations

import math

from ranknosh.training.settings import TrainSettings


def learning_rate(settings: TrainSettings, epoch: int, step: int, steps: int) -> float:
    """The rate of an update: ``lr/2 · (1 + cos(pi · share))``, share being the part of the whole schedule that has passed.

    With ``lr_per`` ``epoch`` whole epochs count only (the DARTS code). A linear ramp over the steps of ``warmup_epochs``
    multiplies it; the cosine does not wait for the ramp.

    Args:
        settings: lr, lr_per, warmup_epochs and total_epochs are read.
        epoch: epochs finished before this one.
        step: steps made in this epoch before this one.
        steps: steps an epoch has.
    """
    passed = epoch * steps + step
    if settings.lr_per == "epoch":
        angle = math.pi * epoch / settings.total_epochs
    else:
        angle = math.pi * (passed / (settings.total_epochs * steps))
    cosine = 0.5 * (1 + math.cos(angle))
    warmup_steps = settings.warmup_epochs * steps
    ramp = min(1.0, (passed + 1) / warmup_steps) if warmup_steps else 1.0
    return settings.lr * cosine * ramp
