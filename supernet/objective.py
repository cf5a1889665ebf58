"""What a supernet learns and what it is judged by: any loss of outputs and targets, any metric taken batch after batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]
"""From outputs (n, ...) and targets (n, ...) to their mean loss, a scalar; lower is better."""


class Meter(Protocol):
    """What a metric is taken by; those of torchmetrics are such."""

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        """Take a batch in: (n, ...) and (n, ...)."""

    def compute(self) -> Any:
        """The value over all batches, a number or a tensor of one."""


@dataclass
class Accuracy:
    """Share of examples whose largest output (axis 1) is that of their class."""

    right: list[Tensor] = field(default_factory=list)
    count: int = 0

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        hits = outputs.argmax(1) == targets
        # A tensor: reading it would wait for the device after every step.
        self.right.append(hits.sum())
        self.count += hits.numel()

    def compute(self) -> float:
        return int(torch.stack(self.right).sum()) / self.count if self.count else float("nan")


@dataclass
class MeanLoss:
    """The mean over examples of a loss that is a mean over each batch."""

    loss: Loss
    losses: list[Tensor] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        self.losses.append(self.loss(outputs, targets).detach())
        self.sizes.append(len(targets))

    def compute(self) -> float:
        if not self.sizes:
            return float("nan")
        losses, sizes = torch.stack(self.losses).cpu().double(), torch.tensor(self.sizes, dtype=torch.float64)
        return float((losses * sizes).sum() / sizes.sum())


@dataclass(frozen=True)
class Judge:
    """The metric that a supernet is judged by.

    Args:
        name: What it is called in reports.
        higher: Whether larger values are better.
        make: Gives a new meter.
    """

    name: str = "accuracy"
    higher: bool = True
    make: Callable[[], Meter] = Accuracy

    def worth(self, value: float) -> float:
        """A value of the metric as a number of which higher is better."""
        return value if self.higher else -value

    def of(self, outputs: Tensor, targets: Tensor) -> float:
        """The metric of one batch."""
        meter = self.make()
        meter.update(outputs, targets)
        return float(meter.compute())


def floats_as(inputs: Tensor, dtype: torch.dtype) -> Tensor:
    """Inputs in a type of floats; those that are integers, as tokens are, stay what they are."""
    return inputs.to(dtype) if inputs.is_floating_point() else inputs
