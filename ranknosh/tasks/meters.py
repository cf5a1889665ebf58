"""How metrics are computed over batches: by torchmetrics where it has them, and here where it would cost what it need not.

Loading torchmetrics takes seconds, so that a plain classification does without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from ranknosh.errors import MissingDependency
from ranknosh.tasks.base import LOSS, BatchMeter, Metric, Task
from ranknosh.tasks.data.preparation import IGNORED

_HELD = 1 << 18
"""Numbers of outputs that are kept before meters take them in: about a MB, so that a small batch costs almost nothing."""


@dataclass
class ArgmaxAccuracy:
    """Share of places whose largest logit (axis 1) is that of their class; those with the target ``ignored`` do not count."""

    ignored: int | None = None
    right: list[Tensor] = field(default_factory=list)
    count: list[Tensor] = field(default_factory=list)

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        hits = outputs.argmax(1) == targets
        counted = torch.ones_like(hits) if self.ignored is None else targets != self.ignored
        self.right.append((hits & counted).sum())
        self.count.append(counted.sum())

    def compute(self) -> float:
        count = int(torch.stack(self.count).sum())
        return int(torch.stack(self.right).sum()) / count if count else float("nan")


@dataclass
class Viewed:
    """A meter that reads outputs and targets after a change of each."""

    meter: Any
    outputs: Callable[[Tensor], Tensor] | None = None
    targets: Callable[[Tensor], Tensor] | None = None

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        self.meter.update(
            outputs if self.outputs is None else self.outputs(outputs),
            targets if self.targets is None else self.targets(targets),
        )

    def compute(self) -> Any:
        return self.meter.compute()

    def to(self, device: torch.device) -> Viewed:
        return Viewed(_moved(self.meter, device), self.outputs, self.targets)


def places(
    outputs: Callable[[Tensor], Tensor] | None = None, targets: Callable[[Tensor], Tensor] | None = None
) -> Callable[[], BatchMeter]:
    """What makes an :class:`ArgmaxAccuracy` of places, those that are not learned left out.

    Args:
        outputs: brings the logits to axis 1; a function of a module, so that it pickles.
        targets: changes targets likewise.
    """
    return partial(_made_places, outputs, targets)


def _made_places(outputs: Callable[[Tensor], Tensor] | None, targets: Callable[[Tensor], Tensor] | None) -> BatchMeter:
    return Viewed(ArgmaxAccuracy(IGNORED), outputs, targets)


def from_torchmetrics(
    name: str,
    outputs: Callable[[Tensor], Tensor] | None = None,
    targets: Callable[[Tensor], Tensor] | None = None,
    **settings: Any,
) -> Callable[[], BatchMeter]:
    """What makes a metric of torchmetrics.

    Args:
        name: ``module:class``, the module below ``torchmetrics``.
        outputs: changes outputs on their way to it; a function of a module, so that it pickles.
        targets: changes targets likewise.
        settings: of the class.
    """
    return partial(_made, name, outputs, targets, settings)


def _made(
    name: str,
    outputs: Callable[[Tensor], Tensor] | None,
    targets: Callable[[Tensor], Tensor] | None,
    settings: dict[str, Any],
) -> BatchMeter:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(f"torchmetrics.{module}"), attribute)
    except ImportError as error:
        raise MissingDependency("torchmetrics", f"the metric {attribute}") from error
    return Viewed(found(**settings), outputs, targets)


class Measured:
    """Loss and metrics of examples that come in batches."""

    def __init__(self, task: Task, device: torch.device) -> None:
        self.task, self.device = task, device
        self.meters = {name: _on(metric, device) for name, metric in task.metrics.items()}
        self.losses: list[Tensor] = []
        self.sizes: list[int] = []
        self.held: list[tuple[Tensor, Tensor]] = []
        self.numbers = 0

    def add(self, outputs: Tensor, targets: Tensor, loss: Tensor) -> None:
        """Take a batch in.

        Args:
            outputs: (b, ...) of the network, without gradients.
            targets: (b, ...).
            loss: the mean over the batch, a scalar.
        """
        self.losses.append(loss)
        self.sizes.append(len(targets))
        if not self.meters:
            return
        self.held.append((outputs, targets))
        self.numbers += outputs.numel()
        if self.numbers >= _HELD:
            self._take_in()

    def _take_in(self) -> None:
        if not self.held:
            return
        outputs, targets = (torch.cat(parts) for parts in zip(*self.held, strict=True))
        self.held, self.numbers = [], 0
        predictions = self.task.predictions(outputs.float())
        for meter in self.meters.values():
            meter.update(predictions, targets)

    @property
    def loss(self) -> float:
        """The mean over examples."""
        losses, sizes = torch.stack(self.losses).cpu().double(), torch.tensor(self.sizes, dtype=torch.float64)
        return float((losses * sizes).sum() / sizes.sum())

    def values(self) -> dict[str, float]:
        """Metrics in the task's order and then the loss; those that have no finite value here are left out."""
        self._take_in()
        found = {name: float(meter.compute()) for name, meter in self.meters.items()} | {LOSS: self.loss}
        return {name: value for name, value in found.items() if _finite(value)}


def meter_of(task: Task, name: str, device: torch.device) -> BatchMeter:
    """A new meter of one of the task's metrics that reads what networks give."""
    return Viewed(_on(task.metrics[name], device), partial(_predictions, task))


def _predictions(task: Task, outputs: Tensor) -> Tensor:
    return task.predictions(outputs.float())


def _finite(value: float) -> bool:
    return value == value and abs(value) != float("inf")


def _on(metric: Metric, device: torch.device) -> BatchMeter:
    return _moved(metric.make(), device)


def _moved(meter: BatchMeter, device: torch.device) -> BatchMeter:
    move = getattr(meter, "to", None)
    moved: BatchMeter = meter if move is None else move(device)
    return moved
