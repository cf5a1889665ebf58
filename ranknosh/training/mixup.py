"""Mixup (Zhang et al., ICLR 2018): every input is blended with another one of its batch, and so is what is learned of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ranknosh.errors import ConfigError
from ranknosh.tasks.base import Task
from ranknosh.tasks.classification import Classification
from ranknosh.tasks.multilabel import Multilabel


@dataclass(frozen=True)
class Blend:
    """What a batch was blended with: ``share`` of every input stayed, 0.5 at least, and the rest came from one with these
    ``targets`` (b, ...)."""

    share: float
    targets: Tensor

    def split(self, parts: int) -> list[Blend]:
        """The blends of as many equal parts of the batch."""
        return [Blend(self.share, targets) for targets in self.targets.tensor_split(parts)]

    def loss(self, task: Task, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss of soft targets, which is the same mean of the losses of both: cross-entropy is linear in its target."""
        return self.share * task.loss(outputs, targets) + (1 - self.share) * task.loss(outputs, self.targets)


def blended(inputs: Tensor, targets: Tensor, alpha: float, rng: np.random.Generator) -> tuple[Tensor, Blend]:
    """Inputs (b, ...) blended as ``share * x + (1 - share) * x'``, where x' are the same inputs in another order.

    As in the authors' code a batch has one share, drawn from Beta(alpha, alpha). Deviation: the larger of it and the rest is
    taken, which for a random order has the same distribution, so that an input's own target is the one that metrics of the
    training part count.

    Args:
        inputs: prepared.
        targets: (b, ...) of them.
        alpha: above 0.
        rng: of this epoch.
    """
    share = float(rng.beta(alpha, alpha))
    share = max(share, 1 - share)
    order = torch.from_numpy(rng.permutation(len(inputs))).to(inputs.device)
    return torch.lerp(inputs, inputs[order], 1 - share), Blend(share, targets[order])


def check_blends(task: Task, alpha: float) -> None:
    """Raises ConfigError for a task whose examples have no blends: inputs have to be real, targets classes or labels."""
    told = isinstance(task, (Classification, Multilabel)) and type(task).train_step is Task.train_step
    if alpha and not (told and task.signature.dtype == "float32"):
        raise ConfigError(
            f"train.mixup is {alpha:g}, which blends pictures or numbers and their classes or labels, and the task "
            f"{task.settings['name']} on {task.data.name} has no such inputs and targets; write train.mixup: 0"
        )
